// A thousand random lives; each is drawn from its seed, and judged at every step.
#include <doctest/doctest.h>
#include <cloudp2p/testing/random_run.hpp>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <thread>

using namespace cloudp2p;
using namespace cloudp2p::testing;

namespace {

struct Batch {
  std::size_t nodes;
  std::uint64_t seeds;
  std::optional<Quorum> quorum = {};
};

/// The reports of the runs that failed, at most a few; all runs share two threads.
std::string live_through(const Batch& batch) {
  std::atomic<std::uint64_t> next{1};
  std::mutex mutex;
  std::string reports;
  std::size_t failed = 0;
  const auto work = [&] {
    for (std::uint64_t seed = next++; seed <= batch.seeds; seed = next++) {
      RandomRunOptions options;
      options.seed = seed;
      options.nodes = batch.nodes;
      options.quorum = batch.quorum;
      const RandomRunResult result = random_run(options);
      if (result.ok()) continue;
      const std::lock_guard lock(mutex);
      if (++failed <= 3) reports += result.report;
    }
  };
  std::thread second(work);
  work();
  second.join();
  return reports;
}

std::uint64_t number_from(const char* variable, std::uint64_t fallback) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("600 random lives of three nodes break no rule") {
  CHECK(live_through({3, 600}) == "");
}

TEST_CASE("300 random lives of five nodes break no rule") {
  CHECK(live_through({5, 300}) == "");
}

TEST_CASE("100 random lives of seven nodes break no rule") {
  CHECK(live_through({7, 100}) == "");
}

TEST_CASE("100 random lives each of two and of three nodes without a quorum break no rule that is left") {
  CHECK(live_through({2, 100, Quorum::none}) == "");
  CHECK(live_through({3, 100, Quorum::none}) == "");
}

TEST_CASE("a random life does what it is for: most uploads are acknowledged, some operations fail") {
  RandomRunResult all;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    RandomRunOptions options;
    options.seed = seed;
    const RandomRunResult one = random_run(options);
    all.uploads_acknowledged += one.uploads_acknowledged;
    all.operations += one.operations;
    all.operations_failed += one.operations_failed;
  }
  CHECK(all.uploads_acknowledged > all.operations / 3);
  CHECK(all.operations_failed > 0);
}

TEST_CASE("the same seed lives the same life, another seed another") {
  RandomRunOptions options;
  options.seed = 11;
  options.nodes = 5;
  const RandomRunResult first = random_run(options);
  options.log_lines_max = 100;  // watching changes nothing
  const RandomRunResult again = random_run(options);
  CHECK(first.trace_hash == again.trace_hash);
  CHECK(first.events == again.events);
  options.seed = 12;
  CHECK(random_run(options).trace_hash != first.trace_hash);
}

TEST_CASE("one seed replayed") {
  RandomRunOptions options;
  options.seed = number_from("CLOUDP2P_SIM_SEED", 0);
  if (options.seed == 0) return;
  options.nodes = number_from("CLOUDP2P_SIM_NODES", 3);
  options.log_lines_max = number_from("CLOUDP2P_SIM_LINES", 2'000);
  if (std::getenv("CLOUDP2P_SIM_QUORUM") != nullptr) options.quorum = Quorum::none;
  if (const char* const image = std::getenv("CLOUDP2P_SIM_IMAGE")) options.watched_image = image;
  const RandomRunResult result = random_run(options);
  std::cout << result.report;
  CHECK(result.ok());
}
