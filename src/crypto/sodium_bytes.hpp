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

}  // namespace cloudp2p::crypto
