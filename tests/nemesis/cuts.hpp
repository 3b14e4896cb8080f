// Cuts: which directions between which ends a fault of the network interrupts. Node numbers as in Network.
#pragma once

#include "nemesis/network.hpp"
#include "sim/random.hpp"

#include <utility>

namespace nemesis {

using Directions = std::vector<std::pair<unsigned, unsigned>>;  ///< From, to.

/// One node from all others; every second time from the clients as well.
[[nodiscard]] Directions isolation(unsigned node, unsigned count, cloudp2p::sim::Random random);
/// Two sides, the larger one with a node more. `bridge`: one node stays connected to both. Sometimes the clients are on
/// one side too. `weak`: who is on the smaller side; 0: whoever.
[[nodiscard]] Directions division(unsigned count, bool bridge, unsigned weak, cloudp2p::sim::Random random);
/// What a node sends, or what it is sent: to or from all, or one of them.
[[nodiscard]] Directions one_way(unsigned node, unsigned count, cloudp2p::sim::Random random);
/// A node from all other nodes but one. It still sees the clients.
[[nodiscard]] Directions all_but(unsigned node, unsigned friend_node, unsigned count);

/// All nodes from each other, but for the centre: only it can lead.
[[nodiscard]] Directions star(unsigned centre, unsigned count);

}  // namespace nemesis
