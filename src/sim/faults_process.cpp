// Faults of processes: of nodes and of clients.
#include "sim/chaos.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;
using testing::Crash;

/// The last node that runs is mostly spared.
bool crash(Chaos& chaos, Crash how) {
  const NodeId node = chaos.victim();
  if (!chaos.cluster().running(node) || (chaos.standing() <= 1 && chaos.random().percent(80))) return false;
  chaos.cluster().crash(node, how);
  chaos.later(1ms, 5s, [&chaos, node] { chaos.cluster().restart(node); });
  return true;
}

bool kill(Chaos& chaos) {
  return crash(chaos, Crash::kKill);
}

bool lose_power(Chaos& chaos) {
  return crash(chaos, Crash::kPowerLoss);
}

bool pause(Chaos& chaos) {
  const NodeId node = chaos.victim();
  if (!chaos.cluster().running(node) || chaos.cluster().paused(node)) return false;
  chaos.cluster().pause(node);
  chaos.later(10ms, 4s, [&chaos, node] { chaos.cluster().resume(node); });
  return true;
}

bool drain(Chaos& chaos) {
  const NodeId node = chaos.victim();
  if (!chaos.cluster().running(node) || chaos.cluster().paused(node)) return false;
  chaos.cluster().drain(node, 500ms);
  chaos.owe_restart(node);
  chaos.later(1s, 5s, [&chaos, node] { chaos.restart(node); });
  return true;
}

bool restart_client(Chaos& chaos) {
  chaos.cluster().restart_client(chaos.random().below(2));
  return true;
}

constexpr FaultKind kKinds[] = {
    {"node killed", 35, kill},
    {"power lost", 35, lose_power},
    {"node paused", 35, pause},
    {"node drained", 35, drain},
    {"client restarted", 35, restart_client},
};

}  // namespace

std::span<const FaultKind> process_faults() {
  return kKinds;
}

}  // namespace cloudp2p::sim
