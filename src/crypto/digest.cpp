#include "crypto/digest.hpp"

#include "crypto/sodium_bytes.hpp"
#include "crypto/sodium_entropy.hpp"

namespace cloudp2p::crypto {
namespace {

crypto_generichash_state* state_of(std::array<std::byte, 384>& opaque) {
  static_assert(sizeof(crypto_generichash_state) <= sizeof opaque && alignof(crypto_generichash_state) <= 64);
  return reinterpret_cast<crypto_generichash_state*>(opaque.data());
}

}  // namespace

DigestHasher::DigestHasher() {
  (void)initialise();
  reset();
}

void DigestHasher::reset() {
  crypto_generichash_init(state_of(state_), nullptr, 0, Digest::kSize);
}

void DigestHasher::update(ByteView bytes) {
  crypto_generichash_update(state_of(state_), raw(bytes), bytes.size());
}

Digest DigestHasher::finish() {
  Digest out;
  crypto_generichash_final(state_of(state_), raw(out.bytes.data()), Digest::kSize);
  return out;
}

Digest digest_of(ByteView bytes) {
  (void)initialise();
  Digest out;
  crypto_generichash(raw(out.bytes.data()), Digest::kSize, raw(bytes), bytes.size(), nullptr, 0);
  return out;
}

}  // namespace cloudp2p::crypto
