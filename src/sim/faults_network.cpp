// Faults of the paths between nodes. Frames are not doubled and not reordered: a Transport promises that.
#include "sim/chaos.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;
using testing::Direction;
using testing::LinkProfile;

constexpr auto kFlap = 200ms;

bool cut_node(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.cluster().cut(node, Direction::kBoth);
  chaos.later(20ms, 4s, [&chaos, node] { heal_paths(chaos.cluster(), node); });
  return true;
}

bool cut_node_one_way(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.cluster().cut(node, chaos.one_way());
  chaos.later(20ms, 4s, [&chaos, node] { heal_paths(chaos.cluster(), node); });
  return true;
}

bool cut_link(Chaos& chaos, Direction direction) {
  const NodeId a = chaos.victim();
  const NodeId b = chaos.other_than(a);
  if (a == b) return false;
  chaos.cluster().cut_link(a, b, direction);
  chaos.later(20ms, 5s, [&chaos, a, b] { chaos.cluster().heal_link(a, b); });
  return true;
}

bool cut_link_both_ways(Chaos& chaos) {
  return cut_link(chaos, Direction::kBoth);
}

bool cut_link_one_way(Chaos& chaos) {
  return cut_link(chaos, chaos.one_way());
}

/// Only those of whom `linked` says so see each other, until all is healed.
bool divide(Chaos& chaos, const std::function<bool(std::size_t, std::size_t)>& linked) {
  const std::vector<NodeId> nodes = nodes_of(chaos.cluster());
  bool divided = false;
  for (std::size_t a = 0; a < nodes.size(); ++a) {
    for (std::size_t b = a + 1; b < nodes.size(); ++b) {
      if (linked(a, b)) continue;
      chaos.cluster().cut_link(nodes[a], nodes[b], Direction::kBoth);
      divided = true;
    }
  }
  if (divided) chaos.later(100ms, 4s, [&chaos] { chaos.cluster().heal(); });
  return divided;
}

bool partition(Chaos& chaos) {
  const std::uint64_t sides = chaos.random().next();
  return divide(chaos, [sides](std::size_t a, std::size_t b) { return ((sides >> a) & 1) == ((sides >> b) & 1); });
}

/// Two sides, and one node that sees both.
bool bridge(Chaos& chaos) {
  const std::uint64_t sides = chaos.random().next();
  const std::size_t both = value(chaos.victim()) - 1;
  return divide(chaos, [sides, both](std::size_t a, std::size_t b) {
    return a == both || b == both || ((sides >> a) & 1) == ((sides >> b) & 1);
  });
}

/// Each sees its two neighbours; of a ring, or of a line.
bool chain(Chaos& chaos) {
  const std::size_t last = chaos.cluster().size() - 1;
  const std::size_t turn = chaos.random().below(last + 1);
  const bool ring = chaos.random().percent(50);
  return divide(chaos, [=](std::size_t a, std::size_t b) {
    const std::size_t x = (a + turn) % (last + 1);
    const std::size_t y = (b + turn) % (last + 1);
    const std::size_t apart = x > y ? x - y : y - x;
    return apart == 1 || (ring && apart == last);
  });
}

void flap(Chaos& chaos, NodeId a, NodeId b, std::uint64_t times) {
  chaos.cluster().cut_link(a, b, Direction::kBoth);
  chaos.later(kFlap / 2, [&chaos, a, b, times] {
    chaos.cluster().heal_link(a, b);
    if (times > 1) chaos.later(kFlap / 2, [&chaos, a, b, times] { flap(chaos, a, b, times - 1); });
  });
}

bool flapping_link(Chaos& chaos) {
  const NodeId a = chaos.victim();
  const NodeId b = chaos.other_than(a);
  if (a == b) return false;
  flap(chaos, a, b, chaos.random().between(5, 25));
  return true;
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

bool trouble_link(Chaos& chaos, const LinkProfile& profile) {
  const NodeId a = chaos.victim();
  const NodeId b = chaos.other_than(a);
  if (a == b) return false;
  chaos.cluster().link(a, b, profile);
  chaos.later(100ms, 5s, [&chaos, a, b] { chaos.cluster().heal_link(a, b); });
  return true;
}

bool refuse_dials(Chaos& chaos) {
  LinkProfile profile;
  profile.takes_dials = false;
  return trouble_link(chaos, profile);
}

bool delay_link(Chaos& chaos) {
  LinkProfile profile;
  profile.delay = chaos.random().log_between(5ms, 1s);
  return trouble_link(chaos, profile);
}

/// From 10 KiB/s to 1 MiB/s.
bool narrow_link(Chaos& chaos) {
  LinkProfile profile;
  profile.nanoseconds_per_kib = chaos.random().log_between(1ms, 100ms).count();
  return trouble_link(chaos, profile);
}

void clog(Chaos& chaos, NodeId a, NodeId b, LinkProfile profile, std::uint64_t times) {
  chaos.cluster().link(a, b, profile);
  profile.nanoseconds_per_kib *= 2;
  chaos.later(300ms, [&chaos, a, b, profile, times] {
    if (times > 1) return clog(chaos, a, b, profile, times - 1);
    chaos.cluster().heal_link(a, b);
  });
}

/// Every 300 ms half as wide.
bool clogging_link(Chaos& chaos) {
  const NodeId a = chaos.victim();
  const NodeId b = chaos.other_than(a);
  if (a == b) return false;
  LinkProfile profile;
  profile.nanoseconds_per_kib = 100'000;
  clog(chaos, a, b, profile, chaos.random().between(5, 13));
  return true;
}

/// From every node that it talks to: it is as if it hung.
bool delay_node(Chaos& chaos) {
  const NodeId node = chaos.victim();
  LinkProfile profile;
  profile.delay = chaos.random().log_between(50ms, 1s);
  for (const NodeId other : nodes_of(chaos.cluster())) {
    if (other != node) chaos.cluster().link(node, other, profile);
  }
  chaos.later(100ms, 3s, [&chaos, node] { heal_paths(chaos.cluster(), node); });
  return true;
}

bool cut_clients(Chaos& chaos) {
  chaos.cluster().cut_clients(chaos.victim());
  chaos.later(100ms, 3s, [&chaos] { chaos.cluster().heal(); });
  return true;
}

bool cut_at_a_moment(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.at_moment(node, any_moment(chaos.random()), [&chaos, node] {
    chaos.cluster().cut(node, chaos.random().percent(50) ? Direction::kBoth : chaos.one_way());
    chaos.later(20ms, 3s, [&chaos, node] { heal_paths(chaos.cluster(), node); });
  });
  return true;
}

constexpr FaultKind kNetworkKinds[] = {
    {"node cut off", 20, cut_node},
    {"node cut off one way", 20, cut_node_one_way},
    {"node cut off at a moment", 15, cut_at_a_moment},
    {"link cut", 20, cut_link_both_ways},
    {"link cut one way", 20, cut_link_one_way},
    {"partition", 20, partition},
    {"partition with a bridge", 15, bridge},
    {"partition as a chain", 10, chain},
    {"link flapping", 15, flapping_link},
    {"connections broken", 25, break_connections},
    {"no new connections", 15, refuse_dials},
    {"link delayed", 15, delay_link},
    {"node delayed", 10, delay_node},
    {"link narrow", 15, narrow_link},
    {"link clogging", 10, clogging_link},
    {"clients cut off a node", 15, cut_clients},
};

}  // namespace

std::span<const FaultKind> network_faults() {
  return kNetworkKinds;
}

}  // namespace cloudp2p::sim
