// SimProgram: a program of your own on a machine of its own beside a SimCluster, in the same virtual time.
//
// Purpose:   your code, as it is, lives through crashes and partitions: of the cluster, and its own. It must take its
//            surroundings as arguments: an Executor and Timers instead of threads and clocks, a Client instead of a
//            ClientHost (which blocks), a function that makes an ImageSource instead of cloudp2p::memory_source.
// Thread:    that of the SimCluster. Your code runs while the cluster lets time pass, and never inside another callback.
// Ownership: the SimCluster owns the SimProgram; the SimProgram owns what your function returned, until it crashes.
// Durability: a crash destroys your object, with all timers, posted work and operations under way, uncalled. What your
//            program keeps on its disk is for you to keep, outside of that object: pass it in by reference.
// Errors:    none of its own. What your function throws comes out of start_program or restart.
// Limits:    contents have simulated digests, not BLAKE2b: upload what `memory_source` made. What reads and deletes of
//            your program answer is for you to judge; its uploads are checked like any other.
#pragma once

#include <cloudp2p/client.hpp>
#include <cloudp2p/testing/sim_options.hpp>

#include <functional>
#include <memory>

namespace cloudp2p::testing {

/// What a program runs on: good until its process ends.
struct ProgramPorts {
  Config config;       ///< The nodes, as Client::open wants them.
  ClientPorts client;  ///< Also for the program itself: executor, timers, entropy, and a log that `report` shows.
  /// Stands for cloudp2p::memory_source.
  std::function<std::shared_ptr<ImageSource>(std::string name, Buffer bytes)> memory_source;
};
/// Makes your program, and makes it again at each restart. It need not do anything at once: what it posts and sets a timer
/// for runs when time passes.
using StartProgram = std::function<std::shared_ptr<void>(const ProgramPorts&)>;

/// Your program, as SimCluster::start_program made it.
class SimProgram {
 public:
  virtual ~SimProgram() = default;
  /// The process ends at once; the kernel closes its connections.
  virtual void crash() = 0;
  /// Your function makes it again. Nothing happens if it runs.
  virtual void restart() = 0;
  /// Nothing of it runs, what arrives waits: SIGSTOP, a laptop that sleeps.
  virtual void pause() = 0;
  /// Where it was, with all that waits.
  virtual void resume() = 0;
  /// From this node, until SimCluster::heal; which way is seen from the program.
  virtual void cut(NodeId node, Direction direction) = 0;
  /// A paused program runs.
  [[nodiscard]] virtual bool running() const = 0;
};

}  // namespace cloudp2p::testing
