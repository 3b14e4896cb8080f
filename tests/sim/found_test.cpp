// What random lives found, told one by one, with the seed that showed it first.
#include "sim/cluster_fixture.hpp"
#include "support/bound.hpp"
#include "support/node_ids.hpp"

#include <initializer_list>

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

namespace {

bool waits_for_line(SimCluster& sim, const std::string& line, Duration bound) {
  const Duration end = sim.now() + bound;
  while (sim.now() < end) {
    if (sim.report().find(line) != std::string::npos) return true;
    sim.run_for(1ms);
  }
  return false;
}

}  // namespace

TEST_CASE("a leader that is unseated while it takes in a stray stamps nothing") {  // seed 2082, 3 nodes
  int reached = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SimOptions options = cluster_of(3, seed);
    options.takeover = Takeover::never;
    SimCluster sim(options);
    REQUIRE(sim.run_until_leader(5s) == NodeId{3});
    // An image on node 1 alone, which nobody reads when the next leader takes over.
    const SimImage image = make_image(seed, 2'000);
    for (const NodeId slow : {NodeId{2}, NodeId{3}}) sim.slow_disk(slow, 16'000);
    (void)sim.put(image);
    if (!sim.run_until([&] { return sim.durable_copies(image.digest) == 1; }, 1s)) continue;
    sim.crash(NodeId{3}, Crash::kPowerLoss);
    sim.crash(NodeId{2}, Crash::kPowerLoss);
    sim.restart_client(0);
    sim.cut(NodeId{1}, Direction::kBoth);
    for (const NodeId other : {NodeId{2}, NodeId{3}}) {
      sim.slow_disk(other, 1);
      sim.restart(other);
    }
    const NodeId leader = sim.run_until_leader(5s);
    if (leader == kNobody || sim.durable_copies(image.digest) != 1) continue;
    sim.slow_disk(leader, 16'000);
    sim.heal();
    if (!waits_for_line(sim, "offering 1 records that the leader lacks", 5s)) continue;
    sim.run_for(2ms);  // the leader asks its catalog, and waits
    sim.cut(leader, Direction::kBoth);
    sim.run_for(3s);
    ++reached;
    sim.heal();
    sim.slow_disk(leader, 1);
    CHECK(sim.converges(30s));
    require_clean(sim);
  }
  CHECK(reached > 0);
}

TEST_CASE("a node that lost its catalog and could not save that it did is not what it was at its next start") {
  // seed 1795563764161, 3 nodes
  SimCluster sim(cluster_of(3, 11));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  sim.run_for(1s);
  sim.crash(NodeId{2});
  REQUIRE(sim.put_and_wait(make_image(1, 2'000), 5s).ok());  // on nodes 1 and 3
  const Incarnation former = sim.status(NodeId{1}).election.incarnation;
  sim.crash(NodeId{1});
  sim.lose(NodeId{1}, Loss::kCatalog);
  sim.disk_call_fails(NodeId{1}, DiskCall::kSaveState, true);
  sim.restart(NodeId{1});
  sim.run_for(10ms);
  sim.crash(NodeId{1});
  sim.disk_call_fails(NodeId{1}, DiskCall::kSaveState, false);
  sim.crash(NodeId{3});
  sim.restart(NodeId{1});
  sim.restart(NodeId{2});
  CHECK(sim.run_until_leader(5s) == kNobody);
  CHECK(sim.status(NodeId{1}).election.incarnation != former);
  sim.restart(NodeId{3});
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("a member that could not save that it is bound again votes for who knows it") {  // seed 88, 5 nodes
  SimCluster sim(cluster_of(3, 15));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  REQUIRE(sim.put_and_wait(make_image(1, 2'000), 5s).ok());
  REQUIRE(sim.converges(5s));
  sim.crash(NodeId{1});
  sim.lose(NodeId{1}, Loss::kCatalog);
  sim.restart(NodeId{1});
  REQUIRE(sim.run_until([&] { return bound_by(sim, NodeId{3}, NodeId{1}); }, 20s));
  sim.disk_call_fails(NodeId{1}, DiskCall::kSaveState, true);
  REQUIRE(sim.run_until([&] { return bound_by(sim, NodeId{2}, NodeId{1}); }, 1s));
  sim.run_for(100ms);
  sim.crash(NodeId{3});
  sim.crash(NodeId{1});
  sim.disk_call_fails(NodeId{1}, DiskCall::kSaveState, false);
  sim.restart(NodeId{1});
  REQUIRE_FALSE(bound_by(sim, NodeId{1}, NodeId{1}));
  CHECK(sim.run_until_leader(5s) == NodeId{2});
  CHECK(sim.put_and_wait(make_image(2, 2'000), 5s).ok());
  sim.restart(NodeId{3});
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("a candidate whose only other member is blank does not raise its term for ever") {  // seed 1795562703517, 3 nodes
  SimCluster sim(cluster_of(3, 17));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  sim.run_for(1s);
  sim.crash(NodeId{3});
  sim.crash(NodeId{1});
  sim.lose(NodeId{1}, Loss::kEverything);
  sim.restart(NodeId{1});
  sim.run_for(10s);
  CHECK(sim.status(NodeId{2}).election.term <= 3);
  sim.restart(NodeId{3});
  CHECK(sim.run_until_leader(5s) != kNobody);
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("a member that was unknown when its connection was made is heard all the same") {  // seed 902896, 5 nodes
  SimCluster sim(cluster_of(3, 19));
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  sim.propose(up_to(4));
  // Its file lets go of node 2 before the two have met; the members that it is taught then name node 2.
  const NodeId newcomer = sim.add_node(up_to(4));
  sim.edit_peers(newcomer, {NodeId{1}, NodeId{3}, newcomer});
  sim.reload(newcomer);
  REQUIRE(sim.run_until([&] { return sim.leader() == newcomer; }, 30s));
  sim.run_for(2s);
  CHECK(sim.leader() == newcomer);
  CHECK(sim.status(NodeId{2}).election.leader == newcomer);
  CHECK(sim.put_and_wait(make_image(1, 2'000), 5s).ok());
  CHECK(sim.converges(5s));
  require_clean(sim);
}

TEST_CASE("all members are replaced by others at once: one of those has to lead before the last leaves") {
  // seed 900667, 3 nodes
  SimCluster sim(cluster_of(2, 21));
  REQUIRE(sim.run_until_leader(5s) == NodeId{2});
  for (const std::uint32_t nodes : {3U, 4U}) {
    sim.add_node(up_to(nodes));
    sim.propose(up_to(nodes));
    REQUIRE(sim.run_until([&] { return sim.members() == up_to(nodes); }, 30s));
  }
  sim.propose(up_to(2));
  REQUIRE(sim.run_until([&] { return sim.members() == up_to(2); }, 30s));
  REQUIRE(sim.put_and_wait(make_image(1, 2'000), 5s).ok());
  const std::vector<NodeId> others = {NodeId{3}, NodeId{4}};
  sim.propose(others);
  CHECK(sim.run_until([&] { return sim.members() == others; }, 30s));
  CHECK(sim.converges(30s));
  CHECK(sim.durable_copies(make_image(1, 2'000).digest) >= 2);
  require_clean(sim);
}

TEST_CASE("a candidate takes over the members that its voters tell of, and asks those") {  // seed 902888, 3 nodes
  SimOptions options = cluster_of(3, 23);
  options.takeover = Takeover::never;
  SimCluster sim(options);
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  sim.run_for(1s);
  sim.crash(NodeId{2});
  (void)sim.step_down();
  REQUIRE(sim.run_until([&] { return sim.leader() == NodeId{1}; }, 5s));
  sim.add_node(up_to(4));
  sim.propose(up_to(4));
  // Only node 1 comes to hold that node 4 is a member. Without node 2 all three have to vote.
  REQUIRE(sim.run_until([&] { return sim.status(NodeId{1}).election.membership.version == 2; }, 30s));
  sim.cut(NodeId{1}, Direction::kOutgoing);
  sim.run_for(100ms);
  sim.crash(NodeId{1});
  sim.restart(NodeId{1});
  sim.run_for(3s);
  REQUIRE(sim.status(NodeId{1}).election.membership.version == 2);
  REQUIRE(sim.status(NodeId{3}).election.membership.version == 1);
  sim.heal();
  CHECK(sim.run_until_leader(5s) != kNobody);
  CHECK(sim.put_and_wait(make_image(1, 2'000), 5s).ok());
  sim.restart(NodeId{2});
  CHECK(sim.run_until([&] { return sim.members() == up_to(4); }, 30s));
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("bytes on their way when the image is deleted do not bring it back once that is forgotten") {
  // seed 970676, 3 nodes
  SimOptions options = cluster_of(3, 25);
  options.takeover = Takeover::never;
  options.tombstone_age = 200ms;
  SimCluster sim(options);
  REQUIRE(sim.run_until_leader(5s) == NodeId{3});
  sim.run_for(1s);
  sim.crash(NodeId{1});
  const SimImage image = make_image(1, 600'000);
  REQUIRE(sim.put_and_wait(image, 5s).ok());
  LinkProfile narrow;
  narrow.nanoseconds_per_kib = 5'000'000;  // 3 s for the image
  for (const NodeId other : {NodeId{2}, NodeId{3}}) sim.link(NodeId{1}, other, narrow);
  sim.restart(NodeId{1});
  REQUIRE(sim.run_until([&] { return sim.status(NodeId{1}).catalog.missing == 1; }, 5s));
  sim.run_for(100ms);
  const auto removed = sim.remove(image.digest);
  REQUIRE(sim.run_until([&] { return removed.done(); }, 5s));
  REQUIRE(removed.ok());
  REQUIRE(sim.status(NodeId{1}).catalog.images == 0);
  // If they arrived, and the leader died then, the next one would take the image for one that was acknowledged.
  CHECK_FALSE(sim.run_until([&] { return sim.status(NodeId{1}).catalog.images > 0; }, 15s));
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("what lands under an old term while a new leader reads the others is not in its catalog behind its back") {
  int reached = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SimOptions options = cluster_of(3, seed);
    options.takeover = Takeover::never;
    SimCluster sim(options);
    REQUIRE(sim.run_until_leader(5s) == NodeId{3});
    const SimImage image = make_image(seed, 2'000);
    REQUIRE(sim.put_and_wait(image, 5s).ok());
    const auto removed = sim.remove(image.digest);
    REQUIRE(sim.run_until([&] { return removed.done(); }, 5s));
    REQUIRE(sim.converges(5s));  // of a deleted image the catalog has to be asked
    sim.slow_disk(NodeId{3}, 16'000);
    sim.cut_link(NodeId{3}, NodeId{1}, Direction::kBoth);
    bool stored = false;
    sim.at_moment(NodeId{2}, Moment::kBytesStored, [&] {
      stored = true;
      sim.slow_disk(NodeId{2}, 16'000);
    });
    (void)sim.put(image);
    if (!sim.run_until([&] { return stored; }, 2s)) continue;
    sim.run_for(100us);
    sim.slow_disk(NodeId{2}, 1);  // what was asked by then takes its time, and votes do not
    sim.crash(NodeId{3}, Crash::kPowerLoss);
    sim.restart_client(0);
    if (sim.run_until_leader(3s) != NodeId{2}) continue;
    ++reached;
    sim.run_for(5ms);
    const auto shown = sim.list(1);
    CHECK(sim.run_until([&] { return shown.done(); }, 100ms));
    sim.crash(NodeId{2}, Crash::kPowerLoss);
    sim.slow_disk(NodeId{3}, 1);
    sim.heal();
    sim.restart(NodeId{3});
    sim.run_until_leader(5s);
    const auto later = sim.list(1);
    CHECK(sim.run_until([&] { return later.done(); }, 10s));
    sim.restart(NodeId{2});
    CHECK(sim.converges(30s));
    require_clean(sim);
  }
  CHECK(reached > 0);
}
