// Fixed keys and a fixed source of randomness, so that an input means the same in every run.
#pragma once

#include "crypto/channel.hpp"

#include <sodium.h>

namespace fuzz {

/// Replaces libsodium's source of randomness in this process by a stream that `restart` begins anew.
class FixedRandom {
 public:
  static void install() {
    static randombytes_implementation fixed{};
    fixed.implementation_name = [] { return "fixed"; };
    fixed.random = [] { return static_cast<std::uint32_t>(++counter_); };
    fixed.buf = [](void* out, const std::size_t size) {
      auto* bytes = static_cast<unsigned char*>(out);
      for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>((++counter_ * 0x9E37'79B9'7F4A'7C15U) >> 56);
    };
    randombytes_set_implementation(&fixed);
    require(sodium_init() >= 0, "libsodium starts");
  }
  static void restart() { counter_ = 0; }

 private:
  static inline std::uint64_t counter_ = 0;
};

inline cloudp2p::crypto::SecretKey key_of(unsigned char seed) {
  cloudp2p::crypto::SecretKey key;
  std::ranges::fill(key.writable(), std::byte{seed});
  return key;
}

}  // namespace fuzz
