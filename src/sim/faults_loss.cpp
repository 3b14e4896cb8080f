// Faults that destroy what was durable: never of so many nodes at a time that the product promises nothing.
//
// A state file put back from a backup is not among them: nothing tells a node that its promises are older than those that
// it gave, and docs/storage.md forbids it. A backup comes back without the state file.
#include "sim/chaos.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;
using testing::Crash;
using testing::Loss;

bool lose(Chaos& chaos, NodeId node, Loss what) {
  if (!chaos.may_lose(node)) return false;
  chaos.cluster().crash(node, Crash::kPowerLoss);
  chaos.cluster().lose(node, what);
  chaos.later(1ms, 3s, [&chaos, node] { chaos.cluster().restart(node); });
  return true;
}

template <Loss kWhat>
bool lose(Chaos& chaos) {
  return lose(chaos, chaos.victim(), kWhat);
}

/// At one strike all are backed up, at the next one of them goes back to that.
bool restore_backup(Chaos& chaos) {
  if (chaos.random().percent(50)) return lose(chaos, chaos.victim(), Loss::kSinceBackup);
  for (const NodeId node : nodes_of(chaos.cluster()))
    chaos.cluster().back_up(node);
  return false;
}

/// A write that the disk acknowledged and lost.
bool lose_file(Chaos& chaos) {
  const NodeId node = chaos.victim();
  const std::vector<ImageRecord>& stored = chaos.cluster().acknowledged();
  if (stored.empty() || !chaos.may_lose(node)) return false;
  const bool lost = chaos.cluster().lose_file(node, chaos.random().pick(stored).digest);
  if (lost && chaos.random().percent(50)) {
    chaos.later(10ms, 3s, [&chaos, node] {
      chaos.cluster().crash(node);
      chaos.cluster().restart(node);
    });
  }
  return lost;
}

/// Never so many copies of one image that no majority of good ones is left.
bool flip_bit(Chaos& chaos) {
  const std::vector<ImageRecord>& stored = chaos.cluster().acknowledged();
  if (stored.empty()) return false;
  const Digest digest = chaos.random().pick(stored).digest;
  if (!chaos.cluster().may_corrupt(digest)) return false;
  chaos.cluster().corrupt(chaos.victim(), digest);
  return true;
}

constexpr FaultKind kLossKinds[] = {
    {"state file lost", 12, lose<Loss::kState>},
    {"state file damaged", 12, lose<Loss::kStateDamaged>},
    {"catalog lost", 12, lose<Loss::kCatalog>},
    {"catalog and journal lost", 12, lose<Loss::kIndex>},
    {"image files lost", 12, lose<Loss::kImages>},
    {"disk replaced", 12, lose<Loss::kEverything>},
    {"backup restored", 12, restore_backup},
    {"image file lost", 20, lose_file},
    {"bit flip", 25, flip_bit},
};

}  // namespace

std::span<const FaultKind> loss_faults() {
  return kLossKinds;
}

}  // namespace cloudp2p::sim
