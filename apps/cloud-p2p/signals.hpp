// The signals that steer the server, taken by one thread with sigwait: no handler interrupts anything.
//
// Use:       make it before any other thread exists, so that all of them inherit the mask. `next` blocks until the
// first
//            SIGTERM or SIGINT (stop) or SIGHUP (reload). After `stop` was returned, another one ends the process.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace server {

class Signals {
 public:
  enum class Event { stop, reload };

  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] Event next();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_asked_ = false;
  bool reload_asked_ = false;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace server
