// Rule 8: a node that lost its promises, and the candidates that still hold them.
#include "election_fixture.hpp"

#include <doctest/doctest.h>

using namespace election_test;

TEST_CASE("election, rule 8: who lost a vote is not admitted past the paused candidate that has it") {
  Cluster cluster({});
  cluster.boot_all();
  REQUIRE(cluster.run_until([&] { return cluster.settled_on(3); }, 3s));
  cluster.run_for(300ms);
  const Term before = cluster.view(3).term;
  // Node 2 asks for votes in the next term; node 3 does not hear it, node 1 votes, and node 2 stops before it can count.
  cluster.mute(2, 3);
  REQUIRE(cluster.transfer(3, id_of(2)));
  REQUIRE(cluster.run_until([&] { return cluster.view(1).term > before; }, 100ms));
  cluster.freeze(2);
  cluster.run_for(5ms);
  cluster.wipe(1);
  cluster.set_fitness(1, {true, true, true, {}});
  cluster.boot(1);
  cluster.run_for(3s);
  cluster.thaw(2);
  cluster.run_for(1s);
  for (const auto& violation : cluster.violations()) MESSAGE(violation);
  CHECK(cluster.violations().empty());
}
