// "quorum": "none": the highest reachable id leads, each side of a partition goes on, and what they took in meets again.
#include "sim/cluster_fixture.hpp"

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

namespace {

constexpr NodeId kLow{1}, kHigh{2};

SimOptions pair_of(std::uint64_t seed) {
  SimOptions options = cluster_of(2, seed);
  options.quorum = Quorum::none;
  options.takeover = Takeover::immediate;
  return options;
}

bool leads(const SimCluster& sim, NodeId node) {
  return sim.running(node) && sim.status(node).serving;
}

/// Clients reach this one of the two only.
void clients_reach(SimCluster& sim, NodeId node) {
  sim.heal();
  sim.cut(kLow, Direction::kBoth);
  sim.cut_clients(node == kLow ? kHigh : kLow);
}

UploadOutcome stored(SimCluster& sim, const SimImage& image) {
  const auto upload = sim.put_and_wait(image, 20s);
  REQUIRE_MESSAGE(upload.ok(), sim.report());
  return *upload.value();
}

/// Both hold all of these, and the higher id alone leads.
void require_merged(SimCluster& sim, const std::vector<SimImage>& images) {
  CHECK_MESSAGE(sim.converges(60s), sim.report());
  CHECK_MESSAGE(sim.run_until([&] { return leads(sim, kHigh) && !leads(sim, kLow); }, 30s), sim.report());
  for (const SimImage& image : images) CHECK_MESSAGE(sim.durable_copies(image.digest) == 2, sim.report());
  require_clean(sim);
}

}  // namespace

TEST_CASE("without a quorum either of two goes on alone, says that there is one copy, and catches up") {
  for (const NodeId dead : {kLow, kHigh}) {
    SimCluster sim(pair_of(value(dead)));
    REQUIRE(sim.run_until_leader(10s) == kHigh);
    const SimImage with_both = make_image(1, 20'000), alone = make_image(2, 20'000);
    (void)stored(sim, with_both);
    sim.crash(dead);
    CHECK(stored(sim, alone).copies == 1);
    CHECK(sim.durable_copies(alone.digest) == 1);
    sim.restart(dead);
    require_merged(sim, {with_both, alone});
  }
}

TEST_CASE("without a quorum both sides of a partition go on, and what they took in meets again") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SimCluster sim(pair_of(seed));
    REQUIRE(sim.run_until_leader(10s) == kHigh);
    sim.cut(kLow, Direction::kBoth);
    REQUIRE_MESSAGE(sim.run_until([&] { return leads(sim, kLow) && leads(sim, kHigh); }, 10s), sim.report());
    std::vector<SimImage> images;
    for (std::uint64_t i = 0; i < 6; ++i) {
      clients_reach(sim, i % 2 == 0 ? kLow : kHigh);
      images.push_back(make_image(10 * seed + i / 2 * (i % 3), 5'000 + 9'000 * i));  // some on both sides
      CHECK(stored(sim, images.back()).copies == 1);
    }
    sim.heal();
    require_merged(sim, images);
  }
}

TEST_CASE("without a quorum what was founded apart becomes one cluster") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SimCluster sim(pair_of(seed));
    sim.cut(kLow, Direction::kBoth);
    REQUIRE_MESSAGE(sim.run_until([&] { return leads(sim, kLow) && leads(sim, kHigh); }, 10s), sim.report());
    const SimImage low = make_image(seed, 30'000), high = make_image(seed + 1'000, 30'000);
    clients_reach(sim, kLow);
    (void)stored(sim, low);
    clients_reach(sim, kHigh);
    (void)stored(sim, high);
    sim.heal();
    require_merged(sim, {low, high});
  }
}

TEST_CASE("without a quorum who was founded apart leads again before it has what the other had") {
  SimCluster sim(pair_of(9));
  sim.cut(kLow, Direction::kBoth);
  REQUIRE_MESSAGE(sim.run_until([&] { return leads(sim, kLow) && leads(sim, kHigh); }, 10s), sim.report());
  clients_reach(sim, kHigh);
  for (std::uint64_t salt = 1; salt <= 30; ++salt) (void)stored(sim, make_image(salt, 500'000));
  sim.heal();
  REQUIRE_MESSAGE(sim.run_until([&] { return !leads(sim, kLow); }, 10s), sim.report());
  CHECK(sim.status(kLow).catalog.images < 30);
  sim.crash(kHigh);
  CHECK_MESSAGE(sim.run_until([&] { return leads(sim, kLow); }, 5s), sim.report());
  (void)stored(sim, make_image(99, 20'000));
  sim.restart(kHigh);
  require_merged(sim, {make_image(1, 500'000), make_image(30, 500'000), make_image(99, 20'000)});
}

TEST_CASE("without a quorum the newest of what two sides say of one image counts") {
  SimCluster sim(pair_of(7));
  REQUIRE(sim.run_until_leader(10s) == kHigh);
  const SimImage kept = make_image(1, 20'000), gone = make_image(2, 20'000);
  (void)stored(sim, kept);
  (void)stored(sim, gone);
  REQUIRE(sim.converges(10s));
  clients_reach(sim, kHigh);
  for (const SimImage* image : {&kept, &gone}) {
    const auto removed = sim.remove(image->digest);
    REQUIRE_MESSAGE(sim.run_until([&] { return removed.done(); }, 10s), sim.report());
    CHECK(removed.ok());
  }
  clients_reach(sim, kLow);
  REQUIRE_MESSAGE(sim.run_until([&] { return leads(sim, kLow); }, 10s), sim.report());
  (void)stored(sim, kept);  // in the later term: it undoes that delete, and that one alone
  sim.heal();
  require_merged(sim, {kept});
  CHECK(sim.durable_copies(gone.digest) == 0);
}
