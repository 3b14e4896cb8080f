// Seconds, for measuring.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace bench {

using Clock = std::chrono::steady_clock;
using Instant = Clock::time_point;
using Seconds = std::chrono::duration<double>;

[[nodiscard]] inline double seconds_since(Instant start) {
  return Seconds(Clock::now() - start).count();
}

/// Polls; throws with `what` when it does not come true in time.
template <class Condition>
void wait_until(Condition condition, Seconds patience, const std::string& what,
                std::chrono::milliseconds pause = std::chrono::milliseconds(5)) {
  const Instant start = Clock::now();
  while (!condition()) {
    if (Clock::now() - start > patience) throw std::runtime_error("waited too long until " + what);
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace bench
