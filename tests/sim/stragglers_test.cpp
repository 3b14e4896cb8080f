// A follower that hangs, though its connections stand: the others go on as if it were dead, and it catches up later.
#include "sim/cluster_fixture.hpp"
#include "sim/content_hash.hpp"

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

namespace {

/// More than may be under way at a time, and more bytes than wait for one peer.
constexpr std::uint64_t kImages = 2 * limits::kUploadsMax;
constexpr std::size_t kBytes = 2 * limits::kBulkQueueBytesMax / kImages;

SimImage image(std::uint64_t salt) { return make_image(salt, kBytes); }

SimImage large_image(std::size_t bytes) {
  SimImage out = make_image(1, 64);
  out.tail = Buffer::allocate(bytes - out.head.size());
  std::memset(out.tail.data(), 7, out.tail.size());
  out.size_bytes = bytes;
  sim::ContentHash hash;
  hash.update(out.head.view());
  hash.update(out.tail.view());
  out.digest = hash.finish();
  return out;
}

}  // namespace

TEST_CASE("whoever uploads, reads or deletes does not wait for a follower that hangs") {
  for (const bool disk_only : {false, true}) {
    CAPTURE(disk_only);
    SimCluster sim(cluster_of(3, 51));
    REQUIRE(sim.run_until_leader(2s) == NodeId{3});
    disk_only ? sim.stall_disk(NodeId{1}, true) : sim.pause(NodeId{1});
    for (std::uint64_t salt = 1; salt <= kImages; ++salt) REQUIRE(sim.put_and_wait(image(salt), 1s).ok());
    for (std::uint64_t salt = 1; salt < kImages; ++salt) {
      const auto read = sim.get(image(salt).digest);
      REQUIRE(sim.run_until([&] { return read.done(); }, 3s));
      CHECK(read.ok());
      const auto removed = sim.remove(image(salt).digest);
      REQUIRE(sim.run_until([&] { return removed.done(); }, 1s));
      CHECK(removed.ok());
    }
    disk_only ? sim.stall_disk(NodeId{1}, false) : sim.resume(NodeId{1});
    CHECK(sim.converges(30s));
    require_clean(sim);
  }
}

TEST_CASE("a follower that slept while the leader gave up sending learns that nothing more comes, and fetches what it lacks") {
  SimCluster sim(cluster_of(3, 52));
  REQUIRE(sim.run_until_leader(2s) == NodeId{3});
  sim.pause(NodeId{1});
  // Until the queue to it has no room for bytes, and then none for what asks it to take some.
  for (std::uint64_t salt = 1; salt <= 4 * kImages; ++salt) {
    SimImage image = make_image(salt, salt < 127 ? 40'000 : 300);
    image.name = std::string(limits::kNameBytesMax - 10, 'n') + ".jpg";
    REQUIRE(sim.put_and_wait(image, 1s).ok());
  }
  sim.run_for(20s);
  sim.resume(NodeId{1});
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("a follower that is slow all the time is left out of a large upload, as long as enough others keep up") {
  for (const std::size_t slow : {std::size_t{1}, std::size_t{2}}) {
    CAPTURE(slow);
    SimCluster sim(cluster_of(5, 53));
    REQUIRE(sim.run_until_leader(2s) == NodeId{5});
    // About a MiB in a second: it makes progress all the time.
    for (std::uint32_t id = 1; id <= slow; ++id) sim.slow_disk(NodeId{id}, 800);
    const SimImage image = large_image(32 * 1024 * 1024);
    const auto upload = sim.put(image);
    CHECK(sim.run_until([&] { return upload.done(); }, 4s));
    CHECK(upload.ok());
    for (std::uint32_t id = 1; id <= slow; ++id) sim.slow_disk(NodeId{id}, 1);
    CHECK(sim.converges(30s));
    require_clean(sim);
  }
}

TEST_CASE("a large upload waits for a follower that is slow when it needs it, and for one that is hardly slower") {
  SimCluster sim(cluster_of(3, 54));
  REQUIRE(sim.run_until_leader(2s) == NodeId{3});
  sim.cut(NodeId{2}, Direction::kBoth);
  sim.slow_disk(NodeId{1}, 200);
  const auto needed = sim.put(large_image(8 * 1024 * 1024));
  CHECK(sim.run_until([&] { return needed.done(); }, 20s));
  CHECK(needed.ok());
  sim.heal();
  sim.slow_disk(NodeId{1}, 1);
  REQUIRE(sim.converges(30s));
  for (const NodeId id : {NodeId{1}, NodeId{2}, NodeId{3}}) sim.slow_disk(id, id == NodeId{1} ? 130 : 100);
  const auto upload = sim.put(large_image(16 * 1024 * 1024));
  CHECK(sim.run_until([&] { return upload.done(); }, 20s));
  CHECK(upload.ok());
  sim.run_for(1s);
  CHECK(sim.status(NodeId{1}).counters.repairs == 0);
  CHECK(sim.converges(30s));
  require_clean(sim);
}
