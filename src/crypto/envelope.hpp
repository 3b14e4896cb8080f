// Envelope: a payload sealed once, under a key of its own, for however many will get it.
//
// Purpose:   a leader passes chunks on to its followers. Between it and each of them lies another channel; with an
//            envelope only the key is sealed anew, not the bytes.
// Format:    the ciphertexts of units of 64 KiB, the last one shorter, then their tags. ChaCha20-Poly1305; the nonce is
//            the number of the unit. Whoever sends the key sends the payload's length with it, sealed by the channel.
// Thread:    an Envelope is shared and never changes. Ownership: its key is wiped with it.
#pragma once

#include "crypto/cipher_state.hpp"

#include <cloudp2p/buffer.hpp>

namespace cloudp2p::crypto {

inline constexpr std::size_t kEnvelopeUnitBytes = 64 * 1024;
/// Smaller payloads travel within the channel's records, together with their heads.
inline constexpr std::size_t kEnvelopeBytesMin = 8 * 1024;

[[nodiscard]] constexpr std::size_t envelope_bytes(std::size_t payload_bytes) {
  return payload_bytes + (payload_bytes + kEnvelopeUnitBytes - 1) / kEnvelopeUnitBytes * kTagBytes;
}

/// Writes envelope_bytes(payload.size()) to `out`. The key must be fresh.
void seal_envelope(const SecretKey& key, ByteView payload, std::byte* out);
/// Writes the payload to `out`, which is `sealed.data()` itself or does not overlap it; false when it is not authentic.
[[nodiscard]] bool open_envelope(const SecretKey& key, ByteView sealed, std::size_t payload_bytes, std::byte* out);

/// What a payload came in, so that it can leave in the same.
struct Envelope final : Buffer::Attachment {
  Envelope(SecretKey k, Buffer s) : key(std::move(k)), sealed(std::move(s)) {}
  SecretKey key;
  Buffer sealed;
};

/// Null when there is none. Nobody but channels attaches anything to a buffer.
[[nodiscard]] inline const Envelope* envelope_of(const Buffer& payload) {
  return static_cast<const Envelope*>(payload.attachment().get());
}

}  // namespace cloudp2p::crypto
