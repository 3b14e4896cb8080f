// Random schedules: crashes, restarts, lost disks, partitions, freezes and message loss, then peace.
#include "election_fixture.hpp"

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

/// Who hears whom, how far they are apart, and who may lead: for good. The leader is lost, or is one among the others.
class Patchwork {
 public:
  Patchwork(Cluster& cluster, unsigned nodes) : cluster_(cluster), nodes_(nodes), alive_(nodes - cluster.random(2)) {
    const unsigned cut_percent = 10 * cluster.random(6), unfit_percent = 15 * cluster.random(3);
    for (unsigned a = 1; a <= alive_; ++a) {
      if (cluster.random(100) < unfit_percent) unfit_.insert(a);
      for (unsigned b = a + 1; b <= alive_; ++b) {
        if (cluster.random(100) < cut_percent) cut_.insert({a, b});
      }
    }
    if (cluster.random(4) == 0) far_ = 1 + cluster.random(alive_);
  }
  /// They may lead, and hear a majority, and in time.
  [[nodiscard]] std::vector<unsigned> candidates() const {
    std::vector<unsigned> out;
    for (unsigned a = 1; a <= alive_; ++a) {
      unsigned heard = 1;
      for (unsigned b = 1; b <= alive_; ++b) heard += a != b && b != far_ && !cut_.contains(std::minmax(a, b)) ? 1 : 0;
      if (heard > nodes_ / 2 && a != far_ && !unfit_.contains(a)) out.push_back(a);
    }
    return out;
  }
  [[nodiscard]] bool far() const { return far_ != 0; }
  void apply() {
    for (const unsigned a : unfit_) cluster_.only_votes(a);
    for (const auto& [a, b] : cut_) {
      const unsigned how = cluster_.random(4);
      if (how == 0) cluster_.mute(a, b);
      if (how == 1) cluster_.mute(b, a);
      if (how > 1) cluster_.separate(a, b);
    }
    for (unsigned a = 1; a < alive_; ++a) {
      for (unsigned b = a + 1; b <= alive_; ++b) {
        const bool far = a == far_ || b == far_;  // Its votes come after their candidate has given up.
        cluster_.set_far(a, b, far ? 190ms : std::chrono::milliseconds(cluster_.random(60)));
      }
    }
    if (cluster_.random(2) == 0) cluster_.run_for(2s);  // The ends of a cut path notice, or not, before the leader goes.
    if (alive_ < nodes_) cluster_.random(2) == 0 ? cluster_.crash(nodes_) : cluster_.isolate(nodes_);
  }

 private:
  Cluster& cluster_;
  unsigned nodes_;
  unsigned alive_;
  unsigned far_ = 0;
  std::set<std::pair<unsigned, unsigned>> cut_;
  std::set<unsigned> unfit_;
};

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
    const unsigned nodes = 3 + 2 * (seed % 3);
    const Takeover takeover = seed % 2 == 0 ? Takeover::immediate : Takeover::polite;
    Cluster cluster({.nodes = nodes, .takeover = takeover, .seed = seed, .save = std::chrono::milliseconds(1 + seed % 40)});
    cluster.boot_all();
    REQUIRE(cluster.run_until([&] { return cluster.settled_on(nodes); }, 5s));
    Patchwork paths(cluster, nodes);
    const std::vector<unsigned> candidates = paths.candidates();
    if (candidates.empty()) continue;
    paths.apply();
    cluster.run_for(1s);
    const auto leads = [&cluster](unsigned number) { return cluster.leads(number); };
    // With the votes of one that is far others may lead, too.
    const auto enough = [&] { return std::any_of(candidates.begin(), candidates.end(), leads) || (paths.far() && cluster.anybody_leads()); };
    CHECK(cluster.run_until(enough, 9s));
    CHECK(cluster.violations().empty());
    if (seed > 150 && first != last) continue;
    // A higher ID may be handed the lead and get no majority: then it tries less and less often.
    cluster.run_for(10s);
    const std::size_t before = cluster.leads_seen().size();
    cluster.run_for(120s);
    CHECK(cluster.leads_seen().size() - before <= 15);
  }
}
