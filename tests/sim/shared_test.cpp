// All nodes mount one directory: the leader alone writes to it, and its successor finds what it acknowledged.
#include "sim/load.hpp"

#include <random>

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

namespace {

SimOptions sharing(std::uint64_t seed, std::size_t nodes = 3) {
  SimOptions options = cluster_of(nodes, seed);
  options.shared = true;
  options.takeover = Takeover::never;
  return options;
}

bool lists(SimCluster& sim, const SimImage& image) {
  const auto info = sim.info(image.digest, 1);
  return sim.run_until([&] { return info.done(); }, 10s) && info.ok();
}

bool reads(SimCluster& sim, const SimImage& image) {
  const auto got = sim.get(image.digest, 1);
  return sim.run_until([&] { return got.done(); }, 10s) && got.ok();
}

std::vector<NodeId> nodes_of(const SimCluster& sim) {
  std::vector<NodeId> out;
  for (std::uint32_t id = 1; id <= sim.size(); ++id) out.push_back(NodeId{id});
  return out;
}

/// Somebody leads, and waits for this node.
bool waited_for(const SimCluster& sim, NodeId holder) {
  const std::string text = "waiting for node " + to_string(holder) + " to let go of the directory";
  for (const NodeId id : nodes_of(sim)) {
    if (sim.running(id) && sim.status(id).membership_note == text) return true;
  }
  return false;
}

/// One fault, or its end, on a random node.
void strike(SimCluster& sim, std::mt19937_64& random) {
  const NodeId node{static_cast<std::uint32_t>(1 + random() % sim.size())};
  switch (random() % 9) {
    case 0: return sim.crash(node, Crash::kKill);
    case 1: return sim.crash(node, Crash::kPowerLoss);
    case 2: return sim.restart(node);
    case 3: return sim.pause(node);
    case 4: return sim.resume(node);
    case 5: return sim.cut(node, static_cast<Direction>(random() % 3));
    case 6: return sim.heal();
    case 7: return sim.break_lock();
    default: return sim.slow_disk(node, 1 + static_cast<unsigned>(random() % 40));
  }
}

void calm(SimCluster& sim) {
  sim.heal();
  for (const NodeId id : nodes_of(sim)) {
    sim.restart(id);
    sim.resume(id);
    sim.slow_disk(id, 1);
  }
}

}  // namespace

TEST_CASE("nodes that share a directory: one copy, no repair, and every follower is ready to lead") {
  SimCluster sim(sharing(3));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  const SimImage image = make_image(1, 200'000);
  const auto upload = sim.put_and_wait(image, 5s);
  REQUIRE(upload.ok());
  CHECK(upload.value()->copies == 1);
  CHECK(upload.value()->members == 1);
  CHECK(reads(sim, image));
  sim.run_for(3s);
  CHECK(sim.status(NodeId{3}).catalog.images == 1);
  CHECK(sim.status(NodeId{3}).under_replicated == 0);
  for (const NodeId follower : {NodeId{1}, NodeId{2}}) {
    CHECK(sim.status(follower).catalog.images == 0);
    CHECK(sim.status(follower).counters.replicas_stored == 0);
    CHECK(sim.status(follower).counters.repairs == 0);
  }
  require_clean(sim);
}

TEST_CASE("nodes that share a directory: the leader is killed, and the next one serves what it acknowledged") {
  SimCluster sim(sharing(5));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  const SimImage before = make_image(1, 200'000);
  REQUIRE(sim.put_and_wait(before, 5s).ok());
  sim.crash(NodeId{3}, Crash::kKill);
  REQUIRE(sim.run_until_leader(5s) == NodeId{2});
  CHECK(reads(sim, before));
  const SimImage after = make_image(2, 200'000);
  CHECK(sim.put_and_wait(after, 5s).ok());
  sim.restart(NodeId{3});
  sim.crash(NodeId{2}, Crash::kPowerLoss);
  REQUIRE(sim.run_until_leader(10s) == NodeId{3});
  CHECK(reads(sim, before));
  CHECK(reads(sim, after));
  sim.restart(NodeId{2});
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("nodes that share a directory: a leader that dies at any point of an upload costs the client one pause") {
  for (const Moment moment : {Moment::kStamped, Moment::kBytesStored, Moment::kRecorded, Moment::kAcknowledged}) {
    for (const Crash crash : {Crash::kKill, Crash::kPowerLoss}) {
      CAPTURE(static_cast<int>(moment));
      SimCluster sim(sharing(7));
      REQUIRE(sim.run_until_leader(5s) == NodeId{3});
      sim.at_moment(NodeId{3}, moment, [&] { sim.crash(NodeId{3}, crash); });
      const SimImage image = make_image(1, 300'000);
      const auto upload = sim.put_and_wait(image, 20s);
      CHECK_MESSAGE(upload.ok(), sim.report());
      CHECK(sim.run_until_leader(10s) == NodeId{2});
      CHECK(reads(sim, image));
      require_clean(sim);
    }
  }
}

TEST_CASE("nodes that share a directory: a paused leader keeps it, its successor waits for it and says so") {
  SimCluster sim(sharing(11));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  const SimImage image = make_image(1, 100'000);
  REQUIRE(sim.put_and_wait(image, 5s).ok());
  sim.pause(NodeId{3});
  CHECK(sim.run_until([&] { return waited_for(sim, NodeId{3}); }, 5s));
  sim.run_for(10s);
  CHECK(sim.leader() == kNobody);
  sim.resume(NodeId{3});
  CHECK(sim.run_until([&] { return sim.leader() == NodeId{1} || sim.leader() == NodeId{2}; }, 5s));
  CHECK_FALSE(waited_for(sim, NodeId{3}));
  CHECK(reads(sim, image));
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("nodes that share a directory: a leader that slept through the end of its lock writes and acknowledges nothing") {
  SimCluster sim(sharing(13));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  const SimImage early = make_image(1, 100'000);
  REQUIRE(sim.put_and_wait(early, 5s).ok());
  sim.at_moment(NodeId{3}, Moment::kStamped, [&] { sim.pause(NodeId{3}); });
  const SimImage image = make_image(2, 100'000);
  const auto upload = sim.put(image);
  REQUIRE(sim.run_until([&] { return sim.paused(NodeId{3}); }, 5s));
  sim.break_lock();
  const NodeId next = sim.run_until_leader(10s);
  CHECK(next == NodeId{2});
  const auto acknowledged = sim.status(next).counters.uploads_acknowledged;
  sim.resume(NodeId{3});
  CHECK(sim.run_until([&] { return upload.done(); }, 20s));
  CHECK_MESSAGE(upload.ok(), sim.report());
  CHECK(upload.value()->leader == next);
  CHECK(sim.status(next).counters.uploads_acknowledged == acknowledged + 1);
  CHECK(reads(sim, early));
  CHECK(reads(sim, image));
  sim.run_for(3s);
  CHECK(sim.status(NodeId{3}).election.role == ElectionRole::follower);
  CHECK(sim.status(NodeId{3}).store.health == StoreHealth::ok);
  require_clean(sim);
}

TEST_CASE("nodes that share a directory: a living leader whose lock is broken steps down, and the store is taken anew") {
  SimCluster sim(sharing(17));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  const SimImage early = make_image(1, 100'000);
  REQUIRE(sim.put_and_wait(early, 5s).ok());
  sim.break_lock();
  const SimImage late = make_image(2, 100'000);
  const auto upload = sim.put_and_wait(late, 20s);
  CHECK_MESSAGE(upload.ok(), sim.report());
  CHECK(reads(sim, early));
  CHECK(reads(sim, late));
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("nodes that share a directory: an isolated leader lets go of it, and the majority takes it") {
  SimCluster sim(sharing(19));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  const SimImage image = make_image(1, 100'000);
  REQUIRE(sim.put_and_wait(image, 5s).ok());
  sim.cut(NodeId{3}, Direction::kBoth);
  CHECK(sim.run_until([&] { return sim.leader() == NodeId{2}; }, 5s));
  CHECK(reads(sim, image));
  CHECK(sim.put_and_wait(make_image(2, 100'000), 10s).ok());
  sim.heal();
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("nodes that share a directory: a step-down under load fails no client operation") {
  SimOptions options = sharing(23);
  options.takeover = Takeover::polite;
  options.timing.takeover_delay = 1s;
  SimCluster sim(options);
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  Load load(sim);
  load.run_for(1s);
  const auto outcome = sim.step_down();
  load.run_for(1s);
  REQUIRE(outcome.ok());
  CHECK(sim.leader() == NodeId{2});
  CHECK(load.run_until([&] { return sim.leader() == NodeId{3}; }, 10s));
  load.require_no_failure();
  require_clean(sim);
}

TEST_CASE("nodes that share a directory: deletes stay deleted under the next leader, and their tombstones are forgotten") {
  SimOptions options = sharing(29);
  options.tombstone_age = 2s;
  SimCluster sim(options);
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  const SimImage image = make_image(1, 100'000);
  REQUIRE(sim.put_and_wait(image, 5s).ok());
  const auto removed = sim.remove(image.digest);
  REQUIRE(sim.run_until([&] { return removed.done(); }, 5s));
  CHECK(removed.ok());
  sim.crash(NodeId{3}, Crash::kKill);
  REQUIRE(sim.run_until_leader(5s) == NodeId{2});
  CHECK_FALSE(lists(sim, image));
  sim.run_for(1s);
  CHECK(sim.durable_copies(image.digest) == 0);
  // What is left is the record below which nothing that was deleted comes back.
  CHECK(sim.run_until([&] { return sim.status(NodeId{2}).catalog.tombstones == 1; }, 10s));
  require_clean(sim);
}

TEST_CASE("nodes that share a directory: a member comes, and one that lost its state is admitted again, without any data") {
  SimCluster sim(sharing(31));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  REQUIRE(sim.put_and_wait(make_image(1, 100'000), 5s).ok());
  const std::vector<NodeId> four{NodeId{1}, NodeId{2}, NodeId{3}, NodeId{4}};
  (void)sim.add_node(four);
  sim.propose(four);
  CHECK(sim.run_until([&] { return sim.members() == four; }, 20s));
  sim.crash(NodeId{1});
  sim.lose(NodeId{1}, Loss::kState);
  sim.restart(NodeId{1});
  CHECK(sim.run_until([&] { return sim.status(NodeId{1}).election.role == ElectionRole::follower; }, 20s));
  CHECK(sim.put_and_wait(make_image(2, 100'000), 5s).ok());
  require_clean(sim);
}

TEST_CASE("nodes that share a directory: damage has no second copy to heal from; it is reported, until the image comes again") {
  SimCluster sim(sharing(37));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  const SimImage image = make_image(1, 100'000);
  REQUIRE(sim.put_and_wait(image, 5s).ok());
  sim.corrupt(NodeId{3}, image.digest);
  const auto begun = sim.scrub(ScrubAction::begin);
  REQUIRE(sim.run_until([&] { return begun.done(); }, 5s));
  CHECK(sim.run_until([&] { return sim.status(NodeId{3}).catalog.missing == 1; }, 10s));
  sim.run_for(1s);
  CHECK(sim.status(NodeId{3}).under_replicated == 1);
  CHECK(sim.status(NodeId{3}).counters.copies_damaged == 1);
  CHECK(lists(sim, image));
  CHECK_FALSE(reads(sim, image));
  CHECK(sim.put_and_wait(image, 5s).ok());
  CHECK(reads(sim, image));
  CHECK(sim.status(NodeId{3}).catalog.missing == 0);
  require_clean(sim);
}

TEST_CASE("nodes that share a directory live through random faults") {
  std::size_t stored = 0;
  std::uint64_t led = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    SimCluster sim(sharing(seed, seed % 2 == 0 ? 3 : 5));
    std::vector<SimResult<UploadOutcome>> uploads;
    for (std::uint64_t round = 0; round < 60; ++round) {
      uploads.push_back(sim.put(make_image(1'000 * seed + round % 40, 200 + 5'000 * (round % 9)), round % 2));
      if (round % 5 == 4) (void)sim.remove(make_image(1'000 * seed + round % 40, 200 + 5'000 * (round % 9)).digest, 0);
      if (round % 3 == 0) (void)sim.list(1);
      strike(sim, random);
      sim.run_for(std::chrono::milliseconds(random() % 500));
    }
    calm(sim);
    CHECK_MESSAGE(sim.run_until_leader(15s) != kNobody, sim.report());
    CHECK(sim.put_and_wait(make_image(999'999, 10'000), 15s).ok());
    CHECK(sim.run_until([&] { return std::all_of(uploads.begin(), uploads.end(), [](const auto& u) { return u.done(); }); }, 60s));
    CHECK_MESSAGE(sim.converges(30s), sim.report());
    require_clean(sim);
    stored += sim.acknowledged().size();
    led += sim.status(sim.leader()).election.term;
  }
  // It was a life, and not a standstill.
  CHECK(stored > 800);
  CHECK(led > 100);
}
