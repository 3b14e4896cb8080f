// What is said in the clear before the Noise handshake: hello, greeting, reject.
//
// Format:    hello    = "CP2P", lowest and highest version (u8 each), role, mode, lane (u8 each), 3 bytes that are
// zero.
//            greeting = u16 big-endian length, then "CP2P", version (u8), 3 zero bytes, 32 random bytes, cluster id,
//                       node id (u32 little-endian).
//            reject   = u16 zero, reason (u8): sent by either side before it closes. Nobody vouches for it: it may
//                       explain a failure in a log, never cause a decision.
// Hello and greeting are part of the handshake's prologue, so both sides must have seen the same bytes.
#pragma once

#include "crypto/byte_buffer.hpp"

#include <cloudp2p/error.hpp>
#include <cloudp2p/transport.hpp>

namespace cloudp2p::crypto {

inline constexpr std::uint8_t kChannelVersion = 1;
inline constexpr std::string_view kMagic = "CP2P";
inline constexpr std::size_t kHelloBytes = 12;
inline constexpr std::size_t kGreetingBytes = 60;

/// How the two sides know each other.
enum class Mode : std::uint8_t {
  open,      ///< NN: no key at all; for loopback.
  psk,       ///< NNpsk0: both hold the cluster key, or the clients' part of it.
  identity,  ///< XXpsk0+psk3: the key, and a static key pair on each side.
};

struct Hello {
  std::uint8_t version_min = kChannelVersion;
  std::uint8_t version_max = kChannelVersion;
  Role role = Role::client;
  Mode mode = Mode::psk;
  Lane lane = Lane::bulk;
};

struct Greeting {
  std::uint8_t version = kChannelVersion;
  std::array<std::byte, 32> random{};
  ClusterId cluster;
  NodeId node = kNobody;
};

enum class Reject : std::uint8_t {
  other = 0,
  bad_key = 1,            ///< The first message, or an answer, was not sealed with a key held here.
  version = 2,            ///< No common version.
  key_required = 3,       ///< The hello asked for the open mode; this node has a key.
  identity_required = 4,  ///< The hello asked for the key alone; this node admits known identities only.
  no_key = 5,             ///< The hello asked for a keyed mode; this node has no key.
  no_identities = 6,      ///< The hello asked for identities; this node has none.
  unexpected_identity = 7,
  busy = 8,  ///< Connection limits.
};

using HelloBytes = std::array<std::byte, kHelloBytes>;
using GreetingBytes = std::array<std::byte, kGreetingBytes>;

[[nodiscard]] HelloBytes encode(const Hello& hello);
[[nodiscard]] GreetingBytes encode(const Greeting& greeting);
/// protocol when it is not a hello of this protocol at all; the version range is the caller's to check.
[[nodiscard]] Result<Hello> decode_hello(std::span<const std::byte, kHelloBytes> bytes);
[[nodiscard]] Result<Greeting> decode_greeting(ByteView bytes);
/// Whether these first bytes can still become a hello; lets a stranger be dropped at its first byte.
[[nodiscard]] bool may_be_hello(ByteView first_bytes) noexcept;

void append_reject(Reject reason, ByteBuffer& out);
/// What a received reject means, in a sentence; the number may be of a later version.
[[nodiscard]] Error explain_reject(std::uint8_t reason);

}  // namespace cloudp2p::crypto
