#include "crypto/envelope.hpp"

#include "crypto/sodium_bytes.hpp"

namespace cloudp2p::crypto {
static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == kTagBytes);

void seal_envelope(const SecretKey& key, ByteView payload, std::byte* out) {
  std::byte* tag = out + payload.size();
  for (std::size_t at = 0, unit = 0; at < payload.size(); at += kEnvelopeUnitBytes, ++unit) {
    const ByteView plain = payload.subspan(at, std::min(kEnvelopeUnitBytes, payload.size() - at));
    const AeadNonce nonce = nonce_of(unit);
    crypto_aead_chacha20poly1305_ietf_encrypt_detached(raw(out + at), raw(tag), nullptr, raw(plain), plain.size(), nullptr,
                                                       0, nullptr, nonce.data(), raw(key.view().data()));
    tag += kTagBytes;
  }
}

bool open_envelope(const SecretKey& key, ByteView sealed, std::size_t payload_bytes, std::byte* out) {
  if (sealed.size() != envelope_bytes(payload_bytes)) return false;
  const std::byte* tag = sealed.data() + payload_bytes;
  for (std::size_t at = 0, unit = 0; at < payload_bytes; at += kEnvelopeUnitBytes, ++unit) {
    const ByteView secret = sealed.subspan(at, std::min(kEnvelopeUnitBytes, payload_bytes - at));
    const AeadNonce nonce = nonce_of(unit);
    const int failed = crypto_aead_chacha20poly1305_ietf_decrypt_detached(raw(out + at), nullptr, raw(secret), secret.size(),
                                                                          raw(tag), nullptr, 0, nonce.data(),
                                                                          raw(key.view().data()));
    if (failed != 0) return false;
    tag += kTagBytes;
  }
  return true;
}

}  // namespace cloudp2p::crypto
