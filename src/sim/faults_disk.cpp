// Faults of disks.
#include "sim/chaos.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;
using testing::SimCluster;

bool slow_disk(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.cluster().slow_disk(node, static_cast<unsigned>(1U << chaos.random().between(3, 9)));
  chaos.later(50ms, 3s, [&chaos, node] { chaos.cluster().slow_disk(node, 1); });
  return true;
}

bool fill_disk(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.cluster().disk(node, SimCluster::Disk::kFull);
  chaos.later(100ms, 3s, [&chaos, node] { chaos.cluster().disk(node, SimCluster::Disk::kHealthy); });
  return true;
}

bool break_disk(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.cluster().disk(node, SimCluster::Disk::kIo);
  chaos.owe_restart(node);
  chaos.later(100ms, 3s, [&chaos, node] {
    chaos.cluster().disk(node, SimCluster::Disk::kHealthy);
    chaos.restart(node);
  });
  return true;
}

constexpr FaultKind kKinds[] = {
    {"disk slow", 35, slow_disk},
    {"disk full", 35, fill_disk},
    {"disk broken", 35, break_disk},
};

}  // namespace

std::span<const FaultKind> disk_faults() {
  return kKinds;
}

}  // namespace cloudp2p::sim
