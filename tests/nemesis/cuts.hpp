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
/// one side too.
[[nodiscard]] Directions division(unsigned count, bool bridge, cloudp2p::sim::Random random);
/// What a node sends, or what it is sent: to or from all, or one of them.
[[nodiscard]] Directions one_way(unsigned node, unsigned count, cloudp2p::sim::Random random);
/// These two from all other nodes. They still see each other and the clients.
[[nodiscard]] Directions apart(unsigned first, unsigned second, unsigned count);

}  // namespace nemesis
