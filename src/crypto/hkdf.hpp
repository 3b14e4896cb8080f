// HKDF-SHA256 (RFC 5869), built on libsodium's streaming HMAC because 1.0.18 has none of its own.
#pragma once

#include "crypto/secret.hpp"

namespace cloudp2p::crypto {

[[nodiscard]] SecretKey hkdf_extract(ByteView salt, ByteView input);
/// Fills `out`, at most 255 × 32 bytes.
void hkdf_expand(const SecretKey& extracted, ByteView info, std::span<std::byte> out);

}  // namespace cloudp2p::crypto
