#include "signals.hpp"

#include "options.hpp"

#include <signal.h>
#include <unistd.h>

namespace server {
namespace {

sigset_t steering_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2})
    sigaddset(&set, signal);
  return set;
}

}  // namespace

Signals::Signals() {
  const sigset_t set = steering_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread(&Signals::run, this);
}

Signals::~Signals() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

void Signals::run() {
  const sigset_t set = steering_signals();
  while (true) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0) continue;
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    if (signal == SIGUSR2) continue;
    if (signal == SIGHUP) {
      reload_asked_ = true;
    } else if (stop_asked_) {
      ::_exit(kFailure);  // The second one: at once, as after a crash; what was acknowledged is durable.
    } else {
      stop_asked_ = true;
    }
    wake_.notify_one();
  }
}

Signals::Event Signals::next() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stop_asked_ || reload_asked_; });
  if (stop_asked_) return Event::stop;
  reload_asked_ = false;
  return Event::reload;
}

}  // namespace server
