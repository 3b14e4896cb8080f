// The lead changes hands on purpose: on request, and when a higher id returns. Clients see one pause.
#include "sim/load.hpp"

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

namespace {

SimOptions quick_takeover(std::uint64_t seed) {
  SimOptions options = cluster_of(3, seed);
  options.timing.takeover_delay = 1s;
  return options;
}

/// How long the highest node stays out of office.
Duration out_of_office(SimCluster& sim) {
  const Duration begun = sim.now();
  sim.run_until([&] { return sim.leader() == NodeId{3}; }, 60s);
  return sim.now() - begun;
}

}  // namespace

TEST_CASE("a step-down under load fails no client operation, and the highest node leads again after its back-off") {
  SimCluster sim(quick_takeover(41));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  Load load(sim);
  load.run_for(1s);
  const auto outcome = sim.step_down();
  load.run_for(1s);
  REQUIRE(outcome.ok());
  CHECK(outcome.value()->former == NodeId{3});
  CHECK(outcome.value()->now.leader == NodeId{2});
  CHECK(sim.leader() == NodeId{2});
  CHECK(sim.status(NodeId{3}).election.role == ElectionRole::follower);
  load.run_for(700ms);
  CHECK(sim.leader() == NodeId{2});
  CHECK(load.run_until([&] { return sim.leader() == NodeId{3}; }, 5s));
  load.require_no_failure();
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("who steps down again and again stays out of office twice as long each time") {
  SimCluster sim(quick_takeover(43));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  for (const Duration expected : {2s, 4s, 8s}) {
    const auto outcome = sim.step_down();
    REQUIRE(sim.run_until([&] { return outcome.done(); }, 5s));
    REQUIRE(outcome.ok());
    const Duration away = out_of_office(sim);
    CHECK(away > expected - 100ms);
    CHECK(away < expected + 1s);
  }
  require_clean(sim);
}

TEST_CASE("a step-down lasts with immediate takeover too") {
  SimOptions options = quick_takeover(47);
  options.takeover = Takeover::immediate;
  SimCluster sim(options);
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  sim.run_for(1s);
  const auto outcome = sim.step_down();
  REQUIRE(sim.run_until([&] { return outcome.done(); }, 5s));
  CHECK(out_of_office(sim) > 1900ms);
  require_clean(sim);
}

TEST_CASE("a leader that nobody can follow refuses to step down and goes on") {
  SimCluster sim(cluster_of(1, 53));
  REQUIRE(sim.run_until_leader(3s) == NodeId{1});
  const auto outcome = sim.step_down();
  REQUIRE(sim.run_until([&] { return outcome.done(); }, 5s));
  CHECK(outcome.result() == Errc::refused);
  CHECK(sim.put_and_wait(make_image(1, 5000), 2s).ok());
  require_clean(sim);
}

TEST_CASE("a step-down whose answer is lost is one step-down: the retry finds that another node leads") {
  SimCluster sim(quick_takeover(59));
  REQUIRE(sim.run_until_leader(3s) == NodeId{3});
  const auto outcome = sim.step_down();
  sim.run_until([&] { return sim.status(NodeId{3}).election.role != ElectionRole::leader; }, 3s);
  sim.crash(NodeId{3});
  REQUIRE(sim.run_until([&] { return outcome.done(); }, 5s));
  CHECK(outcome.ok());
  CHECK(outcome.value()->now.leader == NodeId{2});
  CHECK(sim.leader() == NodeId{2});
  require_clean(sim);
}

TEST_CASE("a higher node that returns takes over under load, and no client operation fails") {
  for (const std::uint64_t seed : {61U, 67U, 71U}) {
    SimCluster sim(quick_takeover(seed));
    REQUIRE(sim.run_until_leader(3s) == NodeId{3});
    sim.run_for(500ms);
    sim.crash(NodeId{3});
    Load load(sim);
    REQUIRE(load.run_until([&] { return sim.leader() == NodeId{2}; }, 5s));
    load.run_for(1s);
    sim.restart(NodeId{3});
    CHECK(load.run_until([&] { return sim.leader() == NodeId{3}; }, 20s));
    load.run_for(500ms);
    load.require_no_failure();
    CHECK(sim.converges(30s));
    require_clean(sim);
  }
}
