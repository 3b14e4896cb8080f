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
  Fitness lacking;
  lacking.caught_up = false;
  lacking.report.missing = 1;
  for (const unsigned lost : {7U, 6U, 3U}) {
    cluster.wipe(lost);
    cluster.set_fitness(lost, lacking);
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

/// They do not hear one another, and each is nearer to one of the other two: these vote for whoever is nearer.
inline Told two_candidates_apart() {
  Cluster cluster({.nodes = 5});
  cluster.boot_all();
  if (!cluster.run_until([&] { return cluster.settled_on(5); }, 3s)) return told(cluster, "the highest node does not lead");
  cluster.separate(3, 4);
  cluster.set_far(1, 4, 20ms);
  cluster.set_far(2, 3, 20ms);
  cluster.run_for(2s);
  if (!cluster.settled_on(5)) return told(cluster, "a path between followers unseats the leader");
  cluster.crash(5);
  return somebody_leads(cluster, 2s);
}

}  // namespace election_test
