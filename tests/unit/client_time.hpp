// Virtual time and counted randomness for the client's tests: the next event is the next thing that happens.
#pragma once

#include <cloudp2p/entropy.hpp>
#include <cloudp2p/timers.hpp>

#include <map>

namespace client_test {

using namespace cloudp2p;
using namespace std::chrono_literals;

class VirtualTime final : public Executor, public Timers {
 public:
  void post(Callback<void()> work) override { schedule(now_, std::move(work)); }
  TimePoint now() const override { return now_; }
  std::int64_t wall_ms() const override { return now_.time_since_epoch() / 1ms; }
  TimerId at(TimePoint when, Callback<void()> callback) override {
    return schedule(std::max(when, now_), std::move(callback));
  }
  void cancel(TimerId id) override {
    const auto at = when_.find(id);
    if (at == when_.end()) return;
    events_.erase({at->second, id});
    when_.erase(at);
  }
  bool step() {
    if (events_.empty()) return false;
    auto event = events_.extract(events_.begin());
    now_ = event.key().first;
    when_.erase(event.key().second);
    event.mapped()();
    return true;
  }
  template <class F>
  bool run_until(F&& condition, Duration longest = 60s) {
    const TimePoint end = now_ + longest;
    while (!condition() && now_ <= end && step()) {
    }
    return condition();
  }
  void run_for(Duration time) {
    bool over = false;
    at(now_ + time, [&] { over = true; });
    (void)run_until([&] { return over; }, time + 1s);
  }

 private:
  TimerId schedule(TimePoint when, Callback<void()> callback) {
    const TimerId id{++last_};
    when_[id] = when;
    events_.emplace(std::pair(when, id), std::move(callback));
    return id;
  }
  TimePoint now_{1h};
  std::uint64_t last_ = 0;
  std::map<TimerId, TimePoint> when_;
  std::map<std::pair<TimePoint, TimerId>, Callback<void()>> events_;
};

class CountingEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override {
    for (std::byte& b : out)
      b = static_cast<std::byte>(++next_ * 37);
  }

 private:
  std::uint32_t next_ = 0;
};

}  // namespace client_test
