// Faults of processes, of nodes and of clients, and of their clocks.
#include "sim/chaos.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;
using testing::Crash;

Crash any_crash(Random& random) {
  return random.percent(50) ? Crash::kKill : Crash::kPowerLoss;
}

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

bool lose_all_power(Chaos& chaos) {
  for (const NodeId node : nodes_of(chaos.cluster())) {
    chaos.cluster().crash(node, Crash::kPowerLoss);
    chaos.later(1ms, 2s, [&chaos, node] { chaos.cluster().restart(node); });
  }
  return true;
}

bool crash_at_a_moment(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.at_moment(node, any_moment(chaos.random()), [&chaos, node] {
    chaos.cluster().crash(node, any_crash(chaos.random()));
    chaos.later(1ms, 3s, [&chaos, node] { chaos.cluster().restart(node); });
  });
  return true;
}

void crash_again(Chaos& chaos, NodeId node, std::uint64_t times) {
  chaos.cluster().crash(node, any_crash(chaos.random()));
  chaos.later(1ms, 100ms, [&chaos, node, times] {
    chaos.cluster().restart(node);
    if (times > 1) chaos.later(5ms, 800ms, [&chaos, node, times] { crash_again(chaos, node, times - 1); });
  });
}

bool crash_loop(Chaos& chaos) {
  const NodeId node = chaos.victim();
  if (!chaos.cluster().running(node)) return false;
  crash_again(chaos, node, chaos.random().between(3, 8));
  return true;
}

bool pause(Chaos& chaos) {
  const NodeId node = chaos.victim();
  if (!chaos.cluster().running(node) || chaos.cluster().paused(node)) return false;
  chaos.cluster().pause(node);
  chaos.later(10ms, 4s, [&chaos, node] { chaos.cluster().resume(node); });
  return true;
}

bool pause_at_a_moment(Chaos& chaos) {
  const NodeId node = chaos.victim();
  chaos.at_moment(node, any_moment(chaos.random()), [&chaos, node] {
    chaos.cluster().pause(node);
    chaos.later(10ms, 3s, [&chaos, node] { chaos.cluster().resume(node); });
  });
  return true;
}

void stutter_on(Chaos& chaos, NodeId node, Duration period, std::uint64_t times) {
  chaos.cluster().pause(node);
  chaos.later(period, [&chaos, node, period, times] {
    chaos.cluster().resume(node);
    if (times > 1) chaos.later(period, [&chaos, node, period, times] { stutter_on(chaos, node, period, times - 1); });
  });
}

/// Gets the processor half of the time only, in turns.
bool stutter(Chaos& chaos) {
  const NodeId node = chaos.victim();
  if (!chaos.cluster().running(node) || chaos.cluster().paused(node)) return false;
  stutter_on(chaos, node, chaos.random().log_between(5ms, 400ms), chaos.random().between(4, 12));
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

/// From a restart on, as after a change of hardware: up to 10 % too fast or too slow.
bool skew_clock(Chaos& chaos) {
  const NodeId node = chaos.victim();
  if (!chaos.cluster().running(node)) return false;
  chaos.cluster().skew_clock(node, static_cast<int>(chaos.random().below(21)) - 10);
  chaos.cluster().crash(node);
  chaos.later(1ms, 300ms, [&chaos, node] { chaos.cluster().restart(node); });
  return true;
}

bool jump_wall_clock(Chaos& chaos) {
  const auto by = std::chrono::duration_cast<std::chrono::milliseconds>(chaos.random().log_between(10ms, 10'000h));
  chaos.cluster().jump_wall_clock(chaos.victim(), chaos.random().percent(50) ? by : -by);
  return true;
}

std::size_t any_client(Chaos& chaos) {
  return chaos.random().below(chaos.cluster().client_count());
}

bool restart_client(Chaos& chaos) {
  chaos.cluster().restart_client(any_client(chaos));
  return true;
}

bool pause_client(Chaos& chaos) {
  const std::size_t client = any_client(chaos);
  chaos.cluster().pause_client(client);
  chaos.later(10ms, 5s, [&chaos, client] { chaos.cluster().resume_client(client); });
  return true;
}

bool step_down(Chaos& chaos) {
  (void)chaos.cluster().step_down(any_client(chaos));
  return true;
}

/// The pass ends with its node, or when somebody says so.
bool scrub(Chaos& chaos) {
  const std::size_t client = any_client(chaos);
  (void)chaos.cluster().scrub(chaos.random().percent(80) ? ScrubAction::begin : ScrubAction::stop, client);
  return true;
}

bool verify(Chaos& chaos) {
  const std::vector<ImageRecord>& stored = chaos.cluster().acknowledged();
  if (stored.empty()) return false;
  const Digest digest = chaos.random().pick(stored).digest;
  (void)chaos.cluster().verify(digest, any_client(chaos));
  return true;
}

constexpr FaultKind kProcessKinds[] = {
    {"node killed", 20, kill},
    {"power lost", 20, lose_power},
    {"power lost everywhere", 10, lose_all_power},
    {"node crashed at a moment", 20, crash_at_a_moment},
    {"node crashed again and again", 10, crash_loop},
    {"node paused", 20, pause},
    {"node paused at a moment", 20, pause_at_a_moment},
    {"node stuttering", 10, stutter},
    {"node drained", 20, drain},
    {"leader asked to step down", 10, step_down},
    {"nodes asked to scrub", 10, scrub},
    {"copies of an image verified", 15, verify},
    {"clock skewed", 15, skew_clock},
    {"wall clock jumped", 20, jump_wall_clock},
    {"client restarted", 25, restart_client},
    {"client paused", 15, pause_client},
};

}  // namespace

std::span<const FaultKind> process_faults() {
  return kProcessKinds;
}

}  // namespace cloudp2p::sim
