// Who can not reach a majority, since when, and what it may still say.
#include "sim/invariants.hpp"

#include <fmt/format.h>

namespace cloudp2p::sim {

bool Invariants::is_isolated(const Watched& node) const {
  const HostId here = node.member->host();
  return !on_majority(held_by(*node.member), [&](const Watched& other) {
    if (&other == &node) return true;
    const HostId there = other.member->host();
    const bool up = other.member->running() && !other.member->paused();
    return up && !network_.is_cut(here, there) && !network_.is_cut(there, here);
  });
}

void Invariants::settle_isolation() {
  const Duration passed = scheduler_.now() - settled_;
  settled_ = scheduler_.now();
  for (Watched& node : watched_) {
    if (node.was_isolated && !node.was_paused) node.isolated += passed;
    if (!node.was_isolated) node.isolated = Duration::zero();
  }
}

void Invariants::topology_changed() {
  settle_isolation();
  for (Watched& node : watched_) {
    node.was_isolated = is_isolated(node);
    node.was_paused = node.member->paused();
  }
}

/// A leader notices within the failure timeout that nobody answers. What it learnt before may be held up by its own
/// disk.
Duration Invariants::isolation_bound(const Watched& node) const {
  return options_.timing.failure_timeout + 4 * options_.timing.heartbeat + options_.network.straggler_max +
         3 * options_.disk.sync * node.member->slowness();
}

void Invariants::check_connected(Watched& node, const char* what) {
  settle_isolation();
  if (node.isolated <= isolation_bound(node) || scheduler_.now() < delayed_until_) return;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(node.isolated).count();
  violated("I12 (nothing is confirmed without a majority)",
           fmt::format("node {} {} after {} ms without a majority", value(node.member->id()), what, ms));
}

}  // namespace cloudp2p::sim
