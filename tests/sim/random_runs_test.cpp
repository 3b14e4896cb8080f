// Random runs: the seed draws the faults; the rules must hold at every step, and afterwards the cluster must recover.
#include <cloudp2p/testing/random_run.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

using namespace cloudp2p;
using namespace cloudp2p::testing;

namespace {

RandomRunOptions run_of(std::uint64_t seed, std::size_t nodes) {
  RandomRunOptions options;
  options.seed = seed;
  options.nodes = nodes;
  return options;
}

/// Runs are independent of each other: two at a time, for two cores.
std::vector<std::string> reports_of(std::size_t nodes, std::uint64_t seeds) {
  std::atomic<std::uint64_t> next{1};
  std::mutex mutex;
  std::vector<std::string> reports;
  auto work = [&] {
    for (std::uint64_t seed = next++; seed <= seeds; seed = next++) {
      const RandomRunResult result = random_run(run_of(seed, nodes));
      if (result.ok()) continue;
      const std::lock_guard lock(mutex);
      reports.push_back(result.report);
    }
  };
  std::thread other(work);
  work();
  other.join();
  return reports;
}

void require_clean(std::size_t nodes, std::uint64_t seeds) {
  for (const std::string& report : reports_of(nodes, seeds)) FAIL_CHECK(report);
}

}  // namespace

TEST_CASE("one seed, replayed") {
  const char* const seed = std::getenv("CLOUDP2P_SIM_SEED");
  const char* const nodes = std::getenv("CLOUDP2P_SIM_NODES");
  if (seed == nullptr) return;
  RandomRunOptions options = run_of(std::strtoull(seed, nullptr, 10), nodes == nullptr ? 3 : std::strtoull(nodes, nullptr, 10));
  options.log_lines_max = 400;
  const RandomRunResult result = random_run(options);
  MESSAGE("trace ", result.trace_hash, ", ", result.events, " events, ", result.uploads_acknowledged, " uploads acknowledged");
  CHECK_MESSAGE(result.ok(), result.report);
}

TEST_CASE("the same seed gives the same run, event by event, and another seed another one") {
  const RandomRunResult first = random_run(run_of(7, 3));
  const RandomRunResult again = random_run(run_of(7, 3));
  CHECK(first.trace_hash == again.trace_hash);
  CHECK(first.events == again.events);
  CHECK(random_run(run_of(8, 3)).trace_hash != first.trace_hash);
}

TEST_CASE("a random run is busy: clients are served and clients are failed") {
  const RandomRunResult result = random_run(run_of(3, 3));
  CHECK(result.uploads_acknowledged > 20);
  CHECK(result.operations > result.uploads_acknowledged);
}

TEST_CASE("600 seeds of three nodes live through their faults") { require_clean(3, 600); }
TEST_CASE("300 seeds of five nodes live through their faults") { require_clean(5, 300); }
TEST_CASE("100 seeds of seven nodes live through their faults") { require_clean(7, 100); }
