// The body of eventually().
#pragma once

#include "support/process.hpp"

#include <thread>

namespace support {

template <class Condition>
bool eventually(Condition&& reached, std::chrono::milliseconds bound) {
  const auto deadline = std::chrono::steady_clock::now() + bound;
  while (!reached()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace support
