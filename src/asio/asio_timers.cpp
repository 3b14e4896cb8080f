#include "asio/asio_timers.hpp"

#include "asio/boot_clock.hpp"

namespace cloudp2p::asio_net {

AsioTimers::AsioTimers(const asio::any_io_executor& executor)
    : timer_(executor), self_(std::make_shared<AsioTimers*>(this)) {}

AsioTimers::~AsioTimers() {
  stop();
}

void AsioTimers::stop() {
  *self_ = nullptr;
  timer_.cancel();
  const auto doomed = std::exchange(pending_, {});
  deadlines_.clear();
}

TimePoint AsioTimers::now() const {
  return boot_now();
}

std::int64_t AsioTimers::wall_ms() const {
  return unix_ms();
}

TimerId AsioTimers::at(TimePoint when, Callback<void()> callback) {
  if (*self_ == nullptr) return kNoTimer;
  const std::uint64_t id = ++last_id_;
  pending_.emplace(Key{when, id}, std::move(callback));
  deadlines_.emplace(id, when);
  if (!firing_ && when < armed_for_) arm();
  return TimerId{id};
}

void AsioTimers::cancel(TimerId id) {
  const auto found = deadlines_.find(static_cast<std::uint64_t>(id));
  if (found == deadlines_.end()) return;
  const auto node = pending_.extract(Key{found->second, found->first});
  deadlines_.erase(found);
}

void AsioTimers::arm() {
  if (pending_.empty()) {
    armed_for_ = TimePoint::max();
    return;
  }
  armed_for_ = pending_.begin()->first.first;
  const Duration wait = std::clamp<Duration>(armed_for_ - boot_now(), Duration::zero(), kLongestWait);
  timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(wait));
  timer_.async_wait([self = self_](const std::error_code& error) {
    if (!error && *self != nullptr) (*self)->fire();
  });
}

void AsioTimers::fire() {
  struct ArmAgain {  // Also when a callback throws.
    std::shared_ptr<AsioTimers*> self;
    ~ArmAgain() {
      if (*self == nullptr) return;
      (*self)->firing_ = false;
      (*self)->arm();
    }
  };
  const ArmAgain again{self_};
  const TimePoint at = boot_now();
  const std::uint64_t newest = last_id_;  // What callbacks add, due or not, waits for its own turn.
  firing_ = true;
  for (auto next = pending_.begin(); next != pending_.end() && next->first.first <= at; next = pending_.begin()) {
    if (next->first.second > newest) break;
    const auto due = pending_.extract(next);
    deadlines_.erase(due.key().second);
    due.mapped()();
    if (*again.self == nullptr) return;
  }
}

}  // namespace cloudp2p::asio_net
