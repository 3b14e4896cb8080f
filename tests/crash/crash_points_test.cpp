// Power is lost at every system call of a cluster that works: uploads, deletes, takeovers, members that come and go.
#include "crash/exploration.hpp"
#include "crash/recorded_cluster.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

using namespace crash;

namespace {

constexpr std::size_t kLarge = 2'200'000;  // More than is handed to the disk at once while it arrives.

struct Recorded : Recording {
  std::vector<DiskImage> disks;  ///< As they were in the end.
};

void begin_with_three(RecordedCluster& cluster) {
  for (unsigned node = 1; node <= 3; ++node) cluster.start(node);
  cluster.wait_until_whole(3, 3);
  cluster.upload(20'000, 1);
  cluster.upload(kLarge, 2);
  cluster.upload_together(5, 9'000, 10);
  cluster.upload(20'000, 1);  // It is there already.
}

void delete_and_store_again(RecordedCluster& cluster) {
  const auto image = cluster.upload(30'000, 3);
  cluster.remove(image);
  cluster.upload(30'000, 3);
  cluster.remove(cluster.upload(10'000, 4));
}

/// Node 2 leads, and finds what node 1 lacks: it was acknowledged by 2 and 3.
void take_over_with_write_back(RecordedCluster& cluster) {
  cluster.stop(1);
  cluster.upload(12'000, 5);
  cluster.stop(3);
  cluster.start(1);
  cluster.wait_for_leader(2);
  cluster.upload(8'000, 6);
  cluster.start(3);
  cluster.wait_until_whole(3, 3);
  cluster.wait_for_leader(3);
  cluster.step_down();
  cluster.upload(8'000, 7);
  cluster.wait_for_leader(3);
}

void add_and_remove_a_member(RecordedCluster& cluster) {
  cluster.list(4);
  cluster.start(4);
  cluster.wait_until_whole(4, 4);
  cluster.upload(15'000, 8);
  cluster.list(3);
  cluster.wait_until_whole(3, 3);
  cluster.upload(15'000, 9);
}

Recorded record() {
  RecordedCluster cluster(4, 3);
  begin_with_three(cluster);
  delete_and_store_again(cluster);
  take_over_with_write_back(cluster);
  add_and_remove_a_member(cluster);
  Recorded out;
  out.peers = cluster.peers(4);
  out.deleted = cluster.deleted();
  cluster.end();
  for (unsigned node = 1; node <= 4; ++node) out.disks.push_back(image_of_folder(cluster.disk_of(node)));
  out.logs = cluster.logs();
  return out;
}

const Recorded& recording() {
  static const Recorded recorded = record();
  return recorded;
}

std::string calls_by_kind(const std::vector<DiskLog>& logs) {
  std::map<std::string, std::size_t> counts;
  std::size_t promises = 0;
  for (const DiskLog& log : logs) {
    promises += log.promises.size();
    for (std::size_t i = log.given; i < log.calls.size(); ++i) ++counts[log.calls[i].call];
  }
  std::string out;
  for (const auto& [call, count] : counts) out += fmt::format("{} {}, ", count, call);
  return out + fmt::format("{} promises", promises);
}

unsigned number_in(const char* variable, unsigned otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

Plan plan_from_environment() {
  Plan out;
  out.seed = number_in("CLOUDP2P_CRASH_SEED", 1);
  out.random_states = number_in("CLOUDP2P_CRASH_STATES", 18);
  return out;
}

/// How to see a fault again.
std::string kept_for_replay(const Recording& what, const Plan& plan) {
  const std::string file = std::filesystem::temp_directory_path() / "cloudp2p-crash.recording";
  save(what, file);
  return fmt::format("CLOUDP2P_CRASH_RECORDING={} CLOUDP2P_CRASH_SEED={} CLOUDP2P_CRASH_STATE=… crash_tests -tc=\"one state*\"",
                     file, plan.seed);
}

/// With a broken disk the same recording must show faults of this kind, and only because of it.
void check_is_noticed(const BrokenDisk& broken, const std::string& fault) {
  Plan plan;
  plan.random_states = 2;
  plan.broken = broken;
  plan.faults_max = 1'000;  // Others come first.
  plan.until = fault;
  const Findings found = explore(recording(), plan);
  CHECK_MESSAGE(found.met, "none of " << found.faults.size() << " faults");
}

}  // namespace

TEST_CASE("crash points: the recorded calls make exactly the files that are there") {
  for (std::size_t node = 0; node < recording().logs.size(); ++node) {
    DiskModel model;
    for (const DiskCall& call : recording().logs[node].calls) model.apply(call);
    Random unused;
    const DiskImage replayed = model.image(Variant::kept, unused);
    const DiskImage& real = recording().disks[node];
    REQUIRE(replayed.entries.size() == real.entries.size());
    for (const auto& [path, content] : real.entries) {
      const auto found = replayed.entries.find(path);
      REQUIRE_MESSAGE(found != replayed.entries.end(), path);
      CHECK_MESSAGE((!content || (found->second && found->second->bytes == content->bytes)), path);
    }
  }
}

TEST_CASE("crash points: power lost at any system call costs nothing that was told") {
  const Plan plan = plan_from_environment();
  const Findings found = explore(recording(), plan);
  MESSAGE(calls_by_kind(recording().logs));
  MESSAGE(found.summary());
  CHECK_MESSAGE(found.faults.empty(), kept_for_replay(recording(), plan));
  CHECK(found.states >= 10'000);
}

TEST_CASE("crash points: power lost again while a node starts on what a loss of power left costs nothing") {
  const Plan plan = plan_from_environment();
  Random random(plan.seed);
  Recording starts = recording();
  starts.logs.clear();
  for (int i = 0; i < 24; ++i) {
    const std::size_t log = random() % recording().logs.size();
    const std::size_t calls = random() % (recording().logs[log].calls.size() + 1);
    starts.logs.push_back(record_start(recording(), {log, calls, static_cast<unsigned>(random() % 6)}, plan));
  }
  Plan shorter = plan;
  shorter.random_states = plan.random_states / 3;
  const Findings found = explore(starts, shorter);
  MESSAGE(calls_by_kind(starts.logs));
  MESSAGE(found.summary());
  CHECK_MESSAGE(found.faults.empty(), kept_for_replay(starts, shorter));
}

TEST_CASE("crash points: a store that does not sync its folder is found out") {
  BrokenDisk broken;
  broken.folder_syncs = true;
  check_is_noticed(broken, "its bytes are gone");
}

TEST_CASE("crash points: a record that is committed before its bytes are synced is found out") {
  BrokenDisk broken;
  broken.image_syncs = true;
  check_is_noticed(broken, "has other bytes");
}

TEST_CASE("crash points: a vote that is told before it is synced is found out") {
  BrokenDisk broken;
  broken.state_syncs = true;
  check_is_noticed(broken, "told was");
}

TEST_CASE("crash points: an acknowledgement before the catalog is synced is found out") {
  BrokenDisk broken;
  broken.catalog_syncs = true;
  check_is_noticed(broken, "its record is gone");
}

TEST_CASE("one state replayed" * doctest::skip(std::getenv("CLOUDP2P_CRASH_RECORDING") == nullptr)) {
  const char* const state = std::getenv("CLOUDP2P_CRASH_STATE");
  const std::optional<StateId> id = parse_state(state == nullptr ? "" : state);
  REQUIRE_MESSAGE(id.has_value(), "CLOUDP2P_CRASH_STATE=NODE:CALLS:NUMBER");
  const Verdict verdict =
      judge_one(load(std::getenv("CLOUDP2P_CRASH_RECORDING")), *id, plan_from_environment());
  for (const std::string& fault : verdict.faults) CHECK_MESSAGE(false, fault);
}
