// A new leader among members that hang: it goes on with the others.
#include "sim/cluster_fixture.hpp"

#include <functional>

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

TEST_CASE("a voter hangs while records are written back to it: one that returns is asked instead") {
  SimCluster sim(cluster_of(3, 21));
  REQUIRE(sim.run_until_leader(2s) == NodeId{3});
  sim.disk(NodeId{1}, SimCluster::Disk::kFull);
  const SimImage image = make_image(1, 9'000);
  REQUIRE(sim.put_and_wait(image, 2s).ok());
  REQUIRE(sim.durable_copies(image.digest) == 2);
  bool stamped = false;
  sim.at_moment(NodeId{2}, Moment::kStamped, [&] {
    stamped = true;
    sim.stall_disk(NodeId{1}, true);
  });
  sim.crash(NodeId{3});
  REQUIRE(sim.run_until([&] { return stamped; }, 2s));
  sim.restart(NodeId{3});
  CHECK(sim.run_until_leader(1s) != kNobody);
  sim.stall_disk(NodeId{1}, false);
  sim.disk(NodeId{1}, SimCluster::Disk::kHealthy);
  CHECK(sim.converges(20s));
  require_clean(sim);
}

TEST_CASE("a voter hangs while its records are read: others are read") {
  // Node 4 reads those that promised first, whichever they are; each hangs once.
  for (const NodeId voter : {NodeId{1}, NodeId{2}, NodeId{3}}) {
    CAPTURE(voter);
    SimCluster sim(cluster_of(5, 22));
    REQUIRE(sim.run_until_leader(2s) == NodeId{5});
    sim.disk(NodeId{4}, SimCluster::Disk::kFull);
    const SimImage image = make_image(1, 9'000);
    REQUIRE(sim.put_and_wait(image, 2s).ok());
    REQUIRE(sim.durable_copies(image.digest) == 4);
    sim.disk(NodeId{4}, SimCluster::Disk::kHealthy);
    sim.at_moment(NodeId{4}, Moment::kLeading, [&] { sim.stall_disk(voter, true); });
    sim.crash(NodeId{5});
    CHECK(sim.run_until([&] { return sim.status(NodeId{4}).serving; }, 3s));
    sim.stall_disk(voter, false);
    sim.restart(NodeId{5});
    CHECK(sim.converges(20s));
    require_clean(sim);
  }
}

TEST_CASE("the catalog of a new leader can not be read: another leads") {
  SimOptions options = cluster_of(5, 35);
  options.client_timeout = 30s;
  SimCluster sim(options);
  REQUIRE(sim.run_until_leader(2s) == NodeId{5});
  sim.disk(NodeId{4}, SimCluster::Disk::kFull);
  REQUIRE(sim.put_and_wait(make_image(1, 9'000), 2s).ok());
  sim.disk(NodeId{4}, SimCluster::Disk::kHealthy);
  sim.at_moment(NodeId{4}, Moment::kLeading, [&sim] { sim.disk_call_fails(NodeId{4}, DiskCall::kLookUp, true); });
  sim.crash(NodeId{5});
  CHECK(sim.put_and_wait(make_image(2, 9'000), 25s).ok());
  CHECK(sim.leader() == NodeId{3});
  sim.restart(NodeId{5});
  sim.disk_call_fails(NodeId{4}, DiskCall::kLookUp, false);
  CHECK(sim.converges(60s));
  require_clean(sim);
}

TEST_CASE("a voter whose catalog can not be read says so, also to a new leader that has nothing itself") {
  SimCluster sim(cluster_of(3, 37));
  REQUIRE(sim.run_until_leader(2s) == NodeId{3});
  sim.crash(NodeId{3});
  REQUIRE(sim.run_until_leader(2s) == NodeId{2});
  REQUIRE(sim.put_and_wait(make_image(1, 9'000), 2s).ok());
  for (const std::uint32_t id : {1U, 2U}) sim.crash(NodeId{id});
  for (const std::uint32_t id : {2U, 3U}) sim.restart(NodeId{id});
  sim.run_for(20ms);  // Both know what they have, and neither leads yet.
  sim.disk_call_fails(NodeId{2}, DiskCall::kLookUp, true);
  REQUIRE(sim.run_until([&] { return sim.status(NodeId{3}).election.role == ElectionRole::leader; }, 2s));
  CHECK(sim.run_until([&] { return sim.status(NodeId{2}).store.health == StoreHealth::failed; }, 20s));
  CHECK_FALSE(sim.status(NodeId{3}).serving);
  sim.disk_call_fails(NodeId{2}, DiskCall::kLookUp, false);
  sim.restart(NodeId{1});
  CHECK(sim.converges(20s));
  require_clean(sim);
}

/// Enough that some meet a bad page, wherever it is.
void put_many(SimCluster& sim) {
  for (std::uint64_t salt = 1; salt <= 40; ++salt) REQUIRE(sim.put_and_wait(make_image(salt, 2'000), 5s).ok());
}

TEST_CASE("a page of a new leader's catalog can not be read, all others can: another leads") {
  SimCluster sim(cluster_of(3, 38));
  REQUIRE(sim.run_until_leader(2s) == NodeId{3});
  sim.crash(NodeId{3});
  REQUIRE(sim.run_until_leader(2s) == NodeId{2});
  put_many(sim);
  for (const std::uint32_t id : {1U, 2U}) sim.crash(NodeId{id});
  for (const std::uint32_t id : {1U, 3U}) sim.restart(NodeId{id});
  sim.disk_call_fails(NodeId{3}, DiskCall::kLookUpSome, true);
  REQUIRE(sim.run_until([&] { return sim.status(NodeId{3}).election.role == ElectionRole::leader; }, 2s));
  sim.run_for(1s);
  CHECK_FALSE(sim.status(NodeId{3}).serving);
  sim.restart(NodeId{2});
  CHECK(sim.run_until([&] { return sim.leader() == NodeId{2} && sim.status(NodeId{2}).serving; }, 25s));
  CHECK(sim.status(NodeId{3}).store.health == StoreHealth::failed);
  CHECK(sim.status(NodeId{3}).store.problem == "the catalog can not be read: the simulated disk failed");
  sim.disk_call_fails(NodeId{3}, DiskCall::kLookUpSome, false);
  CHECK(sim.run_until([&] { return sim.leader() == NodeId{3}; }, 60s));
  CHECK(sim.converges(20s));
  require_clean(sim);
}

TEST_CASE("a page of a follower's catalog can not be read: it says so until it can, whatever else it answers") {
  SimCluster sim(cluster_of(3, 39));
  REQUIRE(sim.run_until_leader(2s) == NodeId{3});
  sim.crash(NodeId{1});
  put_many(sim);
  sim.restart(NodeId{1});
  sim.disk_call_fails(NodeId{1}, DiskCall::kLookUpSome, true);
  CHECK(sim.run_until([&] { return sim.status(NodeId{1}).store.health == StoreHealth::failed; }, 25s));
  sim.run_for(20s);
  CHECK(sim.status(NodeId{1}).store.health == StoreHealth::failed);
  sim.disk_call_fails(NodeId{1}, DiskCall::kLookUpSome, false);
  CHECK(sim.run_until([&] { return sim.status(NodeId{1}).store.health == StoreHealth::ok; }, 2s));
  CHECK(sim.converges(20s));
  require_clean(sim);
}

TEST_CASE("the catalog of the leader can not be read any more: another leads, and answers") {
  SimOptions options = cluster_of(3, 36);
  options.client_timeout = 30s;
  SimCluster sim(options);
  REQUIRE(sim.run_until_leader(2s) == NodeId{3});
  REQUIRE(sim.put_and_wait(make_image(1, 9'000), 2s).ok());
  // An error that passes is none to make way for.
  sim.disk_call_fails(NodeId{3}, DiskCall::kLookUp, true);
  const auto passing = sim.list();
  sim.run_for(1s);
  sim.disk_call_fails(NodeId{3}, DiskCall::kLookUp, false);
  sim.run_for(20s);
  CHECK(passing.ok());
  CHECK(sim.leader() == NodeId{3});
  sim.disk_call_fails(NodeId{3}, DiskCall::kLookUp, true);
  const auto listed = sim.list();
  CHECK(sim.run_until([&] { return listed.done(); }, 25s));
  CHECK(listed.ok());
  CHECK(sim.leader() == NodeId{2});
  sim.disk_call_fails(NodeId{3}, DiskCall::kLookUp, false);
  CHECK(sim.run_until([&] { return sim.leader() == NodeId{3}; }, 60s));
  CHECK(sim.converges(20s));
  require_clean(sim);
}

TEST_CASE("the leader's disk hangs: another leads, and what is sent and deleted meanwhile succeeds") {
  const SimImage small = make_image(1, 9'000);
  const SimImage large = make_image(2, 1'000'000);
  const SimImage known = make_image(3, 9'000);
  const std::vector<std::function<bool(SimCluster&)>> calls{
      [&](SimCluster& sim) { return sim.put_and_wait(small, 60s).ok(); },
      [&](SimCluster& sim) { return sim.put_and_wait(large, 60s).ok(); },
      [&](SimCluster& sim) { return sim.put_and_wait(known, 60s).ok(); },
      [&](SimCluster& sim) {
        const auto removed = sim.remove(known.digest);
        return sim.run_until([&] { return removed.done(); }, 60s) && removed.ok();
      },
  };
  for (std::size_t call = 0; call < calls.size(); ++call) {
    CAPTURE(call);
    SimOptions options = cluster_of(3, 23);
    options.client_timeout = 30s;  // As everywhere but here.
    SimCluster sim(options);
    REQUIRE(sim.run_until_leader(2s) == NodeId{3});
    REQUIRE(sim.put_and_wait(known, 2s).ok());
    REQUIRE(sim.converges(5s));
    sim.stall_disk(NodeId{3}, true);
    CHECK(calls[call](sim));
    CHECK(sim.leader() != NodeId{3});
    CHECK(sim.status(NodeId{3}).store.health == StoreHealth::failed);
    REQUIRE(sim.put_and_wait(make_image(4, 9'000), 5s).ok());
    sim.run_for(60s);
    CHECK(sim.leader() != NodeId{3});
    sim.stall_disk(NodeId{3}, false);
    CHECK(sim.converges(60s));
    CHECK(sim.run_until([&] { return sim.leader() == NodeId{3}; }, 120s));
    require_clean(sim);
  }
}
