// Tombstones that every member holds are forgotten, and no others.
#include "sim/cluster_fixture.hpp"

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

namespace {

SimOptions short_memory() {
  SimOptions options;
  options.tombstone_age = 2s;
  return options;
}

/// One image stored and deleted.
SimImage deleted_image(SimCluster& sim) {
  const SimImage image = make_image(1, 10'000);
  REQUIRE(sim.put_and_wait(image, 5s).ok());
  const auto removed = sim.remove(image.digest);
  REQUIRE(sim.run_until([&] { return removed.done(); }, 5s));
  REQUIRE(removed.ok());
  return image;
}

std::size_t tombstones(const SimCluster& sim, std::uint32_t node) {
  return static_cast<std::size_t>(sim.status(NodeId{node}).catalog.tombstones);
}

}  // namespace

TEST_CASE("a tombstone is forgotten when it is old and every member holds it; the watermark stays") {
  SimCluster sim(short_memory());
  sim.run_until_leader(5s);
  deleted_image(sim);
  sim.run_for(1s);
  CHECK(tombstones(sim, 1) == 1);
  const auto only_the_watermark = [&] {
    return tombstones(sim, 1) == 1 && tombstones(sim, 2) == 1 && tombstones(sim, 3) == 1 &&
           sim.status(NodeId{1}).catalog.newest.sequence > 2;
  };
  sim.run_for(4s);
  CHECK(only_the_watermark());
  deleted_image(sim);
  CHECK(tombstones(sim, 3) == 2);
  CHECK(sim.run_until([&] { return tombstones(sim, 1) + tombstones(sim, 2) + tombstones(sim, 3) == 3; }, 6s));
  CHECK(sim.converges(10s));
  CHECK_MESSAGE(sim.ok(), sim.report());
}

TEST_CASE("while a member is away its tombstones are kept, and it brings nothing back") {
  SimCluster sim(short_memory());
  sim.run_until_leader(5s);
  const SimImage image = make_image(1, 10'000);
  REQUIRE(sim.put_and_wait(image, 5s).ok());
  REQUIRE(sim.converges(5s));
  sim.crash(NodeId{1});
  const auto removed = sim.remove(image.digest);
  REQUIRE(sim.run_until([&] { return removed.done(); }, 5s));
  sim.run_for(10s);
  CHECK(tombstones(sim, 3) == 1);
  sim.restart(NodeId{1});
  CHECK(sim.converges(10s));
  sim.run_for(5s);
  const auto info = sim.info(image.digest);
  CHECK(sim.run_until([&] { return info.done(); }, 5s));
  CHECK(info.value().code() == Errc::not_found);
  CHECK_MESSAGE(sim.ok(), sim.report());
}
