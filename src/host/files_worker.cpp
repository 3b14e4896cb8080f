#include "host/files.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace cloudp2p::host {

/// Shared with the thread, which may outlive the Worker by the rest of one callback.
struct Worker::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Callback<void()>> queue;
  std::atomic<bool> stopping{false};
};

class Worker::Thread {
 public:
  explicit Thread(std::shared_ptr<State> state) : thread_(&Thread::run, std::move(state)) {}
  ~Thread() {
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }

 private:
  static void run(std::shared_ptr<State> state) {
    while (true) {
      std::unique_lock lock(state->mutex);
      state->wake.wait(lock, [&] { return !state->queue.empty() || state->stopping; });
      if (state->queue.empty()) return;
      const Callback<void()> work = std::move(state->queue.front());
      state->queue.pop_front();
      lock.unlock();
      work();
    }
  }

  std::thread thread_;
};

Worker::Worker() : state_(std::make_shared<State>()) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_one();
}

void Worker::post(Callback<void()> work) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(work));
  }
  if (!thread_) thread_ = std::make_unique<Thread>(state_);
  state_->wake.notify_one();
}

std::shared_ptr<const std::atomic<bool>> Worker::stopping() const {
  return {state_, &state_->stopping};
}

}  // namespace cloudp2p::host
