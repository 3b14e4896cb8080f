// BLAKE2b-256, streamed: the name of an image, equal to what `b2sum -l 256 FILE` prints.
//
// Thread:  one hasher on one thread at a time.
// Use:     update any number of times, finish once; afterwards `reset` begins anew.
#pragma once

#include <cloudp2p/types.hpp>

namespace cloudp2p::crypto {

class DigestHasher {
 public:
  DigestHasher();
  DigestHasher(const DigestHasher&) = delete;
  DigestHasher& operator=(const DigestHasher&) = delete;

  void update(ByteView bytes);
  [[nodiscard]] Digest finish();
  void reset();

 private:
  // libsodium's state, kept opaque so that its header stays out of ours; size and alignment are checked in the source.
  alignas(64) std::array<std::byte, 384> state_;
};

[[nodiscard]] Digest digest_of(ByteView bytes);

}  // namespace cloudp2p::crypto
