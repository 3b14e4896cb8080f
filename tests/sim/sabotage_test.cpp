// The proof that the simulator bites: one rule is broken at a time, and it must be noticed. The same lives without the
// broken rule pass.
#include <doctest/doctest.h>
#include <cloudp2p/testing/random_run.hpp>

#include <functional>

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

namespace {

/// The first violation that random lives show within so many seeds; empty when there is none.
std::string random_verdict(const Sabotage& sabotage, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    RandomRunOptions options;
    options.seed = seed;
    options.sabotage = sabotage;
    const RandomRunResult result = random_run(options);
    if (result.ok()) continue;
    MESSAGE("seed " << options.seed << ": " << result.violations.front());
    return result.violations.front();
  }
  return {};
}

void mend(SimCluster& sim) {
  sim.heal();
  for (std::uint32_t id = 1; id <= sim.size(); ++id) {
    sim.slow_disk(NodeId{id}, 1);
    sim.resume(NodeId{id});
    sim.restart(NodeId{id});
  }
}

/// Every one of these lives takes the same course; the seed decides what comes a moment earlier or later.
using Scenario = std::function<void(SimCluster&)>;
std::string verdict(const Scenario& scenario, const Sabotage& sabotage, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SimOptions options;
    options.seed = seed;
    options.sabotage = sabotage;
    options.takeover = Takeover::never;
    options.disk.sync = 100us;
    options.client_timeout = 5s;
    SimCluster sim(options);
    scenario(sim);
    if (!sim.ok()) return sim.violations().front();
    mend(sim);
    if (!sim.converges(30s)) return "I13 (convergence) violated";
  }
  return {};
}

bool names(const std::string& violation, const std::string& rule) {
  return violation.rfind(rule + " ", 0) == 0;
}

/// A leader sleeps; while it does, another is elected. `asleep` happens before it wakes up.
void leader_sleeps(SimCluster& sim, const std::function<void(NodeId)>& asleep) {
  const NodeId old = sim.run_until_leader(5s);
  (void)sim.list(1);  // this client knows the old leader, and is idle from now on
  sim.run_for(100ms);
  sim.pause(old);
  REQUIRE(sim.run_until_leader(5s) != old);
  asleep(old);
  sim.resume(old);
  sim.run_for(1s);
}

void late_upload(SimCluster& sim) {
  leader_sleeps(sim, [&](NodeId) {
    (void)sim.put(make_image(7, 2'000), 1);
    sim.run_for(20ms);
  });
}

void late_read(SimCluster& sim) {
  leader_sleeps(sim, [&](NodeId) {
    CHECK(sim.put_and_wait(make_image(8, 2'000), 5s).ok());
    (void)sim.list(1);
    sim.run_for(20ms);
  });
}

void sync_across_a_vote(SimCluster& sim) {
  const NodeId old = sim.run_until_leader(5s);
  for (std::uint32_t id = 1; id <= 3; ++id)
    sim.slow_disk(NodeId{id}, NodeId{id} == old ? 1 : 6'000);
  (void)sim.put(make_image(9, 2'000));
  sim.run_for(20ms);
  sim.pause(old);
  sim.run_for(2'600ms);
  sim.resume(old);
  sim.run_for(3s);
}

void seen_on_a_minority(SimCluster& sim) {
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  const SimImage image = make_image(10, 2'000);
  sim.cut_link(NodeId{3}, NodeId{1}, Direction::kBoth);
  sim.slow_disk(NodeId{3}, 8'000);
  (void)sim.put(image);
  REQUIRE(sim.run_until([&] { return sim.durable_copies(image.digest) == 1; }, 2s));
  sim.crash(NodeId{3}, Crash::kPowerLoss);
  sim.restart_client(0);  // Its retry would bring the image to a majority.
  sim.heal();
  sim.slow_disk(NodeId{3}, 1);
  if (sim.run_until_leader(5s) != NodeId{2}) return;
  const auto shown = sim.list(1);
  sim.run_until([&] { return shown.done(); }, 200ms);
  sim.crash(NodeId{2});
  sim.restart(NodeId{3});
  sim.run_until_leader(5s);
  const auto later = sim.list(1);
  sim.run_until([&] { return later.done(); }, 5s);
}

/// The answer to a delete is lost; the image is stored again before the client repeats the delete.
void repeated_delete(SimCluster& sim) {
  const SimImage image = make_image(11, 2'000);
  const NodeId leader = sim.run_until_leader(5s);
  REQUIRE(sim.put_and_wait(image, 5s).ok());
  bool lost = false;
  sim.at_moment(leader, Moment::kAcknowledged, [&] {
    sim.crash(leader, Crash::kPowerLoss);
    sim.pause_client(0);
    lost = true;
  });
  const auto removed = sim.remove(image.digest, 0);
  REQUIRE(sim.run_until([&] { return lost; }, 5s));
  REQUIRE(sim.run_until_leader(5s) != kNobody);
  const auto looked = sim.info(image.digest, 1);
  sim.run_until([&] { return looked.done(); }, 5s);
  CHECK(sim.put_and_wait(image, 5s, 1).ok());
  sim.resume_client(0);
  sim.run_until([&] { return removed.done(); }, 10s);
  const auto later = sim.info(image.digest, 1);
  sim.run_until([&] { return later.done(); }, 5s);
  sim.restart(leader);
}

/// A leader with a slow disk is landing an image when its file, as that of a deleted one, is due to leave: within the next
/// heartbeat, so each life stores it again a little later than the one before.
Scenario stored_again_while_it_leaves() {
  return [delay = 0ms](SimCluster& sim) mutable {
    const NodeId leader = sim.run_until_leader(5s);
    const SimImage image = make_image(12, 20'000);
    REQUIRE(sim.put_and_wait(image, 5s, 1).ok());
    const auto removed = sim.remove(image.digest, 0);
    REQUIRE(sim.run_until([&] { return removed.done(); }, 5s));
    sim.slow_disk(leader, 300);
    sim.run_for(delay += 6ms);
    REQUIRE(sim.put_and_wait(image, 5s, 1).ok());
    sim.run_for(200ms);
    sim.slow_disk(leader, 1);
  };
}

}  // namespace

TEST_CASE("a vote that is not persisted is caught") {
  Sabotage sabotage;
  sabotage.vote_not_persisted = true;
  CHECK(names(random_verdict(sabotage, 3), "I4"));
}

TEST_CASE("a majority that is one short is caught") {
  Sabotage sabotage;
  sabotage.majority_one_short = true;
  CHECK(random_verdict(sabotage, 3) != "");
}

TEST_CASE("followers that obey a superseded leader are caught") {
  Sabotage sabotage;
  sabotage.no_term_fencing = true;
  CHECK(verdict(late_upload, sabotage, 60) != "");
  CHECK(verdict(late_upload, {}, 60) == "");
}

TEST_CASE("a term that is not checked again after the sync is caught") {
  Sabotage sabotage;
  sabotage.no_term_check_after_sync = true;
  CHECK(names(verdict(sync_across_a_vote, sabotage, 100), "I6"));
  CHECK(verdict(sync_across_a_vote, {}, 100) == "");
}

TEST_CASE("an acknowledgement before the sync is caught") {
  Sabotage sabotage;
  sabotage.ack_before_sync = true;
  CHECK(names(random_verdict(sabotage, 3), "I5"));
}

TEST_CASE("a read that no majority confirmed is caught") {
  Sabotage sabotage;
  sabotage.read_without_confirmation = true;
  CHECK(names(verdict(late_read, sabotage, 30), "I12"));
  CHECK(verdict(late_read, {}, 30) == "");
}

TEST_CASE("a takeover that writes nothing back is caught") {
  Sabotage sabotage;
  sabotage.no_write_back_at_takeover = true;
  CHECK(names(verdict(seen_on_a_minority, sabotage, 30), "I12"));
  CHECK(verdict(seen_on_a_minority, {}, 30) == "");
}

TEST_CASE("a delete that is acknowledged before it is on a majority is caught") {
  Sabotage sabotage;
  sabotage.delete_acked_before_majority = true;
  CHECK(names(random_verdict(sabotage, 20), "I5"));
}

TEST_CASE("a delete that does not look at the stamp is caught") {
  Sabotage sabotage;
  sabotage.delete_ignores_stamp = true;
  CHECK(names(verdict(repeated_delete, sabotage, 10), "I18"));
  CHECK(verdict(repeated_delete, {}, 10) == "");
}

TEST_CASE("a delete that takes the file from under the same content is caught") {
  Sabotage sabotage;
  sabotage.delete_ignores_landing = true;
  CHECK(verdict(stored_again_while_it_leaves(), sabotage, 20) != "");  // the catalog says that the bytes are here
  CHECK(verdict(stored_again_while_it_leaves(), {}, 20) == "");
}

TEST_CASE("a delete beside an upload of the same content is caught") {
  Sabotage sabotage;
  sabotage.delete_beside_upload = true;
  CHECK(random_verdict(sabotage, 600) != "");
}

TEST_CASE("a damaged copy that is put aside and still listed is caught") {
  Sabotage sabotage;
  sabotage.damage_not_recorded = true;
  CHECK(random_verdict(sabotage, 40) != "");
}

TEST_CASE("a damaged copy that a verification dates as good is caught") {
  Sabotage sabotage;
  sabotage.damage_dated_as_good = true;
  CHECK(names(random_verdict(sabotage, 40), "I13"));
}

TEST_CASE("a tombstone that is forgotten while a member lacks it is caught") {
  Sabotage sabotage;
  sabotage.tombstones_collected_early = true;
  CHECK(names(random_verdict(sabotage, 60), "I14"));
}

TEST_CASE("a duplicate that is acknowledged from the local copy is caught") {
  Sabotage sabotage;
  sabotage.duplicate_acked_from_local_copy = true;
  CHECK(names(random_verdict(sabotage, 3), "I5"));
}

namespace {

/// Three members have images, one of them is away; two empty machines are to join.
void two_join(SimCluster& sim) {
  sim.run_until_leader(5s);
  sim.run_for(1s);
  sim.crash(NodeId{1});
  for (std::uint64_t salt = 1; salt <= 5; ++salt) CHECK(sim.put_and_wait(make_image(salt, 2'000), 5s).ok());
  std::vector<NodeId> wanted;
  for (std::uint32_t id = 1; id <= 5; ++id) wanted.push_back(NodeId{id});
  sim.add_node(wanted);
  sim.add_node(wanted);
  sim.propose(wanted);
  sim.run_for(8s);
  CHECK(sim.members() == wanted);
}

}  // namespace

TEST_CASE("two members that are added at once are caught") {
  Sabotage sabotage;
  sabotage.change_two_voters = true;
  CHECK(names(verdict(two_join, sabotage, 3), "I15"));
  CHECK(verdict(two_join, {}, 3) == "");
}

TEST_CASE("a member that is added before a majority of the new members has everything is caught") {
  Sabotage sabotage;
  sabotage.change_without_copies = true;
  CHECK(names(verdict(two_join, sabotage, 3), "I15"));
}
