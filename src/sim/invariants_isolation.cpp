// Who can not reach a majority, since when, and what it may still say.
#include "sim/invariants.hpp"

#include <fmt/format.h>

namespace cloudp2p::sim {

bool Invariants::reaches(const Watched& node, const Watched& other) const {
  const HostId here = node.member->host(), there = other.member->host();
  const bool up = other.member->running() && !other.member->paused();
  return up && !network_.is_cut(here, there) && !network_.is_cut(there, here);
}

/// Who sleeps grows no older: what has come meanwhile it hears when it wakes.
void Invariants::settle_isolation() {
  const Duration passed = scheduler_.now() - settled_;
  settled_ = scheduler_.now();
  for (Watched& node : watched_) {
    for (Reach& other : node.reach) {
      if (other.now) other.last = settled_;
      if (!other.now && node.was_paused) other.last += passed;
    }
  }
}

void Invariants::topology_changed() {
  settle_isolation();
  for (Watched& node : watched_) {
    node.was_paused = node.member->paused();
    node.reach.resize(watched_.size());
    for (std::size_t i = 0; i < watched_.size(); ++i) node.reach[i].now = reaches(node, watched_[i]);
  }
}

/// A leader notices within the failure timeout that nobody answers. What it learnt before may be held up by its own
/// disk.
Duration Invariants::isolation_bound(const Watched& node) const {
  return options_.timing.failure_timeout + 4 * options_.timing.heartbeat + options_.network.straggler_max +
         3 * options_.disk.sync * node.member->slowness();
}

/// It need not reach them all in the same moment: what a path that flaps holds back comes later.
void Invariants::check_connected(Watched& node, const char* what) {
  settle_isolation();
  if (scheduler_.now() < delayed_until_) return;
  const Duration bound = isolation_bound(node);
  const bool connected = on_majority(held_by(*node.member), [&](const Watched& other) {
    return &other == &node || node.reach[value(other.member->id()) - 1].last + bound >= settled_;
  });
  if (connected) return;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(bound).count();
  violated("I12 (nothing is confirmed without a majority)",
           fmt::format("node {} {}, and could reach no majority for {} ms", value(node.member->id()), what, ms));
}

}  // namespace cloudp2p::sim
