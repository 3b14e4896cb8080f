// Handshake: from the first byte of a connection to the keys of its session; both sides, bytes in, bytes out.
//
// Sequence:  initiator: hello. Responder: greeting. Then the Noise messages of the mode, alternating, each behind a u16
//            big-endian length. The prologue is the protocol's name, the hello and the greeting: a first message
//            recorded elsewhere or earlier does not fit a new greeting.
// Keys:      the responder tries both of its slots on the first message; the initiator uses its first slot.
// Errors:    bad_key, mismatch, permission, protocol. Where it helps the other side's log, a reject is appended to
// `out`. Limits:    limits::kHandshakeBytesMax received in all.
#pragma once

#include "crypto/hello.hpp"
#include "crypto/keys.hpp"
#include "crypto/noise.hpp"
#include "crypto/receive_buffer.hpp"

#include <functional>

namespace cloudp2p::crypto {

/// What a process can authenticate with; shared by its connections and replaced as a whole when keys rotate.
struct KeyRing {
  std::vector<RoleKeys> slots;      ///< The current key, then the previous (or next) one; none: open mode.
  std::optional<KeyPair> identity;  ///< Only with a key.

  [[nodiscard]] Mode mode() const noexcept {
    if (slots.empty()) return Mode::open;
    return identity ? Mode::identity : Mode::psk;
  }
};

/// Whom a static public key belongs to.
struct Identity {
  std::string name;
  Rights rights;
  NodeId node = kNobody;  ///< For the identity of a peer.
};

struct InitiatorOptions {
  Role role = Role::client;
  Lane lane = Lane::bulk;
  std::shared_ptr<const KeyRing> keys;    ///< Never null.
  NodeId expected_node = kNobody;         ///< The node that must answer; kNobody: whoever does.
  std::optional<PublicKey> expected_key;  ///< The identity that it must have.
};

struct ResponderOptions {
  NodeId node = kNobody;
  ClusterId cluster;
  std::shared_ptr<const KeyRing> keys;  ///< Never null.
  /// Mode identity: who is this, and may it come in the role it claims? An Error refuses, and the other side is told.
  std::function<Result<Identity>(const PublicKey&, Role)> who_is;
  bool key_only_clients = false;  ///< Mode identity: also admit clients that have the key but no identity.
};

/// The other side, as far as the handshake proved it.
struct ChannelPeer {
  Mode mode = Mode::open;
  Role role = Role::node;
  Lane lane = Lane::bulk;
  NodeId node = kNobody;     ///< The responder as it named itself; an initiator only when its identity says so.
  ClusterId cluster;         ///< The responder's.
  std::size_t key_slot = 0;  ///< Responder: which slot matched. Not 0: the other side still uses the other key.
  std::optional<PublicKey> key;
  Identity identity;
};

class Handshake {
 public:
  [[nodiscard]] static Result<Handshake> initiate(InitiatorOptions options, ByteBuffer& out);
  [[nodiscard]] static Handshake respond(ResponderOptions options);

  /// Takes what is complete from `in` and appends the answers to `out`. After an error only `out` is worth anything.
  Status drain(ReceiveBuffer& in, ByteBuffer& out);

  [[nodiscard]] bool finished() const noexcept { return noise_ && noise_->finished(); }
  /// The following only once `finished`.
  [[nodiscard]] TransportCiphers split() const { return noise_->split(); }
  [[nodiscard]] ChannelPeer& peer() noexcept { return peer_; }
  /// Set when the other side is who it says, but may not come in: to be told by an authenticated Close.
  [[nodiscard]] const std::optional<Error>& refusal() const noexcept { return refusal_; }

 private:
  Handshake() = default;
  Status take_hello(ReceiveBuffer& in, ByteBuffer& out);
  Status greet(ByteBuffer& out);
  [[nodiscard]] std::optional<Reject> unwelcome(const Hello& hello) const;
  Status take_unit(ReceiveBuffer& in, ByteBuffer& out, bool& incomplete);
  Status take_greeting(ByteView bytes, ByteBuffer& out);
  Status take_message(ByteView bytes, ByteBuffer& out);
  Status take_first_message(ByteView bytes);
  Status check_initiators_view(ByteBuffer& out);
  void decide_identity();
  [[nodiscard]] Result<HandshakeState> begin_noise(const RoleKeys* keys) const;
  Status write_message(ByteBuffer& out);
  [[nodiscard]] const KeyRing& ring() const noexcept { return initiator_ ? *initiator_->keys : *responder_->keys; }

  std::optional<InitiatorOptions> initiator_;
  std::optional<ResponderOptions> responder_;
  HelloBytes hello_bytes_{};
  std::optional<Hello> hello_;
  GreetingBytes greeting_bytes_{};
  bool greeted_ = false;
  std::optional<HandshakeState> noise_;
  ChannelPeer peer_;
  std::optional<Error> refusal_;
  std::size_t received_bytes_ = 0;
};

}  // namespace cloudp2p::crypto
