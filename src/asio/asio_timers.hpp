// AsioTimers: the Timers port on one Asio timer.
//
// Thread:    the node's thread. Ownership: the io_context outlives this; pending callbacks are destroyed with it.
// Clock:     deadlines are points of CLOCK_BOOTTIME. Asio waits on CLOCK_MONOTONIC, which stands still during suspend:
//            a wait is therefore re-checked when it ends, and no wait is longer than kLongestWait, so that a deadline
//            that passed during suspend is seen soon after waking.
// Cancel:    a callback runs only if its id is still registered when its turn comes.
#pragma once

#include "asio/visible_asio.hpp"

#include <cloudp2p/timers.hpp>

#include <map>
#include <memory>
#include <unordered_map>

namespace cloudp2p::asio_net {

class AsioTimers final : public Timers {
 public:
  explicit AsioTimers(const asio::any_io_executor& executor);
  ~AsioTimers() override;
  AsioTimers(const AsioTimers&) = delete;
  AsioTimers& operator=(const AsioTimers&) = delete;

  [[nodiscard]] TimePoint now() const override;
  [[nodiscard]] std::int64_t wall_ms() const override;
  TimerId at(TimePoint when, Callback<void()> callback) override;
  void cancel(TimerId id) override;
  /// Forgets all callbacks; none runs after it returns.
  void stop();

 private:
  static constexpr std::chrono::seconds kLongestWait{1};
  using Key = std::pair<TimePoint, std::uint64_t>;

  void arm();
  void fire();

  asio::steady_timer timer_;
  std::shared_ptr<AsioTimers*> self_;  ///< Emptied on stop: handlers that are already queued then do nothing.
  std::map<Key, Callback<void()>> pending_;
  std::unordered_map<std::uint64_t, TimePoint> deadlines_;
  std::uint64_t last_id_ = 0;
  TimePoint armed_for_ = TimePoint::max();
  bool firing_ = false;
};

}  // namespace cloudp2p::asio_net
