// More trouble, told one by one: what clients are told, who comes back, and disks that lie or fail.
#include "sim/cluster_fixture.hpp"

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

TEST_CASE("an isolated leader steps down and its upload stays unknown") {
  SimOptions options = cluster_of(5, 7);
  options.client_timeout = 1s;
  SimCluster sim(options);
  const NodeId old = sim.run_until_leader(2s);
  REQUIRE(sim.put_and_wait(make_image(1, 3'000), 1s).ok());
  sim.cut(old, Direction::kBoth);
  for (std::uint32_t id = 1; id <= 5; ++id) {
    if (NodeId{id} != old) sim.cut_clients(NodeId{id});
  }
  const auto upload = sim.put_and_wait(make_image(2, 30'000), 20s);
  CHECK(upload.done());
  CHECK_FALSE(upload.ok());
  CHECK_FALSE(sim.status(old).serving);
  const NodeId next = sim.run_until_leader(1s);
  CHECK(next != kNobody);
  CHECK(next != old);
  sim.heal();
  CHECK(sim.put_and_wait(make_image(3, 3'000), 5s).ok());
  CHECK(sim.converges(20s));
  require_clean(sim);
}

TEST_CASE("a leader that sleeps through an upload: the client sees one pause, one success") {
  SimCluster sim(cluster_of(3, 5));
  const NodeId old = sim.run_until_leader(2s);
  const SimImage image = make_image(5, 600'000);
  const auto upload = sim.put(image);
  sim.run_for(3ms);
  REQUIRE_FALSE(upload.done());
  sim.pause(old);
  CHECK(sim.run_until([&] { return upload.done(); }, 10s));
  CHECK(upload.ok());
  sim.resume(old);
  CHECK(sim.converges(20s));
  CHECK(sim.durable_copies(image.digest) == 3);
  require_clean(sim);
}

TEST_CASE("two clients send the same image at once: both succeed, it is stored once") {
  SimCluster sim(cluster_of(3, 8));
  sim.run_until_leader(2s);
  const SimImage image = make_image(8, 40'000);
  const auto one = sim.put(image, 0);
  const auto two = sim.put(image, 1);
  CHECK(sim.run_until([&] { return one.done() && two.done(); }, 5s));
  CHECK(one.ok());
  CHECK(two.ok());
  const auto again = sim.put_and_wait(image, 2s);
  REQUIRE(again.ok());
  CHECK((*again.value()).already_stored);
  require_clean(sim);
}

TEST_CASE("a node that comes back catches up by itself") {
  SimCluster sim(cluster_of(3, 12));
  sim.run_until_leader(2s);
  sim.crash(NodeId{1});
  for (std::uint64_t salt = 1; salt <= 10; ++salt)
    REQUIRE(sim.put_and_wait(make_image(salt, 9'000), 2s).ok());
  sim.restart(NodeId{1});
  CHECK(sim.converges(10s));
  CHECK(sim.durable_copies(make_image(1, 9'000).digest) == 3);
  require_clean(sim);
}

TEST_CASE("a copy that went with its disk before the leader's own was durable does not count") {
  SimCluster sim(cluster_of(3, 20));
  REQUIRE(sim.run_until_leader(2s) == NodeId{3});
  REQUIRE(sim.put_and_wait(make_image(1, 9'000), 2s).ok());
  REQUIRE(sim.converges(10s));
  const SimImage image = make_image(2, 9'000);
  sim.disk(NodeId{2}, SimCluster::Disk::kFull);
  sim.stall_disk(NodeId{3}, true);
  const auto upload = sim.put(image);
  REQUIRE(sim.run_until([&] { return sim.durable_copies(image.digest) == 1; }, 500ms));
  sim.run_for(20ms);  // The leader has heard of it.
  sim.crash(NodeId{1});
  sim.lose(NodeId{1}, Loss::kEverything);
  sim.restart(NodeId{1});
  sim.run_for(200ms);
  REQUIRE(sim.durable_copies(image.digest) == 0);
  sim.stall_disk(NodeId{3}, false);
  sim.run_for(200ms);
  CHECK_FALSE(upload.ok());
  sim.disk(NodeId{2}, SimCluster::Disk::kHealthy);
  CHECK(sim.run_until([&] { return upload.done(); }, 60s));
  CHECK(upload.ok());
  CHECK(sim.durable_copies(image.digest) >= 2);
  CHECK(sim.converges(60s));
  require_clean(sim);
}

TEST_CASE("a node that missed many small images fetches them from all others at once, and soon") {
  SimCluster sim(cluster_of(3, 17));
  sim.run_until_leader(2s);
  sim.crash(NodeId{1});
  std::vector<SimResult<UploadOutcome>> uploads;
  for (std::uint64_t salt = 1; salt <= 400; ++salt) {
    uploads.push_back(sim.put(make_image(salt, 9'000)));
    sim.run_for(5ms);
  }
  REQUIRE(sim.run_until([&] { return std::all_of(uploads.begin(), uploads.end(), [](const auto& u) { return u.ok(); }); }, 20s));
  sim.restart(NodeId{1});
  CHECK(sim.converges(5s));
  CHECK(sim.status(NodeId{1}).counters.repairs == 400);
  for (const NodeId source : {NodeId{2}, NodeId{3}}) CHECK(sim.status(source).counters.reads > 100);
  require_clean(sim);
}

TEST_CASE("repair keeps to its rate") {
  constexpr std::uint64_t kImages = 40, kRate = 100'000;
  SimOptions options = cluster_of(3, 19);
  options.repair_bytes_per_second = kRate;
  SimCluster sim(options);
  sim.run_until_leader(2s);
  sim.crash(NodeId{1});
  std::uint64_t bytes = 0;
  for (std::uint64_t salt = 1; salt <= kImages; ++salt) {
    const SimImage image = make_image(salt, 30'000);
    bytes += image.size_bytes;
    REQUIRE(sim.put_and_wait(image, 5s).ok());
  }
  sim.restart(NodeId{1});
  const Duration begun = sim.now(), due = std::chrono::seconds(bytes / kRate);
  CHECK(sim.converges(2 * due));
  CHECK(sim.now() - begun > due * 9 / 10);
  require_clean(sim);
}

TEST_CASE("what a node that fell silent holds counts as no copy") {
  SimCluster sim(cluster_of(5, 20));
  REQUIRE(sim.run_until_leader(2s) == NodeId{5});
  const auto lacking = [&] { return sim.status(NodeId{5}).under_replicated; };
  for (std::uint64_t salt = 1; salt <= 6; ++salt) REQUIRE(sim.put_and_wait(make_image(salt, 9'000), 5s).ok());
  REQUIRE(sim.converges(5s));
  REQUIRE(sim.run_until([&] { return lacking() == 0; }, 1s));
  sim.crash(NodeId{1});
  CHECK(sim.run_until([&] { return lacking() == 6; }, 3s));
  sim.pause(NodeId{2});
  REQUIRE(sim.put_and_wait(make_image(7, 9'000), 5s).ok());
  CHECK(sim.run_until([&] { return lacking() == 7; }, 3s));
  sim.restart(NodeId{1});
  sim.resume(NodeId{2});
  CHECK(sim.run_until([&] { return lacking() == 0; }, 10s));
  require_clean(sim);
}

TEST_CASE("two of three nodes take no records any more: a client is told so instead of being kept waiting") {
  SimCluster sim(cluster_of(3, 18));
  const NodeId leader = sim.run_until_leader(2s);
  for (const NodeId id : {NodeId{1}, NodeId{2}, NodeId{3}}) {
    if (id != leader) sim.disk_call_fails(id, DiskCall::kRecord, true);
  }
  CHECK_FALSE(sim.put_and_wait(make_image(1, 9'000), 60s).ok());
  const auto refused = sim.put_and_wait(make_image(2, 9'000), 60s);
  REQUIRE(refused.done());
  CHECK(refused.result() == Errc::full);
  require_clean(sim);
}

TEST_CASE("a killed leader costs a few round trips, not a timeout") {
  SimCluster sim(cluster_of(3, 13));
  const NodeId old = sim.run_until_leader(2s);
  sim.run_for(2s);
  sim.crash(old, Crash::kKill);
  const Duration before = sim.now();
  CHECK(sim.run_until_leader(2s) != old);
  CHECK(sim.now() - before < 200ms);
  require_clean(sim);
}

TEST_CASE("a leader that is asked to stop hands over, and no client notices") {
  SimCluster sim(cluster_of(3, 14));
  const NodeId old = sim.run_until_leader(2s);
  sim.run_for(2s);
  sim.drain(old, 500ms);
  const auto upload = sim.put_and_wait(make_image(14, 30'000), 5s);
  CHECK(upload.ok());
  CHECK(sim.run_until([&] { return !sim.running(old); }, 2s));
  require_clean(sim);
}

TEST_CASE("a flipped bit on one disk is never given to a reader") {
  SimCluster sim(cluster_of(3, 15));
  const NodeId leader = sim.run_until_leader(2s);
  const SimImage image = make_image(15, 30'000);
  REQUIRE(sim.put_and_wait(image, 2s).ok());
  REQUIRE(sim.converges(5s));
  sim.corrupt(leader, image.digest);
  const auto read = sim.get(image.digest);
  CHECK(sim.run_until([&] { return read.done(); }, 10s));
  CHECK(read.ok());
  require_clean(sim);
}

TEST_CASE("a read waits for disks that are slow when there is no other, whoever is down") {
  SimOptions options = cluster_of(3, 57);
  options.client_timeout = 30s;
  SimCluster sim(options);
  REQUIRE(sim.run_until_leader(2s) == NodeId{3});
  const SimImage image = make_image(15, 3'000);
  REQUIRE(sim.put_and_wait(image, 2s).ok());
  REQUIRE(sim.converges(5s));
  sim.crash(NodeId{1});
  for (const NodeId slow : {NodeId{2}, NodeId{3}}) sim.slow_disk(slow, 30'000);
  const auto read = sim.get(image.digest);
  CHECK(sim.run_until([&] { return read.done(); }, 60s));
  CHECK(read.ok());
  sim.slow_disk(NodeId{2}, 1);
  sim.slow_disk(NodeId{3}, 1);
  require_clean(sim);
}

TEST_CASE("a disk that fails under the leader: another leads, nothing acknowledged is lost") {
  SimCluster sim(cluster_of(3, 16));
  const NodeId old = sim.run_until_leader(2s);
  REQUIRE(sim.put_and_wait(make_image(1, 9'000), 2s).ok());
  sim.disk(old, SimCluster::Disk::kIo);
  CHECK(sim.put_and_wait(make_image(2, 9'000), 20s).ok());
  CHECK(sim.leader() != old);
  sim.disk(old, SimCluster::Disk::kHealthy);
  sim.crash(old);
  sim.restart(old);
  CHECK(sim.converges(20s));
  require_clean(sim);
}

TEST_CASE("a leader whose disk is full hands over to a node that answers, whoever else seemed to have room") {
  SimOptions options = cluster_of(5, 56);
  options.client_timeout = 10s;
  SimCluster sim(options);
  REQUIRE(sim.run_until_leader(2s) == NodeId{5});
  sim.run_for(1s);
  sim.pause(NodeId{1});
  sim.run_for(1s);
  sim.disk(NodeId{5}, SimCluster::Disk::kFull);
  CHECK(sim.put_and_wait(make_image(1, 9'000), 10s).ok());
  sim.resume(NodeId{1});
  sim.disk(NodeId{5}, SimCluster::Disk::kHealthy);
  CHECK(sim.converges(30s));
  require_clean(sim);
}
