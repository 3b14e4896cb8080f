// ContentHash: the digest of simulated images. Not BLAKE2b: the core never computes a digest, it only compares what the
// ports say, so the simulator may use a fast one. Streamed: the same bytes in any chunks give the same digest.
#pragma once

#include <cloudp2p/types.hpp>

namespace cloudp2p::sim {

class ContentHash {
 public:
  void update(ByteView bytes) noexcept;
  [[nodiscard]] Digest finish() const noexcept;
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_; }

 private:
  using Lanes = std::array<std::uint64_t, 4>;
  static void absorb(Lanes& lanes, const std::byte* block) noexcept;

  Lanes lanes_{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89};
  std::array<std::byte, 32> rest_{};
  std::size_t rest_size_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace cloudp2p::sim
