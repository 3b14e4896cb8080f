#include "store/work_pool.hpp"

#include <pthread.h>

#include <algorithm>

namespace cloudp2p::store {

WorkPool::WorkPool(std::size_t thread_count) {
  for (std::size_t i = 0; i < std::max<std::size_t>(thread_count, 1); ++i)
    threads_.emplace_back([this] { run(); });
}

void WorkPool::post(Callback<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    urgent_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void WorkPool::post_idle(Clock::time_point not_before, Callback<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back({not_before, std::move(work)});
  }
  wake_.notify_one();
}

void WorkPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

/// An empty callback means that the pool is done: stopping, nothing queued, and nobody left who could queue more.
Callback<void()> WorkPool::next(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (!urgent_.empty()) {
      Callback<void()> work = std::move(urgent_.front());
      urgent_.pop_front();
      return work;
    }
    const auto due = std::min_element(idle_.begin(), idle_.end(),
                                      [](const Idle& a, const Idle& b) { return a.not_before < b.not_before; });
    if (due != idle_.end() && (stopping_ || due->not_before <= Clock::now())) {
      Callback<void()> work = std::move(due->work);
      idle_.erase(due);
      return work;
    }
    if (stopping_ && running_ == 0) return nullptr;
    if (due != idle_.end()) {
      const Clock::time_point until = due->not_before;
      wake_.wait_until(lock, until);
    } else {
      wake_.wait(lock);
    }
  }
}

void WorkPool::run() {
  ::pthread_setname_np(::pthread_self(), "cloudp2p-work");
  std::unique_lock lock(mutex_);
  while (Callback<void()> work = next(lock)) {
    ++running_;
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
    --running_;
    if (stopping_) wake_.notify_all();
  }
}

}  // namespace cloudp2p::store
