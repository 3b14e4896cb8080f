// Lives of simulated clusters in which a broken rule should show: random ones, and scripted ones that lead up to it.
#pragma once

#include <cloudp2p/testing/random_run.hpp>

#include <functional>
#include <optional>
#include <string>

namespace cloudp2p::testing {

struct Life {
  std::string complaint;  ///< The first rule that was violated, or what a user would have noticed; empty: nothing.
  Duration lasted{};      ///< Of virtual time.
};
/// Every life of one kind takes the same course; the seed decides what comes a moment earlier or later.
using LifeOf = std::function<Life(std::uint64_t seed)>;

/// As in sim_swarm, with so many nodes.
[[nodiscard]] LifeOf random_life(std::size_t nodes, std::optional<Quorum> quorum = {});

struct Script {
  std::function<void(SimOptions&)> options;
  /// What a user would complain of; what the simulator notices by itself need not be said.
  std::function<std::string(SimCluster&, std::uint64_t seed)> run;
};
inline void five_nodes(SimOptions& options) {
  options.nodes = 5;
}
/// Then everything is healed, and the nodes must become equal.
[[nodiscard]] LifeOf scripted(Script script);

}  // namespace cloudp2p::testing
