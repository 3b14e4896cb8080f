// Proxy: stands in front of one node, when the network sends connections its way, and delays, swallows or breaks them.
//
// Thread:  one of its own, in the node's namespace; the functions may be called from any other.
// Default: passes everything on at once.
#pragma once

#include "nemesis/network.hpp"

#include <chrono>
#include <memory>

namespace nemesis {

class Proxy {
 public:
  Proxy(const Network& network, unsigned node);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  /// Each byte is passed on this much later.
  void delay(std::chrono::milliseconds by);
  /// Half-open: connections stay, and are accepted, but nothing passes in either direction.
  void swallow(bool on);
  /// Every connection ends with a reset on both sides.
  void reset_all();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace nemesis
