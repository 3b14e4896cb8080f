// Stories about elections that are told twice: as unit tests, and to a mutation that breaks the rule that they are about.
#pragma once

#include "unit/election_fixture.hpp"

namespace election_test {

struct Told {
  std::string complaint;  ///< Of a user; empty: none.
  Duration lasted{};
};

inline Told told(const Cluster& cluster, std::string complaint) {
  if (!cluster.violations().empty()) complaint = cluster.violations().front();
  return {std::move(complaint), cluster.lasted()};
}

inline Told somebody_leads(Cluster& cluster, Duration limit) {
  const bool led = cluster.run_until([&] { return cluster.anybody_leads(); }, limit).has_value();
  return told(cluster, led ? "" : "nobody leads");
}

/// Of seven, three lost their promises, so each vote for somebody else is one too few; two only vote. The last vote comes
/// late and then at once for both candidates, the former leader and one below it, whose attempts, each 300 ms, are `apart`.
inline Told former_leader_stands(Duration apart) {
  Cluster cluster({.nodes = 7, .save = 8ms});
  cluster.boot_all();
  if (!cluster.run_until([&] { return cluster.settled_on(7); }, 3s)) return told(cluster, "the highest node does not lead");
  cluster.run_for(300ms);
  for (const unsigned lost : {7U, 6U, 3U}) {
    cluster.wipe(lost);
    cluster.set_fitness(lost, fit(false, 1));
    cluster.boot(lost);
    cluster.run_for(1s);
  }
  for (const unsigned voter : {1U, 2U}) cluster.only_votes(voter);
  cluster.hang_disk(1);
  if (!cluster.leads(5) || !cluster.run_until([&] { return !cluster.leads(5); }, 1s)) return told(cluster, "the leader stays");
  cluster.run_for(1500ms);  // Whoever is lower has deferred, and does not any more.
  cluster.freeze(4);
  cluster.run_for(apart);
  cluster.thaw(4);
  cluster.run_for(1100ms);
  cluster.disk_goes_on(1);
  return somebody_leads(cluster, 500ms);
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

/// Who could lead does, or another; and if it goes on, whoever is handed the lead and can not get it asks less and less.
inline Told paths_cut_for_good(unsigned seed, bool goes_on) {
  const unsigned nodes = 3 + 2 * (seed % 3);
  const Takeover takeover = seed % 2 == 0 ? Takeover::immediate : Takeover::polite;
  Cluster cluster({.nodes = nodes, .takeover = takeover, .seed = seed, .save = std::chrono::milliseconds(1 + seed % 40)});
  cluster.boot_all();
  if (!cluster.run_until([&] { return cluster.settled_on(nodes); }, 5s)) return told(cluster, "the highest node does not lead");
  Patchwork paths(cluster, nodes);
  const std::vector<unsigned> candidates = paths.candidates();
  if (candidates.empty()) return told(cluster, "");
  paths.apply();
  cluster.run_for(1s);
  const auto leads = [&cluster](unsigned number) { return cluster.leads(number); };
  // With the votes of one that is far others may lead, too.
  const auto enough = [&] {
    return std::any_of(candidates.begin(), candidates.end(), leads) || (paths.far() && cluster.anybody_leads());
  };
  if (!cluster.run_until(enough, 9s)) return told(cluster, "nobody leads");
  if (!goes_on) return told(cluster, "");
  const std::size_t changes_max = takeover == Takeover::polite ? 10 : 15;
  cluster.run_for(10s);
  const std::size_t before = cluster.leads_seen().size();
  cluster.run_for(120s);
  return told(cluster, cluster.leads_seen().size() - before <= changes_max ? "" : "the leader changes again and again");
}

}  // namespace election_test
