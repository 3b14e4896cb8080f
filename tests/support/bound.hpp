// Whom a node of a simulated cluster takes for bound.
#pragma once

#include <cloudp2p/testing/sim_cluster.hpp>

/// By what node `by` holds, `member` is one under the incarnation that it has now.
inline bool bound_by(const cloudp2p::testing::SimCluster& sim, cloudp2p::NodeId by, cloudp2p::NodeId member) {
  const cloudp2p::Membership members = sim.status(by).election.membership;
  const cloudp2p::Member* const found = members.find(member);
  return found != nullptr && found->incarnation == sim.status(member).election.incarnation;
}
