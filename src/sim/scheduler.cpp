#include "sim/scheduler.hpp"

#include <cloudp2p/detail/catalog.hpp>

namespace cloudp2p::sim {

Scheduler::Scheduler() {
  owners_.emplace_back();
  heap_.reserve(1024);
  slots_.reserve(1024);
}

OwnerId Scheduler::add_owner() {
  owners_.emplace_back();
  return OwnerId{static_cast<std::uint32_t>(owners_.size() - 1)};
}

void Scheduler::push(const Entry& entry) {
  heap_.push_back(entry);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

void Scheduler::release(std::uint32_t slot) {
  // The task is moved out first: destroying it may make or cancel events.
  const Task dying = std::move(slots_[slot].task);
  ++slots_[slot].generation;
  free_.push_back(slot);
}

EventId Scheduler::at(TimePoint when, OwnerId owner, Task task, Kind kind) {
  if (owners_[index(owner)].dead) return 0;
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  slots_[slot].task = std::move(task);
  slots_[slot].owner = owner;
  slots_[slot].kind = kind;
  const std::uint32_t generation = slots_[slot].generation;
  push(Entry{std::max(when, now_), ++order_, slot, generation});
  return (static_cast<std::uint64_t>(generation) << 32) | slot;
}

void Scheduler::cancel(EventId event) {
  const auto slot = static_cast<std::uint32_t>(event);
  const auto generation = static_cast<std::uint32_t>(event >> 32);
  if (generation != 0 && slot < slots_.size() && slots_[slot].generation == generation) release(slot);
}

void Scheduler::drop(OwnerId owner) {
  owners_[index(owner)].dead = true;
  owners_[index(owner)].held.clear();
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].owner == owner && slots_[slot].task) release(slot);
  }
}

void Scheduler::resume(OwnerId owner, Duration late) {
  Owner& resumed = owners_[index(owner)];
  resumed.paused = false;
  std::vector<Entry> held;
  held.swap(resumed.held);
  for (Entry& entry : held) {
    if (slots_[entry.slot].generation != entry.generation) continue;
    entry.when = slots_[entry.slot].kind == Kind::timer ? now_ + late : now_;
    entry.order = ++order_;
    push(entry);
  }
}

void Scheduler::mix(std::uint64_t word) noexcept {
  hash_ = detail::fold64(hash_, word);
}

bool Scheduler::step(TimePoint until) {
  while (!heap_.empty() && heap_.front().when <= until) {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const Entry entry = heap_.back();
    heap_.pop_back();
    Slot& slot = slots_[entry.slot];
    if (slot.generation != entry.generation) continue;
    now_ = std::max(now_, entry.when);
    Owner& owner = owners_[index(slot.owner)];
    if (owner.paused) {
      owner.held.push_back(entry);
      continue;
    }
    mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()) ^ (static_cast<std::uint64_t>(slot.owner) << 48));
    ++executed_;
    Task task = std::move(slot.task);
    release(entry.slot);
    task();
    return true;
  }
  now_ = std::max(now_, until);
  return false;
}

}  // namespace cloudp2p::sim
