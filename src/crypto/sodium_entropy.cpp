#include "crypto/sodium_entropy.hpp"

#include "crypto/sodium_bytes.hpp"

namespace cloudp2p::crypto {

Status initialise() {
  static const int started = sodium_init();
  if (started >= 0) return {};
  return Error{Errc::io, "libsodium could not start: this machine offers no source of randomness"};
}

SodiumEntropy::SodiumEntropy() {
  (void)initialise();
}

void SodiumEntropy::fill(std::span<std::byte> out) {
  randombytes_buf(out.data(), out.size());
}

}  // namespace cloudp2p::crypto
