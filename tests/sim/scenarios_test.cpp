// Directed scenarios in virtual time: what a user would notice, told one at a time.
#include "sim/cluster_fixture.hpp"

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kKib = 1024;

}  // namespace

TEST_CASE("the highest node leads, an upload is on every disk soon after") {
  SimCluster sim(cluster_of(3, 1));
  CHECK(sim.run_until_leader(3s) == NodeId{3});
  const SimImage image = make_image(1, 20 * kKib);
  CHECK(sim.put_and_wait(image, 2s).ok());
  CHECK(sim.durable_copies(image.digest) >= 2);
  CHECK(sim.converges(10s));
  CHECK(sim.durable_copies(image.digest) == 3);
  require_clean(sim);
}

TEST_CASE("an isolated leader steps down, the others go on, and it follows when it is back") {
  SimCluster sim(cluster_of(5, 7));
  const NodeId old = sim.run_until_leader(3s);
  sim.cut(old, Direction::kBoth);
  CHECK(sim.run_until([&] { return sim.leader() != old && sim.leader() != kNobody; }, 5s));
  CHECK(sim.put_and_wait(make_image(2, 9 * kKib), 5s).ok());
  CHECK_FALSE(sim.status(old).serving);
  sim.heal();
  CHECK(sim.converges(60s));
  require_clean(sim);
}

TEST_CASE("a killed leader in mid-upload costs one pause: the client succeeds under the same upload") {
  SimCluster sim(cluster_of(3, 11));
  const NodeId old = sim.run_until_leader(3s);
  const SimImage image = make_image(3, 400 * kKib);
  const auto upload = sim.put(image);
  sim.run_for(4ms);
  REQUIRE_FALSE(upload.done());
  sim.crash(old);
  CHECK(sim.run_until([&] { return upload.done(); }, 10s));
  CHECK(upload.ok());
  CHECK(sim.durable_copies(image.digest) == 2);
  require_clean(sim);
}

TEST_CASE("a stopped leader is replaced, and steps down when it wakes") {
  SimCluster sim(cluster_of(3, 13));
  const NodeId old = sim.run_until_leader(3s);
  sim.pause(old);
  CHECK(sim.put_and_wait(make_image(4, 30 * kKib), 5s).ok());
  const NodeId now = sim.leader();
  CHECK(now != old);
  sim.resume(old);
  sim.run_for(300ms);
  CHECK_FALSE(sim.status(old).serving);
  CHECK(sim.converges(60s));
  require_clean(sim);
}

TEST_CASE("a minority acknowledges nothing and confirms no read") {
  SimCluster sim(cluster_of(3, 17));
  const NodeId leader = sim.run_until_leader(3s);
  for (const NodeId id : {NodeId{1}, NodeId{2}, NodeId{3}}) {
    if (id != leader) sim.crash(id);
  }
  const auto upload = sim.put(make_image(5, 5 * kKib));
  const auto listing = sim.list(1);
  sim.run_for(5s);
  CHECK_FALSE(upload.ok());
  CHECK_FALSE(listing.ok());
  for (const NodeId id : {NodeId{1}, NodeId{2}, NodeId{3}}) {
    if (id != leader) sim.restart(id);
  }
  CHECK(sim.put_and_wait(make_image(6, 5 * kKib), 10s).ok());
  require_clean(sim);
}

TEST_CASE("the same image from two clients is one image, and both are told that it is safe") {
  SimCluster sim(cluster_of(3, 19));
  sim.run_until_leader(3s);
  const SimImage image = make_image(7, 50 * kKib);
  const auto first = sim.put(image, 0);
  const auto second = sim.put(image, 1);
  CHECK(sim.run_until([&] { return first.done() && second.done(); }, 5s));
  CHECK(first.ok());
  CHECK(second.ok());
  CHECK(sim.converges(10s));
  require_clean(sim);
}

TEST_CASE("a slow disk on one follower does not keep the others from acknowledging") {
  SimCluster sim(cluster_of(3, 23));
  const NodeId leader = sim.run_until_leader(3s);
  sim.slow_disk(leader == NodeId{1} ? NodeId{2} : NodeId{1}, 1000);
  const auto upload = sim.put_and_wait(make_image(8, 20 * kKib), 3s);
  CHECK(upload.ok());
  require_clean(sim);
}

TEST_CASE("everything that was acknowledged is there after all nodes lost power at once") {
  SimCluster sim(cluster_of(3, 29));
  sim.run_until_leader(3s);
  std::vector<SimImage> images;
  for (std::uint64_t i = 0; i < 5; ++i) {
    images.push_back(make_image(100 + i, 8 * kKib));
    REQUIRE(sim.put_and_wait(images.back(), 2s).ok());
  }
  for (const NodeId id : {NodeId{1}, NodeId{2}, NodeId{3}}) sim.crash(id, Crash::kPowerLoss);
  for (const NodeId id : {NodeId{1}, NodeId{2}, NodeId{3}}) sim.restart(id);
  CHECK(sim.converges(30s));
  for (const SimImage& image : images) CHECK(sim.durable_copies(image.digest) == 3);
  require_clean(sim);
}

TEST_CASE("a follower that was behind when the leader died gets the bytes that the new leader has already") {
  SimCluster sim(cluster_of(3, 31));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  sim.slow_disk(NodeId{1}, 200);
  const SimImage image = make_image(9, 600 * kKib);
  const auto upload = sim.put(image);
  sim.run_for(6ms);
  REQUIRE_FALSE(upload.done());
  sim.crash(NodeId{3});
  sim.slow_disk(NodeId{1}, 1);
  CHECK(sim.run_until([&] { return upload.done(); }, 10s));
  CHECK(upload.ok());
  CHECK(sim.durable_copies(image.digest) == 2);
  require_clean(sim);
}

TEST_CASE("a list that the catalog answers after the leader stepped down shows nothing that only this leader held") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SimOptions options = cluster_of(3, seed);
    options.takeover = Takeover::never;
    options.timing.heartbeat = 30ms;
    options.timing.failure_timeout = 150ms;
    options.timing.answer_timeout = 50ms;
    SimCluster sim(options);
    const NodeId old = sim.run_until_leader(3s);
    REQUIRE(old == NodeId{3});
    sim.run_for(500ms);  // The founding is on every disk.
    const SimImage image = make_image(60, 2 * kKib);
    sim.slow_disk(NodeId{1}, 8'000);
    sim.slow_disk(NodeId{2}, 8'000);
    (void)sim.put(image);
    REQUIRE(sim.run_until([&] { return sim.durable_copies(image.digest) == 1; }, 1s));
    sim.slow_disk(old, 6'000);  // It reads in 360 ms, and steps down 150 ms after it last heard of a majority.
    (void)sim.list(1);
    sim.run_for(80ms);
    for (const NodeId other : {NodeId{1}, NodeId{2}}) {
      sim.crash(other, Crash::kPowerLoss);
      sim.slow_disk(other, 1);
    }
    sim.restart_client(0);
    sim.run_for(500ms);
    sim.crash(old);
    sim.restart(NodeId{1});
    sim.restart(NodeId{2});
    const auto later = sim.list(0);
    CHECK(sim.run_until([&] { return later.ok(); }, 5s));
    require_clean(sim);
  }
}
