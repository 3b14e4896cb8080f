// WorkPool: a few threads that do the store's blocking work, urgent before idle.
//
// Purpose:   hashing, writing and reading off the node's thread; verification only when nothing else waits.
// Thread:    `post` and `post_idle` from any thread, also from within work.
// Shutdown:  every piece of work runs exactly once. After `stop` began, what is still queued runs at once and is
//            expected to look at a flag of its owner and answer "cancelled" instead of working.
#pragma once

#include <cloudp2p/callback.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace cloudp2p::store {

class WorkPool {
 public:
  using Clock = std::chrono::steady_clock;

  explicit WorkPool(std::size_t thread_count);
  ~WorkPool() { stop(); }
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  void post(Callback<void()> work);
  /// Runs when no urgent work waits, not before the given time.
  void post_idle(Clock::time_point not_before, Callback<void()> work);
  /// Runs what is queued and joins. Nothing may be posted from outside afterwards.
  void stop();

 private:
  struct Idle {
    Clock::time_point not_before;
    Callback<void()> work;
  };
  void run();
  [[nodiscard]] Callback<void()> next(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Callback<void()>> urgent_;
  std::deque<Idle> idle_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace cloudp2p::store
