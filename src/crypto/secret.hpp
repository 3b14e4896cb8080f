// SecretKey, PublicKey, KeyPair: 32 bytes each, the secret ones wiped when they go.
//
// Thread:     plain values.
// Ownership:  a SecretKey moves; a second copy must be asked for by name, so that each one is seen in review.
#pragma once

#include <cloudp2p/types.hpp>

namespace cloudp2p::crypto {

inline constexpr std::size_t kKeyBytes = 32;

class SecretKey {
 public:
  SecretKey() = default;
  explicit SecretKey(std::span<const std::byte, kKeyBytes> bytes);
  [[nodiscard]] static SecretKey random();
  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&& other) noexcept;
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  ~SecretKey();

  [[nodiscard]] SecretKey copy() const { return SecretKey(bytes_); }
  [[nodiscard]] std::span<const std::byte, kKeyBytes> view() const noexcept { return bytes_; }
  [[nodiscard]] std::span<std::byte, kKeyBytes> writable() noexcept { return bytes_; }

 private:
  std::array<std::byte, kKeyBytes> bytes_{};
};

/// An X25519 public key.
using PublicKey = Opaque<struct PublicKeyTag, kKeyBytes>;

struct KeyPair {
  SecretKey secret;
  PublicKey public_key;

  [[nodiscard]] static KeyPair generate();
  [[nodiscard]] static KeyPair of(SecretKey secret);
  [[nodiscard]] KeyPair copy() const { return KeyPair{secret.copy(), public_key}; }
};

/// Overwrites memory in a way that the optimiser keeps.
void wipe(std::span<std::byte> bytes) noexcept;

}  // namespace cloudp2p::crypto
