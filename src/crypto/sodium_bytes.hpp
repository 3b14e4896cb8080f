// Casts between std::byte and libsodium's unsigned char; for the .cpp files of this folder.
#pragma once

#include <cloudp2p/types.hpp>

#include <sodium.h>

namespace cloudp2p::crypto {

inline unsigned char* raw(std::byte* bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes);
}
inline const unsigned char* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}

/// Never null, as libsodium hands even an empty range to memcpy.
inline const unsigned char* raw(ByteView bytes) noexcept {
  static constexpr unsigned char kNothing = 0;
  return bytes.data() == nullptr ? &kNothing : raw(bytes.data());
}

using AeadNonce = std::array<unsigned char, crypto_aead_chacha20poly1305_ietf_NPUBBYTES>;

/// As Noise has it: 32 bits of zeros, then the counter in little-endian order.
inline AeadNonce nonce_of(std::uint64_t counter) noexcept {
  AeadNonce out{};
  for (std::size_t i = 0; i < 8; ++i)
    out[4 + i] = static_cast<unsigned char>(counter >> (8 * i));
  return out;
}

}  // namespace cloudp2p::crypto
