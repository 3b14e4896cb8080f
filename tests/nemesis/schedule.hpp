// Schedule: which faults a run injects, when, for how long and where: all of it drawn from the seed beforehand.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace nemesis {

enum class Fault : std::uint8_t {
  kill,         ///< kill -9, down for a while, started again
  power_off,    ///< kill -9, and not even what is in its kernel's buffers arrives
  freeze,       ///< SIGSTOP … SIGCONT
  pause,        ///< the same, and the node's clock stands still: a paused virtual machine. Clients that know it ask it at once
  blink,        ///< the node is killed, and the others are killed and started while they elect
  isolate,      ///< one node from all others; every second time from the clients as well
  split,        ///< two sides that do not see each other
  bridge,       ///< two halves that both see one node
  one_way,      ///< what one node sends does not reach the others, or what they send does not reach it
  strand,       ///< the leader reaches one node only and loses power; that one leads for a while, then is cut off
  loss,         ///< random packets, on every link or on those of one node
  flap,         ///< a cable that goes out and in again every 200 ms
  full_disk,    ///< nothing, or little, is left on a node's disk
  bit_flip,     ///< in stored images, always on the same node of a run: a majority stays good
  restart_all,  ///< kill -9 for all nodes, then all started
  delay,        ///< a proxy in front of a node passes everything on later
  half_open,    ///< connections stay and nothing comes through
  reset,        ///< connections are reset
  clock_step,   ///< of the wall clock, by up to an hour; or of the boot clock, as after a suspend
  cancel,       ///< one client gives up what it is doing
};
inline constexpr std::size_t kFaults = 20;
[[nodiscard]] const char* name_of(Fault fault);
/// Some kind's name contains this.
[[nodiscard]] bool is_fault(const std::string& text);

struct Event {
  std::chrono::milliseconds at{0};  ///< Since the load began.
  std::chrono::milliseconds lasts{0};
  Fault fault = Fault::kill;
  unsigned node = 1;
  bool leader = false;       ///< Instead of `node`: the one that leads at that moment, if anybody knows.
  bool clients_too = false;  ///< At that moment every client gives up what it is doing: nobody repeats it.
  std::uint64_t dice = 0;    ///< For what else the fault has to choose.
};

/// In order of `at`. Storms of several faults at a time alternate with calm: a cluster that never works proves nothing.
/// `only`: kinds whose name contains this; empty: all.
[[nodiscard]] std::vector<Event> draw_schedule(std::uint64_t seed, unsigned nodes, std::chrono::seconds length,
                                               const std::string& only = {});

}  // namespace nemesis
