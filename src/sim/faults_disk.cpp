// Faults of disks.
#include "sim/chaos.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;
using testing::DiskCall;
using testing::SimCluster;

bool slow_disk(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.cluster().slow_disk(node, static_cast<unsigned>(1U << chaos.random().between(3, 9)));
  chaos.later(50ms, 3s, [&chaos, node] { chaos.cluster().slow_disk(node, 1); });
  return true;
}

bool stall_disk(Chaos& chaos) {
  const NodeId node = chaos.victim();
  if (!chaos.cluster().running(node)) return false;
  chaos.cluster().stall_disk(node, true);
  chaos.later(20ms, 4s, [&chaos, node] { chaos.cluster().stall_disk(node, false); });
  return true;
}

bool fill_disk(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.cluster().disk(node, SimCluster::Disk::kFull);
  chaos.later(100ms, 3s, [&chaos, node] { chaos.cluster().disk(node, SimCluster::Disk::kHealthy); });
  return true;
}

/// Healthy again later, but what failed is trusted only after a restart.
bool damage_disk(Chaos& chaos, SimCluster::Disk state) {
  const NodeId node = chaos.victim();
  chaos.cluster().disk(node, state);
  chaos.owe_restart(node);
  chaos.later(100ms, 3s, [&chaos, node] {
    chaos.cluster().disk(node, SimCluster::Disk::kHealthy);
    chaos.restart(node);
  });
  return true;
}

bool break_disk(Chaos& chaos) {
  return damage_disk(chaos, SimCluster::Disk::kIo);
}

bool make_disk_read_only(Chaos& chaos) {
  return damage_disk(chaos, SimCluster::Disk::kReadOnly);
}

template <DiskCall kCall>
bool fail_call(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.cluster().disk_call_fails(node, kCall, true);
  chaos.owe_restart(node);
  chaos.later(20ms, 2s, [&chaos, node] {
    chaos.cluster().disk_call_fails(node, kCall, false);
    chaos.restart(node);
  });
  return true;
}

/// One call or a few. What has read an error goes on as before, and is not restarted.
void fail_briefly(Chaos& chaos, NodeId node, DiskCall call) {
  chaos.cluster().disk_call_fails(node, call, true);
  chaos.later(50us, 20ms, [&chaos, node, call] { chaos.cluster().disk_call_fails(node, call, false); });
}

template <DiskCall kCall>
bool fail_call_for_a_moment(Chaos& chaos) {
  fail_briefly(chaos, chaos.victim(), kCall);
  return true;
}

bool fail_look_up_at_a_moment(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.at_moment(node, any_moment(chaos.random()), [&chaos, node] { fail_briefly(chaos, node, DiskCall::kLookUp); });
  return true;
}

bool break_lock(Chaos& chaos) {
  chaos.cluster().break_lock();
  return true;
}

constexpr FaultKind kDiskKinds[] = {
    {"disk slow", 20, slow_disk},
    {"disk hanging", 15, stall_disk},
    {"disk full", 20, fill_disk},
    {"disk broken", 15, break_disk},
    {"disk read-only", 10, make_disk_read_only},
    {"append fails", 10, fail_call<DiskCall::kAppend>},
    {"commit fails", 10, fail_call<DiskCall::kCommit>},
    {"read of an image fails", 10, fail_call<DiskCall::kRead>},
    {"erase fails", 10, fail_call<DiskCall::kErase>},
    {"record fails", 10, fail_call<DiskCall::kRecord>},
    {"look-up fails", 10, fail_call<DiskCall::kLookUp>},
    {"page of the catalog fails", 10, fail_call<DiskCall::kLookUpSome>},
    {"look-up fails for a moment", 15, fail_call_for_a_moment<DiskCall::kLookUp>},
    {"look-up fails at a moment", 15, fail_look_up_at_a_moment},
    {"read of an image fails for a moment", 10, fail_call_for_a_moment<DiskCall::kRead>},
    {"save of the state fails", 10, fail_call<DiskCall::kSaveState>},
};

constexpr FaultKind kSharedDiskKinds[] = {
    {"lock of the shared disk broken", 50, break_lock},
};

}  // namespace

std::span<const FaultKind> disk_faults() {
  return kDiskKinds;
}

std::span<const FaultKind> shared_disk_faults() {
  return kSharedDiskKinds;
}

}  // namespace cloudp2p::sim
