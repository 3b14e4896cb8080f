// What directed scenarios begin and end with.
#pragma once

#include <doctest/doctest.h>
#include <cloudp2p/testing/sim_cluster.hpp>

namespace cloudp2p::testing {

inline SimOptions cluster_of(std::size_t nodes, std::uint64_t seed) {
  SimOptions options;
  options.nodes = nodes;
  options.seed = seed;
  return options;
}

/// No rule was broken; says how it came about otherwise.
inline void require_clean(const SimCluster& sim) {
  CHECK_MESSAGE(sim.ok(), sim.report());
}

}  // namespace cloudp2p::testing
