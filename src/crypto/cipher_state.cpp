#include "crypto/cipher_state.hpp"

#include "crypto/sodium_bytes.hpp"

#include <cassert>
#include <limits>

namespace cloudp2p::crypto {
namespace {

constexpr std::uint64_t kReservedNonce = std::numeric_limits<std::uint64_t>::max();

}  // namespace

void CipherState::seal(ByteView associated, ByteView plain, std::byte* out) {
  assert(nonce_ != kReservedNonce);
  const AeadNonce nonce = nonce_of(nonce_++);
  crypto_aead_chacha20poly1305_ietf_encrypt(raw(out), nullptr, raw(plain), plain.size(), raw(associated),
                                            associated.size(), nullptr, nonce.data(), raw(key_.view().data()));
}

bool CipherState::open(ByteView associated, ByteView sealed, std::byte* out) {
  if (sealed.size() < kTagBytes || nonce_ == kReservedNonce) return false;
  const AeadNonce nonce = nonce_of(nonce_);
  const int failed =
      crypto_aead_chacha20poly1305_ietf_decrypt(raw(out), nullptr, nullptr, raw(sealed), sealed.size(), raw(associated),
                                                associated.size(), nonce.data(), raw(key_.view().data()));
  if (failed != 0) return false;
  ++nonce_;
  return true;
}

void CipherState::rekey() {
  std::array<std::byte, kKeyBytes + kTagBytes> block{};
  const AeadNonce nonce = nonce_of(kReservedNonce);
  crypto_aead_chacha20poly1305_ietf_encrypt(raw(block.data()), nullptr, raw(block.data()), kKeyBytes, nullptr, 0,
                                            nullptr, nonce.data(), raw(key_.view().data()));
  key_ = SecretKey(std::span<const std::byte, kKeyBytes>(block.data(), kKeyBytes));
  wipe(block);
}

}  // namespace cloudp2p::crypto
