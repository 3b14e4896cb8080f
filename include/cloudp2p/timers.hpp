// Executor and Timers: where the node's code runs, and what time it is.
//
// Purpose:   time is an argument: the core never reads a clock and never sleeps. In the simulator both are virtual.
// Thread:    `Executor::post` may be called from any thread; what is posted runs on the node's thread, in the order
//            posted by one thread, never inside `post`. Timers are used on the node's thread only.
// Ownership: both outlive the Node. Callbacks are owned until they run or are cancelled.
// Units:     TimePoint runs on a clock that includes suspend (CLOCK_BOOTTIME); wall time is Unix milliseconds.
// Errors:    none. After the owner stopped, posted callbacks are destroyed uncalled.
#pragma once

#include <cloudp2p/callback.hpp>
#include <cloudp2p/types.hpp>

namespace cloudp2p {

/// The node's thread, or what stands for it.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Runs `work` later, once.
  virtual void post(Callback<void()> work) = 0;
};

/// One timer that is set.
enum class TimerId : std::uint64_t {};
inline constexpr TimerId kNoTimer{0};  ///< No timer: `cancel` ignores it, and no `at` returns it before the owner stopped.

/// The node's clock and alarms.
class Timers {
 public:
  virtual ~Timers() = default;
  /// Never goes backwards.
  [[nodiscard]] virtual TimePoint now() const = 0;
  /// For records, log lines and ages (of tombstones, of the last verification); no safety may depend on it.
  [[nodiscard]] virtual std::int64_t wall_ms() const = 0;
  /// Calls back once on the node's thread, not before `at` and never inline.
  virtual TimerId at(TimePoint when, Callback<void()> callback) = 0;
  /// The callback will not run, even if its time had come. Unknown and fired ids are ignored.
  virtual void cancel(TimerId id) = 0;

  /// `at` that much from now.
  TimerId after(Duration delay, Callback<void()> callback) { return at(now() + delay, std::move(callback)); }
};

}  // namespace cloudp2p
