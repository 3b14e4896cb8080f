#include "crypto/secret.hpp"

#include "crypto/sodium_bytes.hpp"
#include "crypto/sodium_entropy.hpp"

namespace cloudp2p::crypto {

SecretKey::SecretKey(std::span<const std::byte, kKeyBytes> bytes) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

SecretKey SecretKey::random() {
  (void)initialise();
  SecretKey out;
  randombytes_buf(out.bytes_.data(), kKeyBytes);
  return out;
}

SecretKey::SecretKey(SecretKey&& other) noexcept : bytes_(other.bytes_) {
  wipe(other.bytes_);
}

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
  if (this == &other) return *this;
  bytes_ = other.bytes_;
  wipe(other.bytes_);
  return *this;
}

SecretKey::~SecretKey() {
  wipe(bytes_);
}

KeyPair KeyPair::generate() {
  return of(SecretKey::random());
}

KeyPair KeyPair::of(SecretKey secret) {
  KeyPair out;
  crypto_scalarmult_base(raw(out.public_key.bytes.data()), raw(secret.view().data()));
  out.secret = std::move(secret);
  return out;
}

void wipe(std::span<std::byte> bytes) noexcept {
  sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace cloudp2p::crypto
