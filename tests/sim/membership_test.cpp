// Members come and go by edited files, one at a time, under load.
#include "sim/load.hpp"
#include "support/node_ids.hpp"

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

namespace {

bool become(SimCluster& sim, const Ids& wanted, Duration bound = 30s) {
  return sim.run_until([&] { return sim.members() == wanted; }, bound);
}

bool says(SimCluster& sim, NodeId node, const std::string& text) {
  return sim.status(node).membership_note.find(text) != std::string::npos;
}

void store(SimCluster& sim, std::size_t count, std::uint64_t first_salt = 1) {
  for (std::uint64_t salt = first_salt; salt < first_salt + count; ++salt) {
    REQUIRE(sim.put_and_wait(make_image(salt, 3'000), 5s).ok());
  }
}

}  // namespace

TEST_CASE("3, 4, 5, 4, 3 nodes under load: no client operation fails, and every node that is left has everything") {
  SimCluster sim(cluster_of(3, 101));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  Load load(sim);
  load.run_for(1s);
  for (const std::uint32_t nodes : {4U, 5U}) {
    CHECK(sim.add_node(up_to(nodes)) == NodeId{nodes});
    load.run_for(300ms);
    sim.propose(up_to(nodes));
    CHECK(load.run_until([&] { return sim.members() == up_to(nodes); }, 30s));
    load.run_for(500ms);
  }
  for (const std::uint32_t nodes : {4U, 3U}) {
    sim.propose(up_to(nodes));
    CHECK(load.run_until([&] { return sim.members() == up_to(nodes); }, 30s));
    load.run_for(500ms);
  }
  load.require_no_failure();
  CHECK(sim.converges(30s));
  CHECK(sim.durable_copies(make_image(1'000'001, 200 + 700).digest) >= 3);
  require_clean(sim);
}

TEST_CASE("one node becomes three, and one again, and keeps its images") {
  SimCluster sim(cluster_of(1, 103));
  REQUIRE(sim.run_until_leader(3s) == NodeId{1});
  store(sim, 20);
  sim.add_node(up_to(3));
  sim.add_node(up_to(3));
  sim.run_for(3s);
  CHECK(sim.members() == up_to(1));
  CHECK(sim.leader() == NodeId{1});
  sim.propose(up_to(3));
  CHECK(become(sim, up_to(3)));
  CHECK(sim.converges(30s));
  CHECK(sim.durable_copies(make_image(7, 3'000).digest) == 3);
  sim.propose(up_to(1));
  CHECK(become(sim, up_to(1)));
  CHECK(sim.put_and_wait(make_image(90, 3'000), 20s).ok());
  CHECK(sim.leader() == NodeId{1});
  require_clean(sim);
}

TEST_CASE("a blank node that the cluster does not list waits, and founds no cluster of its own") {
  SimCluster sim(cluster_of(3, 107));
  sim.run_until_leader(3s);
  store(sim, 3);
  const NodeId newcomer = sim.add_node(up_to(4));
  sim.run_for(10s);
  CHECK(sim.status(newcomer).election.membership.version == 0);
  CHECK(sim.members() == up_to(3));
  sim.propose(up_to(4));
  CHECK(become(sim, up_to(4)));
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("one edited file changes nothing, and is named") {
  SimCluster sim(cluster_of(3, 109));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  sim.edit_peers(NodeId{3}, {NodeId{3}});
  sim.reload(NodeId{3});
  sim.run_for(1s);
  CHECK(sim.members() == up_to(3));
  sim.edit_peers(NodeId{3}, {NodeId{2}, NodeId{3}});
  sim.reload(NodeId{3});
  sim.run_for(10s);
  CHECK(sim.members() == up_to(3));
  CHECK(says(sim, NodeId{3}, "removing node 1: the files of nodes 2 list other nodes"));
  sim.edit_peers(NodeId{3}, up_to(3));
  sim.edit_peers(NodeId{1}, up_to(4));
  sim.reload(NodeId{3});
  sim.reload(NodeId{1});
  sim.run_for(10s);
  CHECK(sim.members() == up_to(3));
  CHECK(says(sim, NodeId{1}, "this node's file lists 1, 2, 3, 4, the members are 1, 2, 3"));
  CHECK(sim.status(NodeId{3}).membership_note.empty());
  require_clean(sim);
}

TEST_CASE("the leader is removed: it hands over first, then votes no more and says so") {
  SimCluster sim(cluster_of(3, 113));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  sim.run_for(1s);
  Load load(sim);
  load.run_for(500ms);
  sim.propose(up_to(2));
  CHECK(load.run_until([&] { return sim.members() == up_to(2); }, 30s));
  load.run_for(1s);
  CHECK(sim.leader() == NodeId{2});
  CHECK(sim.status(NodeId{3}).election.role == ElectionRole::learner);
  CHECK(says(sim, NodeId{3}, "no member of the cluster"));
  load.run_for(12s);
  CHECK(sim.leader() == NodeId{2});
  load.require_no_failure();
  require_clean(sim);
}

TEST_CASE("a node that was removed while it was away changes nothing when it returns") {
  SimCluster sim(cluster_of(4, 127));
  REQUIRE(sim.run_until_leader(3s) == NodeId{4});
  store(sim, 3);
  sim.run_for(1s);
  sim.crash(NodeId{4});
  REQUIRE(sim.run_until([&] { return sim.leader() == NodeId{3}; }, 5s));
  sim.propose(up_to(3));
  CHECK(become(sim, up_to(3)));
  sim.run_for(8s);
  sim.edit_peers(NodeId{4}, up_to(4));
  sim.restart(NodeId{4});
  store(sim, 3, 10);
  sim.run_for(15s);
  CHECK(sim.leader() == NodeId{3});
  CHECK(sim.members() == up_to(3));
  CHECK(sim.status(NodeId{4}).election.leader == kNobody);
  CHECK(sim.converges(10s));
  require_clean(sim);
}

TEST_CASE("a dead node is replaced by another id: first the new one comes, then the old one goes") {
  SimCluster sim(cluster_of(3, 131));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  store(sim, 10);
  sim.crash(NodeId{1}, Crash::kPowerLoss);
  const Ids wanted = {NodeId{2}, NodeId{3}, NodeId{4}};
  sim.add_node(wanted);
  sim.propose(wanted);
  std::size_t most = 0;
  CHECK(sim.run_until(
      [&] {
        most = std::max(most, sim.members().size());
        return sim.members() == wanted;
      },
      30s));
  CHECK(most == 4);
  CHECK(sim.converges(30s));
  CHECK(sim.durable_copies(make_image(5, 3'000).digest) >= 3);
  require_clean(sim);
}

TEST_CASE("a member goes only when those that stay have everything on their majority") {
  SimCluster sim(cluster_of(3, 137));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  sim.run_for(1s);
  sim.crash(NodeId{1});
  store(sim, 80);
  sim.disk(NodeId{1}, SimCluster::Disk::kFull);
  sim.restart(NodeId{1});
  const Ids wanted = {NodeId{1}, NodeId{3}};
  sim.propose(wanted);
  sim.run_for(15s);
  CHECK(sim.members() == up_to(3));
  CHECK(says(sim, NodeId{3}, "removing node 2"));
  CHECK(sim.put_and_wait(make_image(500, 3'000), 10s).ok());
  sim.disk(NodeId{1}, SimCluster::Disk::kHealthy);
  CHECK(become(sim, wanted, 90s));
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("a newcomer whose disk is too small stays a learner, and the leader says what it lacks") {
  SimCluster sim(cluster_of(3, 139));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  store(sim, 80);
  const NodeId small = sim.add_node(up_to(4));
  sim.disk(small, SimCluster::Disk::kFull);
  sim.propose(up_to(4));
  sim.run_for(10s);
  CHECK(sim.members() == up_to(3));
  CHECK(says(sim, NodeId{3}, "adding node 4: it lacks"));
  sim.disk(small, SimCluster::Disk::kHealthy);
  CHECK(become(sim, up_to(4), 90s));
  require_clean(sim);
}

TEST_CASE("a leader that dies in the middle of a change leaves members that its successor can go on with") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SimCluster sim(cluster_of(4, 200 + seed));
    REQUIRE(sim.run_until_leader(3s) == NodeId{4});
    store(sim, 5);
    sim.run_for(1s);
    // Node 1 goes; only some of the others hear of it before the leader is dead.
    const Ids wanted = {NodeId{2}, NodeId{3}, NodeId{4}};
    sim.propose(wanted);
    REQUIRE(sim.run_until([&] { return sim.status(NodeId{4}).election.membership.members.size() == 3; }, 20s));
    for (const NodeId other : {NodeId{2}, NodeId{3}}) {
      if ((seed + value(other)) % 3 != 0) sim.cut_link(NodeId{4}, other, Direction::kBoth);
    }
    sim.run_for(std::chrono::microseconds(400 * seed));
    sim.crash(NodeId{4}, Crash::kPowerLoss);
    sim.heal();
    CHECK(sim.run_until([&] { return sim.leader() != kNobody; }, 10s));
    CHECK(sim.put_and_wait(make_image(77, 3'000), 20s).ok());
    sim.restart(NodeId{4});
    CHECK(become(sim, wanted));
    CHECK(sim.converges(30s));
    require_clean(sim);
  }
}

TEST_CASE("a client whose file has the former address of the leader is told the new one") {
  SimCluster sim(cluster_of(3, 111));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  REQUIRE(sim.put_and_wait(make_image(1, 2'000), 5s).ok());
  sim.crash(NodeId{3});
  sim.move(NodeId{3});
  sim.propose(up_to(3));
  sim.restart(NodeId{3});
  REQUIRE(sim.run_until([&] { return sim.status(NodeId{3}).serving; }, 20s));
  CHECK(sim.put_and_wait(make_image(2, 2'000), 5s).ok());
  CHECK(sim.converges(10s));
  require_clean(sim);
}

TEST_CASE("a member that moves is found by one whose file lists it no more") {
  SimCluster sim(cluster_of(3, 112));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  REQUIRE(sim.put_and_wait(make_image(1, 2'000), 5s).ok());
  sim.crash(NodeId{2});
  sim.crash(NodeId{3});
  sim.edit_peers(NodeId{1}, up_to(2));
  sim.reload(NodeId{1});
  sim.move(NodeId{3});
  sim.edit_peers(NodeId{3}, up_to(3));
  sim.edit_client_peers(0, up_to(3));
  sim.restart(NodeId{3});
  CHECK(sim.put_and_wait(make_image(2, 2'000), 20s).ok());
  sim.propose(up_to(3));
  sim.restart(NodeId{2});
  CHECK(sim.converges(30s));
  require_clean(sim);
}
