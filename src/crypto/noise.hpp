// HandshakeState of the Noise protocol framework, revision 34, for 25519, ChaChaPoly and SHA256.
//
// Purpose:   the fundamental patterns NN, KK, IK, XX with psk modifiers, from one table of tokens.
// Thread:    one thread at a time.
// Ownership: a handshake owns copies of its keys and wipes them.
// Errors:    any failure ends the handshake: bad_key when a message is not authentic or a Diffie-Hellman result is all
//            zero, protocol when it is too short or out of turn, invalid_argument when keys for the pattern are
//            missing.
// Limits:    messages of at most 65,535 bytes, as the framework says.
#pragma once

#include "crypto/cipher_state.hpp"

#include <cloudp2p/error.hpp>

namespace cloudp2p::crypto {

using HandshakeHash = std::array<std::byte, 32>;

struct HandshakeOptions {
  std::string_view pattern;  ///< "NNpsk0", "XXpsk0+psk3", …
  bool initiator = false;
  ByteView prologue;
  std::vector<SecretKey> psks;  ///< One for each psk token, in the order of the tokens.
  std::optional<KeyPair> local_static;
  std::optional<PublicKey> remote_static;  ///< Where the pattern knows it beforehand (KK, IK).
  std::optional<KeyPair> ephemeral;        ///< For published vectors only; drawn at random otherwise.
};

/// Mixes everything that both sides have said into one hash and one chaining key.
class SymmetricState {
 public:
  explicit SymmetricState(std::string_view protocol_name);
  void mix_hash(ByteView bytes);
  void mix_key(ByteView input);
  void mix_key_and_hash(ByteView input);
  void encrypt_and_hash(ByteView plain, std::vector<std::byte>& out);
  [[nodiscard]] bool decrypt_and_hash(ByteView sealed, std::vector<std::byte>& out);
  [[nodiscard]] bool has_key() const noexcept { return cipher_.has_value(); }
  [[nodiscard]] const HandshakeHash& hash() const noexcept { return hash_; }
  [[nodiscard]] std::pair<SecretKey, SecretKey> split() const;

 private:
  SecretKey chaining_;
  HandshakeHash hash_{};
  std::optional<CipherState> cipher_;
};

struct Pattern;

/// The two directions of an established session, as seen by one side.
struct TransportCiphers {
  CipherState send;
  CipherState receive;
};

class HandshakeState {
 public:
  [[nodiscard]] static Result<HandshakeState> create(HandshakeOptions options);

  /// Appends the next message of this side to `out`.
  Status write_message(ByteView payload, std::vector<std::byte>& out);
  /// Takes the other side's next message; the value is its payload.
  [[nodiscard]] Result<std::vector<std::byte>> read_message(ByteView message);

  [[nodiscard]] bool finished() const noexcept;
  [[nodiscard]] bool my_turn() const noexcept { return (message_ % 2 == 0) == options_.initiator; }
  /// Known to both sides and to nobody else's handshake; final once `finished`.
  [[nodiscard]] const HandshakeHash& hash() const noexcept { return symmetric_.hash(); }
  [[nodiscard]] const std::optional<PublicKey>& remote_static() const noexcept { return options_.remote_static; }
  /// Only once `finished`.
  [[nodiscard]] TransportCiphers split() const;

 private:
  HandshakeState(const Pattern& pattern, HandshakeOptions options);
  void mix_known_statics();
  [[nodiscard]] bool mix_dh(std::uint8_t token);
  void mix_psk();
  void mix_ephemeral(const PublicKey& key);
  Status write_tokens(std::vector<std::byte>& out);
  Status read_tokens(ByteView& rest);
  Status read_static(ByteView& rest);

  const Pattern* pattern_;
  HandshakeOptions options_;
  SymmetricState symmetric_;
  std::optional<PublicKey> remote_ephemeral_;
  std::size_t message_ = 0;
  std::size_t psk_ = 0;
  bool failed_ = false;
};

}  // namespace cloudp2p::crypto
