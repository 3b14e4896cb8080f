#include "crypto/noise.hpp"

#include "crypto/hkdf.hpp"
#include "crypto/sodium_bytes.hpp"
#include "crypto/sodium_entropy.hpp"

#include <cassert>

namespace cloudp2p::crypto {

enum Token : std::uint8_t { none, e, s, ee, es, se, ss, psk };

struct Pattern {
  std::string_view name;
  bool initiator_known;  ///< "-> s" before the first message.
  bool responder_known;  ///< "<- s" before the first message.
  Token messages[3][6];  ///< Unused places are `none`.
};

namespace {

constexpr Pattern kPatterns[] = {
    {"NN", false, false, {{e}, {e, ee}}},
    {"NNpsk0", false, false, {{psk, e}, {e, ee}}},
    {"NNpsk2", false, false, {{e}, {e, ee, psk}}},
    {"KK", true, true, {{e, es, ss}, {e, ee, se}}},
    {"KKpsk0", true, true, {{psk, e, es, ss}, {e, ee, se}}},
    {"KKpsk2", true, true, {{e, es, ss}, {e, ee, se, psk}}},
    {"IK", false, true, {{e, es, s, ss}, {e, ee, se}}},
    {"IKpsk1", false, true, {{e, es, s, ss, psk}, {e, ee, se}}},
    {"IKpsk2", false, true, {{e, es, s, ss}, {e, ee, se, psk}}},
    {"XX", false, false, {{e}, {e, ee, s, es}, {s, se}}},
    {"XXpsk3", false, false, {{e}, {e, ee, s, es}, {s, se, psk}}},
    {"XXpsk0+psk3", false, false, {{psk, e}, {e, ee, s, es}, {s, se, psk}}},
};

constexpr std::size_t kMessageBytesMax = 65'535;

std::size_t count(const Pattern& pattern, Token wanted) {
  std::size_t found = 0;
  for (const auto& message : pattern.messages) {
    for (const Token token : message)
      found += token == wanted ? 1 : 0;
  }
  return found;
}

/// Whether this side must bring a static key: it sends one, or the other side knows it beforehand.
bool needs_static(const Pattern& pattern, bool initiator) {
  if (initiator ? pattern.initiator_known : pattern.responder_known) return true;
  for (std::size_t i = initiator ? 0 : 1; i < 3; i += 2) {
    for (const Token token : pattern.messages[i]) {
      if (token == s) return true;
    }
  }
  return false;
}

Error not_authentic() {
  return Error{Errc::bad_key, "a handshake message is not authentic: the keys differ"};
}

}  // namespace

SymmetricState::SymmetricState(std::string_view protocol_name) {
  const ByteView name = std::as_bytes(std::span(protocol_name));
  if (name.size() <= hash_.size()) {
    std::copy(name.begin(), name.end(), hash_.begin());
  } else {
    crypto_hash_sha256(raw(hash_.data()), raw(name), name.size());
  }
  chaining_ = SecretKey(hash_);
}

void SymmetricState::mix_hash(ByteView bytes) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, raw(hash_.data()), hash_.size());
  crypto_hash_sha256_update(&state, raw(bytes), bytes.size());
  crypto_hash_sha256_final(&state, raw(hash_.data()));
}

namespace {

/// HKDF of the framework: outputs of 32 bytes from the chaining key.
template <std::size_t N>
std::array<SecretKey, N> derive(const SecretKey& chaining, ByteView input) {
  std::array<std::byte, N * kKeyBytes> block;
  hkdf_expand(hkdf_extract(chaining.view(), input), {}, block);
  std::array<SecretKey, N> out;
  for (std::size_t i = 0; i < N; ++i) {
    out[i] = SecretKey(std::span<const std::byte, kKeyBytes>(block.data() + i * kKeyBytes, kKeyBytes));
  }
  wipe(block);
  return out;
}

}  // namespace

void SymmetricState::mix_key(ByteView input) {
  std::array<SecretKey, 2> keys = derive<2>(chaining_, input);
  chaining_ = std::move(keys[0]);
  cipher_.emplace(std::move(keys[1]));
}

void SymmetricState::mix_key_and_hash(ByteView input) {
  std::array<SecretKey, 3> keys = derive<3>(chaining_, input);
  chaining_ = std::move(keys[0]);
  mix_hash(keys[1].view());
  cipher_.emplace(std::move(keys[2]));
}

void SymmetricState::encrypt_and_hash(ByteView plain, std::vector<std::byte>& out) {
  const std::size_t at = out.size();
  if (cipher_) {
    out.resize(at + plain.size() + kTagBytes);
    cipher_->seal(hash_, plain, out.data() + at);
  } else {
    out.insert(out.end(), plain.begin(), plain.end());
  }
  mix_hash(ByteView(out).subspan(at));
}

bool SymmetricState::decrypt_and_hash(ByteView sealed, std::vector<std::byte>& out) {
  if (!cipher_) {
    out.assign(sealed.begin(), sealed.end());
  } else {
    if (sealed.size() < kTagBytes) return false;
    out.resize(sealed.size() - kTagBytes);
    if (!cipher_->open(hash_, sealed, out.data())) return false;
  }
  mix_hash(sealed);
  return true;
}

std::pair<SecretKey, SecretKey> SymmetricState::split() const {
  std::array<SecretKey, 2> keys = derive<2>(chaining_, {});
  return {std::move(keys[0]), std::move(keys[1])};
}

Result<HandshakeState> HandshakeState::create(HandshakeOptions options) {
  (void)initialise();
  const auto* found = std::find_if(std::begin(kPatterns), std::end(kPatterns),
                                   [&](const Pattern& pattern) { return pattern.name == options.pattern; });
  if (found == std::end(kPatterns)) return Error{Errc::invalid_argument, "unknown handshake pattern"};
  if (options.psks.size() != count(*found, psk)) {
    return Error{Errc::invalid_argument, "the handshake pattern wants another number of pre-shared keys"};
  }
  if (needs_static(*found, options.initiator) && !options.local_static) {
    return Error{Errc::invalid_argument, "the handshake pattern needs an identity of this side"};
  }
  const bool knows_remote = options.initiator ? found->responder_known : found->initiator_known;
  if (knows_remote != options.remote_static.has_value()) {
    return Error{Errc::invalid_argument, "the handshake pattern and the knowledge of the other side's key disagree"};
  }
  return HandshakeState(*found, std::move(options));
}

HandshakeState::HandshakeState(const Pattern& pattern, HandshakeOptions options)
    : pattern_(&pattern),
      options_(std::move(options)),
      symmetric_("Noise_" + std::string(pattern.name) + "_25519_ChaChaPoly_SHA256") {
  symmetric_.mix_hash(options_.prologue);
  options_.prologue = {};
  mix_known_statics();
}

void HandshakeState::mix_known_statics() {
  const bool initiator = options_.initiator;
  if (pattern_->initiator_known) {
    symmetric_.mix_hash(initiator ? options_.local_static->public_key.bytes : options_.remote_static->bytes);
  }
  if (pattern_->responder_known) {
    symmetric_.mix_hash(initiator ? options_.remote_static->bytes : options_.local_static->public_key.bytes);
  }
}

bool HandshakeState::mix_dh(std::uint8_t token) {
  const bool initiator = options_.initiator;
  const bool local_is_static = token == ss || token == (initiator ? se : es);
  const bool remote_is_static = token == ss || token == (initiator ? es : se);
  const std::optional<KeyPair>& local = local_is_static ? options_.local_static : options_.ephemeral;
  const std::optional<PublicKey>& remote = remote_is_static ? options_.remote_static : remote_ephemeral_;
  assert(local && remote);
  SecretKey shared;
  // Refuses an all-zero result, which a key of small order would force.
  if (crypto_scalarmult(raw(shared.writable().data()), raw(local->secret.view().data()), raw(remote->bytes.data())) !=
      0) {
    return false;
  }
  symmetric_.mix_key(shared.view());
  return true;
}

void HandshakeState::mix_psk() {
  symmetric_.mix_key_and_hash(options_.psks[psk_++].view());
}

void HandshakeState::mix_ephemeral(const PublicKey& key) {
  symmetric_.mix_hash(key.bytes);
  // With pre-shared keys the ephemeral randomises the key as well, or psk0 would seal under one key for ever.
  if (!options_.psks.empty()) symmetric_.mix_key(key.bytes);
}

bool HandshakeState::finished() const noexcept {
  return message_ == std::size(pattern_->messages) || pattern_->messages[message_][0] == none;
}

Status HandshakeState::write_message(ByteView payload, std::vector<std::byte>& out) {
  if (failed_ || finished() || !my_turn()) return Error{Errc::protocol, "a handshake message out of turn"};
  std::vector<std::byte> message;
  const Status written = write_tokens(message);
  failed_ = !written || message.size() + payload.size() + kTagBytes > kMessageBytesMax;
  if (!written) return written;
  if (failed_) return Error{Errc::protocol, "a handshake message is too long"};
  symmetric_.encrypt_and_hash(payload, message);
  out.insert(out.end(), message.begin(), message.end());
  ++message_;
  return {};
}

Status HandshakeState::write_tokens(std::vector<std::byte>& out) {
  for (const Token token : pattern_->messages[message_]) {
    if (token == none) break;
    if (token == psk) {
      mix_psk();
    } else if (token == e) {
      if (!options_.ephemeral) options_.ephemeral = KeyPair::generate();
      const PublicKey& key = options_.ephemeral->public_key;
      out.insert(out.end(), key.bytes.begin(), key.bytes.end());
      mix_ephemeral(key);
    } else if (token == s) {
      symmetric_.encrypt_and_hash(options_.local_static->public_key.bytes, out);
    } else if (!mix_dh(token)) {
      return not_authentic();
    }
  }
  return {};
}

Result<std::vector<std::byte>> HandshakeState::read_message(ByteView message) {
  if (failed_ || finished() || my_turn()) return Error{Errc::protocol, "a handshake message out of turn"};
  if (message.size() > kMessageBytesMax) return Error{Errc::protocol, "a handshake message is too long"};
  failed_ = true;
  Status read = read_tokens(message);
  if (!read) return std::move(read).error();
  std::vector<std::byte> payload;
  if (!symmetric_.decrypt_and_hash(message, payload)) return not_authentic();
  failed_ = false;
  ++message_;
  return payload;
}

Status HandshakeState::read_tokens(ByteView& rest) {
  for (const Token token : pattern_->messages[message_]) {
    if (token == none) break;
    if (token == psk) {
      mix_psk();
    } else if (token == e) {
      if (rest.size() < kKeyBytes) return Error{Errc::protocol, "a handshake message is too short"};
      remote_ephemeral_.emplace();
      std::copy_n(rest.begin(), kKeyBytes, remote_ephemeral_->bytes.begin());
      rest = rest.subspan(kKeyBytes);
      mix_ephemeral(*remote_ephemeral_);
    } else if (token == s) {
      Status read = read_static(rest);
      if (!read) return read;
    } else if (!mix_dh(token)) {
      return not_authentic();
    }
  }
  return {};
}

Status HandshakeState::read_static(ByteView& rest) {
  const std::size_t length = kKeyBytes + (symmetric_.has_key() ? kTagBytes : 0);
  if (rest.size() < length) return Error{Errc::protocol, "a handshake message is too short"};
  std::vector<std::byte> key;
  if (!symmetric_.decrypt_and_hash(rest.first(length), key)) return not_authentic();
  options_.remote_static.emplace();
  std::copy_n(key.begin(), kKeyBytes, options_.remote_static->bytes.begin());
  rest = rest.subspan(length);
  return {};
}

TransportCiphers HandshakeState::split() const {
  assert(finished() && !failed_);
  std::pair<SecretKey, SecretKey> keys = symmetric_.split();
  if (options_.initiator) return {CipherState(std::move(keys.first)), CipherState(std::move(keys.second))};
  return {CipherState(std::move(keys.second)), CipherState(std::move(keys.first))};
}

}  // namespace cloudp2p::crypto
