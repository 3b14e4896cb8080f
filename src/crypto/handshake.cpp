#include "crypto/handshake.hpp"

#include "crypto/sodium_bytes.hpp"
#include "crypto/sodium_entropy.hpp"

#include <cloudp2p/limits.hpp>

namespace cloudp2p::crypto {
namespace {

constexpr std::string_view kProtocolName = "cloudp2p channel 1";
constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kRejectBytes = 3;

std::string_view pattern_of(Mode mode) {
  switch (mode) {
    case Mode::open: return "NN";
    case Mode::psk: return "NNpsk0";
    case Mode::identity: break;
  }
  return "XXpsk0+psk3";
}

const SecretKey* psk_of(const RoleKeys& keys, Role role) {
  if (role == Role::client) return &keys.clients;
  return keys.nodes ? &*keys.nodes : nullptr;
}

void append_unit(ByteView bytes, ByteBuffer& out) {
  const std::array<std::byte, kLengthBytes> length{static_cast<std::byte>(bytes.size() >> 8),
                                                   static_cast<std::byte>(bytes.size() & 0xFF)};
  out.append(length);
  out.append(bytes);
}

std::optional<Error> name_mismatch(NodeId expected, NodeId answered) {
  if (expected == kNobody || expected == answered) return std::nullopt;
  return Error{Errc::mismatch, "node " + to_string(answered) + " answered where node " + to_string(expected) +
                                   " was expected: check the addresses of the peers"};
}

}  // namespace

Result<Handshake> Handshake::initiate(InitiatorOptions options, ByteBuffer& out) {
  (void)initialise();
  const KeyRing& ring = *options.keys;
  if (options.role == Role::node && !ring.slots.empty() && !ring.slots.front().nodes) {
    return Error{Errc::permission,
                 "only a client key is configured here: it can not speak as a node; give the cluster key"};
  }
  Handshake made;
  made.hello_ = Hello{};
  made.hello_->role = options.role;
  made.hello_->lane = options.lane;
  made.hello_->mode = ring.mode();
  made.hello_bytes_ = encode(*made.hello_);
  made.peer_.mode = ring.mode();
  made.peer_.lane = options.lane;
  made.initiator_ = std::move(options);
  out.append(made.hello_bytes_);
  return made;
}

Handshake Handshake::respond(ResponderOptions options) {
  (void)initialise();
  Handshake made;
  made.responder_ = std::move(options);
  return made;
}

Status Handshake::drain(ReceiveBuffer& in, ByteBuffer& out) {
  while (!finished()) {
    bool incomplete = false;
    if (!hello_) {
      Status taken = take_hello(in, out);
      if (!taken || !hello_) return taken;
    } else {
      Status taken = take_unit(in, out, incomplete);
      if (!taken || incomplete) return taken;
    }
  }
  return {};
}

Status Handshake::take_hello(ReceiveBuffer& in, ByteBuffer& out) {
  const std::span<std::byte> pending = in.pending();
  if (!may_be_hello(pending)) return Error{Errc::protocol, "a stranger that does not speak this protocol"};
  if (pending.size() < kHelloBytes) return {};
  std::copy_n(pending.begin(), kHelloBytes, hello_bytes_.begin());
  in.consume(kHelloBytes);
  received_bytes_ += kHelloBytes;
  Result<Hello> hello = decode_hello(hello_bytes_);
  if (!hello) return std::move(hello).error();
  hello_ = *hello;
  return greet(out);
}

Status Handshake::greet(ByteBuffer& out) {
  if (const std::optional<Reject> reason = unwelcome(*hello_)) {
    append_reject(*reason, out);
    const Errc code = *reason == Reject::version ? Errc::mismatch : Errc::bad_key;
    const char* what = *reason == Reject::version        ? "a connection without a common version of the protocol"
                       : *reason == Reject::key_required ? "a connection without a key; this node requires one"
                       : *reason == Reject::no_key       ? "a connection with a key; this node has none configured"
                       : *reason == Reject::no_identities
                           ? "a connection with an identity; this node has none configured"
                           : "a connection without an identity; this node requires one";
    return Error{code, what};
  }
  peer_.mode = hello_->mode;
  peer_.role = hello_->role;
  peer_.lane = hello_->lane;
  Greeting greeting;
  randombytes_buf(greeting.random.data(), greeting.random.size());
  greeting.cluster = peer_.cluster = responder_->cluster;
  greeting.node = responder_->node;
  greeting_bytes_ = encode(greeting);
  greeted_ = true;
  append_unit(greeting_bytes_, out);
  return {};
}

std::optional<Reject> Handshake::unwelcome(const Hello& hello) const {
  if (hello.version_min > kChannelVersion || hello.version_max < kChannelVersion) return Reject::version;
  const Mode mine = ring().mode();
  if (hello.mode == mine) return std::nullopt;
  if (mine == Mode::open) return Reject::no_key;
  if (hello.mode == Mode::open) return Reject::key_required;
  if (mine == Mode::psk) return Reject::no_identities;
  if (responder_->key_only_clients && hello.role == Role::client) return std::nullopt;
  return Reject::identity_required;
}

Status Handshake::take_unit(ReceiveBuffer& in, ByteBuffer& out, bool& incomplete) {
  const std::span<std::byte> pending = in.pending();
  incomplete = true;
  if (pending.size() < kLengthBytes) return {};
  const std::size_t length = std::to_integer<std::size_t>(pending[0]) << 8 | std::to_integer<std::size_t>(pending[1]);
  if (length == 0) {
    if (pending.size() < kRejectBytes) return {};
    return explain_reject(std::to_integer<std::uint8_t>(pending[2]));
  }
  if (received_bytes_ + kLengthBytes + length > limits::kHandshakeBytesMax) {
    return Error{Errc::protocol, "a handshake longer than the protocol allows"};
  }
  if (pending.size() < kLengthBytes + length) {
    in.need(kLengthBytes + length);
    return {};
  }
  incomplete = false;
  const ByteView unit = pending.subspan(kLengthBytes, length);
  Status taken = greeted_ ? take_message(unit, out) : take_greeting(unit, out);
  in.consume(kLengthBytes + length);
  received_bytes_ += kLengthBytes + length;
  return taken;
}

Status Handshake::take_greeting(ByteView bytes, ByteBuffer& out) {
  const Result<Greeting> greeting = decode_greeting(bytes);
  if (!greeting) return greeting.error();
  if (greeting->version != kChannelVersion) return explain_reject(static_cast<std::uint8_t>(Reject::version));
  if (std::optional<Error> wrong = name_mismatch(initiator_->expected_node, greeting->node)) return std::move(*wrong);
  std::copy(bytes.begin(), bytes.end(), greeting_bytes_.begin());
  greeted_ = true;
  peer_.node = greeting->node;
  peer_.cluster = greeting->cluster;
  Result<HandshakeState> begun = begin_noise(ring().slots.empty() ? nullptr : &ring().slots.front());
  if (!begun) return std::move(begun).error();
  noise_ = std::move(begun).value();
  return write_message(out);
}

Result<HandshakeState> Handshake::begin_noise(const RoleKeys* keys) const {
  std::vector<std::byte> prologue;
  const ByteView protocol = std::as_bytes(std::span(kProtocolName));
  prologue.insert(prologue.end(), protocol.begin(), protocol.end());
  prologue.insert(prologue.end(), hello_bytes_.begin(), hello_bytes_.end());
  prologue.insert(prologue.end(), greeting_bytes_.begin(), greeting_bytes_.end());
  HandshakeOptions options;
  options.pattern = pattern_of(hello_->mode);
  options.initiator = initiator_.has_value();
  options.prologue = prologue;
  if (hello_->mode != Mode::open) {
    const SecretKey* psk = psk_of(*keys, hello_->role);
    if (psk == nullptr) return Error{Errc::bad_key, "no key for nodes is configured here"};
    options.psks.push_back(psk->copy());
    if (hello_->mode == Mode::identity) options.psks.push_back(psk->copy());
  }
  if (hello_->mode == Mode::identity) options.local_static = ring().identity->copy();
  return HandshakeState::create(std::move(options));
}

Status Handshake::take_message(ByteView bytes, ByteBuffer& out) {
  Status read;
  if (!noise_) {
    read = take_first_message(bytes);
  } else {
    Result<std::vector<std::byte>> payload = noise_->read_message(bytes);
    if (!payload) read = std::move(payload).error();
  }
  if (!read) {
    if (read.code() == Errc::bad_key) append_reject(Reject::bad_key, out);
    return read;
  }
  peer_.key = noise_->remote_static();
  if (initiator_) {
    Status expected = check_initiators_view(out);
    if (!expected) return expected;
  }
  if (!noise_->finished()) return write_message(out);
  if (responder_) decide_identity();
  return {};
}

Status Handshake::take_first_message(ByteView bytes) {
  const std::vector<RoleKeys>& slots = ring().slots;
  const std::size_t attempts = hello_->mode == Mode::open ? 1 : slots.size();
  for (std::size_t slot = 0; slot < attempts; ++slot) {
    Result<HandshakeState> begun = begin_noise(slots.empty() ? nullptr : &slots[slot]);
    if (!begun || !begun->read_message(bytes)) continue;
    noise_ = std::move(begun).value();
    peer_.key_slot = slot;
    return {};
  }
  const std::string role = hello_->role == Role::node ? "node" : "client";
  return Error{Errc::bad_key,
               "a " + role + " that holds a different key: compare ENCRYPTION_KEY or the key files of both"};
}

Status Handshake::check_initiators_view(ByteBuffer& out) {
  if (!initiator_->expected_key || peer_.key == initiator_->expected_key) return {};
  append_reject(Reject::unexpected_identity, out);
  return Error{Errc::bad_key, "node " + to_string(peer_.node) +
                                  " has another identity than its peers[].public_key in the configuration here"};
}

void Handshake::decide_identity() {
  if (hello_->mode != Mode::identity) return;
  if (!responder_->who_is) {
    refusal_ = Error{Errc::permission, "no identities are configured on this node"};
    return;
  }
  Result<Identity> known = responder_->who_is(*peer_.key, peer_.role);
  if (!known) {
    refusal_ = std::move(known).error();
    return;
  }
  peer_.identity = std::move(known).value();
  peer_.node = peer_.identity.node;
}

Status Handshake::write_message(ByteBuffer& out) {
  std::vector<std::byte> message;
  Status written = noise_->write_message({}, message);
  if (written) append_unit(message, out);
  return written;
}

}  // namespace cloudp2p::crypto
