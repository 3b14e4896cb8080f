// Node ids in a row, for the tests of memberships.
#pragma once

#include <cloudp2p/types.hpp>

using Ids = std::vector<cloudp2p::NodeId>;

inline Ids up_to(std::uint32_t last) {
  Ids out;
  for (std::uint32_t id = 1; id <= last; ++id) out.push_back(cloudp2p::NodeId{id});
  return out;
}
