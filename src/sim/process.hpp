// Process: one simulated operating-system process: its thread, its timers and its clocks.
//
// May be paused (nothing of it runs, what arrives waits) and dies with its object: everything that it had posted is
// destroyed uncalled.
#pragma once

#include "sim/random.hpp"
#include "sim/scheduler.hpp"

#include <cloudp2p/timers.hpp>

namespace cloudp2p::sim {

class Process final : public Executor, public Timers {
 public:
  /// Its clock runs `skew_percent` faster than the simulated world.
  Process(Scheduler& scheduler, Random random, int skew_percent = 0)
      : scheduler_(scheduler),
        owner_(scheduler.add_owner()),
        random_(random),
        clock_offset_(random_.between(Duration(0), std::chrono::hours(100))),
        rate_percent_(100 + skew_percent),
        wall_offset_ms_(static_cast<std::int64_t>(random_.below(2'000))) {}
  ~Process() override { drop(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Everything posted is destroyed; nothing runs any more.
  void drop() { scheduler_.drop(owner_); }
  [[nodiscard]] OwnerId owner() const noexcept { return owner_; }
  [[nodiscard]] bool paused() const { return scheduler_.paused(owner_); }
  void pause() { scheduler_.pause(owner_); }
  void resume() { scheduler_.resume(owner_, random_.between(Duration(0), std::chrono::milliseconds(4))); }

  void post(Callback<void()> work) override {
    scheduler_.at(scheduler_.now(), owner_, [work = std::move(work)] { work(); });
  }
  void jump_wall_clock(std::chrono::milliseconds by) noexcept { wall_offset_ms_ += by.count(); }
  [[nodiscard]] TimePoint now() const override {
    return TimePoint(scheduler_.now().time_since_epoch() * rate_percent_ / 100 + clock_offset_);
  }
  [[nodiscard]] std::int64_t wall_ms() const override {
    constexpr std::int64_t kStart_ms = 1'700'000'000'000;
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(scheduler_.now().time_since_epoch());
    return kStart_ms + passed.count() + wall_offset_ms_;
  }
  TimerId at(TimePoint when, Callback<void()> callback) override {
    // A moment late, as on real machines: no two processes then act at the very same instant.
    const Duration late = random_.between(Duration(0), std::chrono::microseconds(200));
    const Duration world = (when.time_since_epoch() - clock_offset_) * 100 / rate_percent_ + Duration(1);
    const TimePoint due = std::max(TimePoint(world), scheduler_.now()) + late;
    return TimerId{scheduler_.at(
        due, owner_, [callback = std::move(callback)] { callback(); }, Scheduler::Kind::timer)};
  }
  void cancel(TimerId id) override { scheduler_.cancel(static_cast<std::uint64_t>(id)); }

 private:
  Scheduler& scheduler_;
  const OwnerId owner_;
  Random random_;
  const Duration clock_offset_;
  const int rate_percent_;
  std::int64_t wall_offset_ms_;
};

}  // namespace cloudp2p::sim
