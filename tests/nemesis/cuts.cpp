#include "nemesis/cuts.hpp"

namespace nemesis {

using cloudp2p::sim::Random;

namespace {

void both_ways(Directions& out, unsigned a, unsigned b) {
  out.emplace_back(a, b);
  out.emplace_back(b, a);
}

/// All nodes in an order that the dice decide.
std::vector<unsigned> shuffled(unsigned count, Random& random) {
  std::vector<unsigned> out;
  for (unsigned node = 1; node <= count; ++node)
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(random.below(out.size() + 1)), node);
  return out;
}

}  // namespace

Directions isolation(unsigned node, unsigned count, Random random) {
  Directions out;
  for (unsigned other = random.percent(50) ? kClients : 1; other <= count; ++other) {
    if (other != node) both_ways(out, node, other);
  }
  return out;
}

Directions division(unsigned count, bool bridge, unsigned weak, Random random) {
  std::vector<unsigned> order = shuffled(count, random);
  if (const auto at = std::find(order.begin(), order.end(), weak); at != order.end()) std::swap(*at, order.front());
  const std::size_t members = order.size() - (bridge ? 1 : 0);
  const std::size_t left = members / 2;
  const std::uint64_t clients = random.below(4);  // They see all, the left side, the right side, all.
  Directions out;
  for (std::size_t a = 0; a < members; ++a) {
    if ((clients == 1 && a >= left) || (clients == 2 && a < left)) both_ways(out, kClients, order[a]);
    for (std::size_t b = left; a < left && b < members; ++b)
      both_ways(out, order[a], order[b]);
  }
  return out;
}

Directions one_way(unsigned node, unsigned count, Random random) {
  const bool outwards = random.percent(50);
  const bool one_only = random.percent(40);
  const auto only = static_cast<unsigned>(random.between(1, count));
  Directions out;
  for (unsigned other = random.percent(30) ? kClients : 1; other <= count; ++other) {
    if (other == node || (one_only && other != only)) continue;
    out.push_back(outwards ? std::pair(node, other) : std::pair(other, node));
  }
  return out;
}

Directions all_but(unsigned node, unsigned friend_node, unsigned count) {
  Directions out;
  for (unsigned other = 1; other <= count; ++other) {
    if (other != node && other != friend_node) both_ways(out, node, other);
  }
  return out;
}

Directions star(unsigned centre, unsigned count) {
  Directions out;
  for (unsigned a = 1; a <= count; ++a) {
    for (unsigned b = a + 1; b <= count; ++b) {
      if (a != centre && b != centre) both_ways(out, a, b);
    }
  }
  return out;
}

}  // namespace nemesis
