// CipherState of the Noise specification: ChaCha20-Poly1305 under one key with implicit 64-bit nonces.
//
// Thread:  one thread at a time. Errors: a failed `open` leaves the nonce alone; its owner must close.
#pragma once

#include "crypto/secret.hpp"

namespace cloudp2p::crypto {

inline constexpr std::size_t kTagBytes = 16;

class CipherState {
 public:
  explicit CipherState(SecretKey key) : key_(std::move(key)) {}

  /// Writes plain.size() + kTagBytes to `out`, which is `plain.data()` itself or does not overlap it.
  void seal(ByteView associated, ByteView plain, std::byte* out);
  /// Writes sealed.size() - kTagBytes to `out` (same rule) and returns true, or false when the bytes are not authentic.
  [[nodiscard]] bool open(ByteView associated, ByteView sealed, std::byte* out);

  /// One-way: what was sealed before stays secret when the new key leaks. The nonce goes on counting.
  void rekey();
  /// Messages sealed or opened so far.
  [[nodiscard]] std::uint64_t nonce() const noexcept { return nonce_; }

 private:
  SecretKey key_;
  std::uint64_t nonce_ = 0;
};

}  // namespace cloudp2p::crypto
