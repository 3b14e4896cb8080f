// Ctrl-C: cancels the transfer, not the prompt; without either it ends the program.
//
// Thread:    SIGINT and SIGTERM are blocked everywhere and taken by one thread. Make it before any other thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace client {

class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  /// From now on an interrupt calls `cancel`, again and again until `disarm`: what begins meanwhile is cancelled too. A
  /// second interrupt ends the program.
  void arm(std::function<void()> cancel);
  void disarm();
  /// Since `arm`, until `disarm`.
  [[nodiscard]] bool interrupted();
  /// As long as that, unless an interrupt comes: then true, at once.
  [[nodiscard]] bool wait(std::chrono::milliseconds patience);

  /// While a line is edited an interrupt makes this descriptor readable, instead of ending the program.
  void set_at_prompt(bool at_prompt);
  [[nodiscard]] int wake_descriptor() const { return wake_[0]; }

 private:
  void run();
  void take(int signal);

  std::mutex mutex_;
  std::condition_variable interrupt_;
  std::function<void()> cancel_;
  bool interrupted_ = false;
  bool at_prompt_ = false;
  bool closing_ = false;
  int wake_[2] = {-1, -1};
  std::thread thread_;
};

}  // namespace client
