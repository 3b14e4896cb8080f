// Entropy: randomness as an argument.
//
// Purpose:   incarnations, cluster ids, upload ids and back-off jitter. The real one is libsodium's; the simulator's is
//            seeded, so that a seed replays a run.
// Thread:    the node's thread, unless an implementation says more.
// Errors:    none; an implementation that cannot produce randomness must end the process.
#pragma once

#include <cloudp2p/types.hpp>

namespace cloudp2p {

/// A source of random bytes; what it draws is unpredictable unless it is seeded.
class Entropy {
 public:
  virtual ~Entropy() = default;
  /// All of `out`.
  virtual void fill(std::span<std::byte> out) = 0;

  /// An incarnation, a cluster id, an upload id: any Opaque.
  template <class T>
  [[nodiscard]] T draw() {
    T out;
    fill(out.bytes);
    return out;
  }
  /// Uniform enough for jitter: 0 <= result < bound; 0 for a bound of 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) {
    std::array<std::byte, 8> raw{};
    fill(raw);
    std::uint64_t drawn = 0;
    for (const std::byte b : raw) drawn = (drawn << 8) | static_cast<std::uint64_t>(b);
    return bound == 0 ? 0 : drawn % bound;
  }
};

}  // namespace cloudp2p
