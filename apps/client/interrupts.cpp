#include "interrupts.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace client {
namespace {

constexpr int kInterruptedExit = 130;
constexpr timespec kRepeat{0, 100'000'000};

sigset_t taken_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR2})
    sigaddset(&set, signal);
  return set;
}

}  // namespace

Interrupts::Interrupts() {
  if (::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
  const sigset_t set = taken_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread(&Interrupts::run, this);
}

Interrupts::~Interrupts() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
  ::close(wake_[0]);
  ::close(wake_[1]);
}

void Interrupts::arm(std::function<void()> cancel) {
  const std::lock_guard lock(mutex_);
  cancel_ = std::move(cancel);
  interrupted_ = false;
}

void Interrupts::disarm() {
  const std::lock_guard lock(mutex_);
  cancel_ = nullptr;
  interrupted_ = false;
}

bool Interrupts::interrupted() {
  const std::lock_guard lock(mutex_);
  return interrupted_;
}

bool Interrupts::wait(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return interrupt_.wait_for(lock, patience, [this] { return interrupted_; });
}

void Interrupts::set_at_prompt(bool at_prompt) {
  const std::lock_guard lock(mutex_);
  at_prompt_ = at_prompt;
}

void Interrupts::take(int signal) {
  if (cancel_ && signal > 0 && interrupted_) ::_exit(kInterruptedExit);
  if (cancel_ && (signal > 0 || interrupted_)) {
    interrupted_ = true;
    interrupt_.notify_all();
    cancel_();
  } else if (signal == SIGINT && at_prompt_) {
    (void)!::write(wake_[1], "", 1);
  } else if (signal > 0) {
    ::_exit(kInterruptedExit);
  }
}

void Interrupts::run() {
  const sigset_t set = taken_signals();
  while (true) {
    const int signal = interrupted() ? ::sigtimedwait(&set, nullptr, &kRepeat) : ::sigwaitinfo(&set, nullptr);
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    take(signal == SIGUSR2 ? 0 : signal);
  }
}

}  // namespace client
