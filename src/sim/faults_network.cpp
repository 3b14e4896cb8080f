// Faults of the paths between nodes.
#include "sim/chaos.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;
using testing::Direction;

bool cut_node(Chaos& chaos) {
  chaos.cluster().cut(chaos.victim(), Direction::kBoth);
  chaos.later(20ms, 4s, [&chaos] { chaos.cluster().heal(); });
  return true;
}

bool cut_node_one_way(Chaos& chaos) {
  chaos.cluster().cut(chaos.victim(), chaos.one_way());
  chaos.later(20ms, 4s, [&chaos] { chaos.cluster().heal(); });
  return true;
}

bool cut_link(Chaos& chaos) {
  const NodeId a = chaos.victim();
  chaos.cluster().cut_link(a, chaos.other_than(a), Direction::kBoth);
  chaos.later(20ms, 5s, [&chaos] { chaos.cluster().heal(); });
  return true;
}

bool cut_link_one_way(Chaos& chaos) {
  const NodeId a = chaos.victim();
  chaos.cluster().cut_link(a, chaos.other_than(a), chaos.one_way());
  chaos.later(20ms, 5s, [&chaos] { chaos.cluster().heal(); });
  return true;
}

bool partition(Chaos& chaos) {
  const std::uint64_t sides = chaos.random().next();
  const std::vector<NodeId> nodes = nodes_of(chaos.cluster());
  bool split = false;
  for (const NodeId a : nodes) {
    for (const NodeId b : nodes) {
      if (a >= b || ((sides >> value(a)) & 1) == ((sides >> value(b)) & 1)) continue;
      chaos.cluster().cut_link(a, b, Direction::kBoth);
      split = true;
    }
  }
  if (split) chaos.later(100ms, 4s, [&chaos] { chaos.cluster().heal(); });
  return split;
}

bool break_connections(Chaos& chaos) {
  const NodeId node = chaos.victim();
  bool broke = false;
  for (const NodeId other : nodes_of(chaos.cluster())) {
    if (other == node || !chaos.random().percent(60)) continue;
    chaos.cluster().break_links(node, other);
    broke = true;
  }
  return broke;
}

constexpr FaultKind kKinds[] = {
    {"node cut off", 35, cut_node},
    {"node cut off one way", 35, cut_node_one_way},
    {"link cut", 35, cut_link},
    {"link cut one way", 35, cut_link_one_way},
    {"partition", 35, partition},
    {"connections broken", 35, break_connections},
};

}  // namespace

std::span<const FaultKind> network_faults() {
  return kKinds;
}

}  // namespace cloudp2p::sim
