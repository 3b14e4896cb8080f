// Scheduler: virtual time. Runs the next event, always; ties are broken by the order in which events were made.
//
// Every event has an owner: a process (may be paused, may die), a machine's hardware (dies with power), or the world.
// Events of a paused owner wait; those of a dropped owner are destroyed uncalled.
#pragma once

#include "sim/task.hpp"

#include <cloudp2p/types.hpp>

namespace cloudp2p::sim {

enum class OwnerId : std::uint32_t {};
inline constexpr OwnerId kWorld{0};
/// Names one event; never reused.
using EventId = std::uint64_t;

class Scheduler {
 public:
  Scheduler();

  [[nodiscard]] TimePoint now() const noexcept { return now_; }
  [[nodiscard]] OwnerId add_owner();
  /// Destroys every event of this owner; it gets no more.
  void drop(OwnerId owner);
  void pause(OwnerId owner) { owners_[index(owner)].paused = true; }
  /// What waited runs now, in its old order; what `late` says is due a little later than the rest.
  void resume(OwnerId owner, Duration late);
  [[nodiscard]] bool paused(OwnerId owner) const { return owners_[index(owner)].paused; }

  enum class Kind : std::uint8_t { plain, timer };
  EventId at(TimePoint when, OwnerId owner, Task task, Kind kind = Kind::plain);
  EventId after(Duration delay, OwnerId owner, Task task) { return at(now_ + delay, owner, std::move(task)); }
  void cancel(EventId event);

  /// Runs one event. False when there is none before `until`; the time is then `until`.
  bool step(TimePoint until);
  [[nodiscard]] std::uint64_t executed() const noexcept { return executed_; }
  /// Of times and owners of all events that ran, and of what was mixed in.
  [[nodiscard]] std::uint64_t trace_hash() const noexcept { return hash_; }
  void mix(std::uint64_t word) noexcept;

 private:
  struct Entry {
    TimePoint when;
    std::uint64_t order = 0;
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    [[nodiscard]] bool operator>(const Entry& other) const noexcept {
      return when != other.when ? when > other.when : order > other.order;
    }
  };
  struct Slot {
    Task task;
    OwnerId owner = kWorld;
    Kind kind = Kind::plain;
    std::uint32_t generation = 1;
  };
  struct Owner {
    bool dead = false;
    bool paused = false;
    std::vector<Entry> held;
  };
  static std::size_t index(OwnerId owner) noexcept { return static_cast<std::size_t>(owner); }
  void push(const Entry& entry);
  void release(std::uint32_t slot);

  TimePoint now_{};
  std::uint64_t order_ = 0;
  std::uint64_t executed_ = 0;
  std::uint64_t hash_ = 0;
  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<Owner> owners_;
};

}  // namespace cloudp2p::sim
