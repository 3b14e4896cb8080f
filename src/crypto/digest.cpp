#include "crypto/digest.hpp"

#include "crypto/sodium_bytes.hpp"
#include "crypto/sodium_entropy.hpp"

#ifdef CLOUDP2P_WITH_BOTAN
#include <botan/blake2b.h>
#endif

#include <chrono>

namespace cloudp2p::crypto {
namespace {

constexpr std::size_t kTrialBytes = 16 * 1024;
constexpr int kTrials = 4;

class SodiumBlake2b final : public Blake2b {
 public:
  SodiumBlake2b() {
    (void)initialise();
    SodiumBlake2b::reset();
  }
  void reset() override { crypto_generichash_init(&state_, nullptr, 0, Digest::kSize); }
  void update(ByteView bytes) override { crypto_generichash_update(&state_, raw(bytes), bytes.size()); }
  Digest finish() override {
    Digest out;
    crypto_generichash_final(&state_, raw(out.bytes.data()), Digest::kSize);
    return out;
  }

 private:
  crypto_generichash_state state_;
};

#ifdef CLOUDP2P_WITH_BOTAN
class BotanBlake2b final : public Blake2b {
 public:
  void reset() override { state_.clear(); }
  void update(ByteView bytes) override { state_.update(raw(bytes), bytes.size()); }
  Digest finish() override {
    Digest out;
    state_.final(raw(out.bytes.data()));
    return out;
  }

 private:
  Botan::BLAKE2b state_{8 * Digest::kSize};
};
#endif

template <class Implementation>
std::unique_ptr<Blake2b> make() {
  return std::make_unique<Implementation>();
}

struct Trial {
  Digest digest;
  std::chrono::steady_clock::duration best = std::chrono::steady_clock::duration::max();
};

Trial try_out(const DigestLibrary& library) {
  const std::vector<std::byte> bytes(kTrialBytes);
  const std::unique_ptr<Blake2b> blake2b = library.make();
  Trial out;
  for (int i = 0; i < kTrials; ++i) {
    const auto start = std::chrono::steady_clock::now();
    blake2b->reset();
    blake2b->update(bytes);
    out.digest = blake2b->finish();
    out.best = std::min(out.best, std::chrono::steady_clock::now() - start);
  }
  return out;
}

DigestLibrary fastest() {
  const std::vector<DigestLibrary> libraries = digest_libraries();
  if (libraries.size() == 1) return libraries.front();
  DigestLibrary out = libraries.front();
  Trial best = try_out(out);
  for (std::size_t i = 1; i < libraries.size(); ++i) {
    const Trial trial = try_out(libraries[i]);
    if (trial.digest != best.digest || trial.best >= best.best) continue;
    best = trial;
    out = libraries[i];
  }
  return out;
}

}  // namespace

std::vector<DigestLibrary> digest_libraries() {
  std::vector<DigestLibrary> out{{"libsodium", make<SodiumBlake2b>}};
#ifdef CLOUDP2P_WITH_BOTAN
  out.push_back({"Botan", make<BotanBlake2b>});
#endif
  return out;
}

const DigestLibrary& digest_library() {
  static const DigestLibrary chosen = fastest();
  return chosen;
}

DigestHasher::DigestHasher() : blake2b_(digest_library().make()) {}

Digest digest_of(ByteView bytes) {
  DigestHasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

}  // namespace cloudp2p::crypto
