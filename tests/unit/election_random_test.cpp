// Random schedules: crashes, restarts, lost disks, partitions, freezes and message loss, then peace.
#include "election_stories.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace election_test;

namespace {

/// The first and the last: one to so many, or the one that the environment names.
std::pair<unsigned, unsigned> seeds(unsigned count) {
  const char* const replay = std::getenv("CLOUDP2P_ELECTION_SEED");
  if (replay == nullptr) return {1, count};
  const auto seed = static_cast<unsigned>(std::atoi(replay));
  return {seed, seed};
}

unsigned any_of(Cluster& cluster, unsigned nodes) {
  return 1 + cluster.random(nodes);
}

/// Everybody votes: then, and only then, one disk may be lost without losing a majority of the promises.
bool all_bound(Cluster& cluster, unsigned nodes) {
  for (unsigned n = 1; n <= nodes; ++n) {
    if (!cluster.alive(n) || cluster.view(n).role != ElectionRole::follower) {
      if (!cluster.leads(n)) return false;
    }
  }
  return cluster.settled();
}

void one_fault(Cluster& cluster, unsigned nodes) {
  const unsigned n = any_of(cluster, nodes);
  switch (cluster.random(9)) {
    case 0: cluster.isolate(n); break;
    case 1: cluster.separate(n, any_of(cluster, nodes)); break;
    case 2: cluster.mute(n, any_of(cluster, nodes)); break;
    case 3: cluster.heal(); break;
    case 4: cluster.set_loss(0.05 * cluster.random(5)); break;
    case 5:
      if (cluster.alive(n)) cluster.freeze(n);
      cluster.after(std::chrono::milliseconds(cluster.random(1500)), [&cluster, n] { cluster.thaw(n); });
      break;
    case 6:
      if (cluster.leads(n)) (void)cluster.transfer(n);
      break;
    case 7:
      if (all_bound(cluster, nodes)) cluster.wipe(n);
      break;
    default:
      if (cluster.alive(n)) {
        cluster.crash(n);
      } else {
        cluster.boot(n);
      }
  }
}

void peace(Cluster& cluster, unsigned nodes) {
  cluster.set_loss(0);
  for (unsigned n = 1; n <= nodes; ++n) {
    if (!cluster.alive(n)) cluster.boot(n);
    cluster.thaw(n);
  }
  cluster.heal();
}

/// Forty faults, then peace; how many leaderships there were.
std::size_t live_through(Setup setup) {
  CAPTURE(setup.seed);
  Cluster cluster(setup);
  cluster.boot_all();
  for (int fault = 0; fault < 40; ++fault) {
    cluster.run_for(std::chrono::milliseconds(cluster.random(900)));
    one_fault(cluster, setup.nodes);
  }
  peace(cluster, setup.nodes);
  CHECK(cluster.run_until([&] { return cluster.settled(); }, 20s));
  for (const std::string& violation : cluster.violations())
    FAIL_CHECK(violation);
  return cluster.leads_seen().size();
}

}  // namespace

TEST_CASE("election: random faults never show two leaders of a term, and peace brings one leader") {
  const auto [first, last] = seeds(500);
  std::size_t leads = 0;
  for (unsigned seed = first; seed <= last; ++seed) {
    leads += live_through({.nodes = seed % 3 == 0 ? 5U : 3U, .seed = seed});
  }
  if (first != last) CHECK(leads > 2000);  // The schedules do something.
}

TEST_CASE("election, rule 9: without a quorum random faults keep one vote a term, and peace brings one leader") {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    CHECK(live_through({.nodes = seed % 2 == 0 ? 2U : 3U, .quorum = Quorum::none, .seed = seed}) > 0);
  }
}

TEST_CASE("election: whoever hears a majority and may lead gets it, or another does, though paths are cut for good") {
  const auto [first, last] = seeds(3000);
  for (unsigned seed = first; seed <= last; ++seed) {
    CAPTURE(seed);
    CHECK(paths_cut_for_good(seed, seed <= 150 || first == last).complaint == "");
  }
}
