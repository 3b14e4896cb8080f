#include "crypto/hkdf.hpp"

#include "crypto/sodium_bytes.hpp"

#include <cassert>

namespace cloudp2p::crypto {
namespace {

class Hmac {
 public:
  explicit Hmac(ByteView key) { crypto_auth_hmacsha256_init(&state_, raw(key), key.size()); }
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;
  ~Hmac() { sodium_memzero(&state_, sizeof state_); }
  Hmac& update(ByteView bytes) {
    crypto_auth_hmacsha256_update(&state_, raw(bytes), bytes.size());
    return *this;
  }
  void finish(SecretKey& out) { crypto_auth_hmacsha256_final(&state_, raw(out.writable().data())); }

 private:
  crypto_auth_hmacsha256_state state_;
};

}  // namespace

SecretKey hkdf_extract(ByteView salt, ByteView input) {
  SecretKey out;
  Hmac(salt).update(input).finish(out);
  return out;
}

void hkdf_expand(const SecretKey& extracted, ByteView info, std::span<std::byte> out) {
  assert(out.size() <= 255 * kKeyBytes);
  SecretKey block;
  for (unsigned counter = 1; !out.empty(); ++counter) {
    const std::byte number{static_cast<unsigned char>(counter)};
    Hmac hmac(extracted.view());
    if (counter > 1) hmac.update(block.view());
    hmac.update(info).update({&number, 1}).finish(block);
    const std::size_t take = std::min(out.size(), kKeyBytes);
    std::copy_n(block.view().begin(), take, out.begin());
    out = out.subspan(take);
  }
}

}  // namespace cloudp2p::crypto
