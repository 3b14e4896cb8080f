// Two channels in memory, with every byte between them under the test's control.
#pragma once

#include "crypto/channel.hpp"

#include <doctest/doctest.h>

namespace channel_test {

using namespace cloudp2p;
using namespace cloudp2p::crypto;

using Bytes = std::vector<std::byte>;
using Ring = std::shared_ptr<const KeyRing>;

inline Bytes pattern_bytes(std::size_t size, unsigned seed = 1) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<std::byte>((i * 31 + seed * 7 + (i >> 8)) & 0xFF);
  return out;
}

inline Frame frame_of(std::size_t head_bytes, std::size_t payload_bytes, unsigned seed = 1) {
  return Frame{pattern_bytes(head_bytes, seed), Buffer::copy_of(pattern_bytes(payload_bytes, seed + 1))};
}

inline bool same(const Frame& a, const Frame& b) {
  return a.head == b.head && std::ranges::equal(a.payload.view(), b.payload.view());
}

inline bool same(const std::vector<Frame>& a, const std::vector<Frame>& b) {
  return std::ranges::equal(a, b, [](const Frame& x, const Frame& y) { return same(x, y); });
}

inline SecretKey cluster_key(unsigned char seed) {
  SecretKey key;
  std::ranges::fill(key.writable(), std::byte{seed});
  return key;
}

/// A ring with the slots of these keys, the current one first.
inline Ring ring_of(std::initializer_list<unsigned char> seeds) {
  auto ring = std::make_shared<KeyRing>();
  for (const unsigned char seed : seeds)
    ring->slots.push_back(RoleKeys::from_cluster_key(cluster_key(seed)));
  return ring;
}

inline Ring ring_with_identity(unsigned char seed, unsigned char identity) {
  auto ring = std::make_shared<KeyRing>();
  ring->slots.push_back(RoleKeys::from_cluster_key(cluster_key(seed)));
  ring->identity = KeyPair::of(cluster_key(identity));
  return ring;
}

inline Ring client_only(unsigned char seed) {
  auto ring = std::make_shared<KeyRing>();
  ring->slots.push_back(RoleKeys::from_cluster_key(cluster_key(seed)));
  ring->slots.front().nodes.reset();
  return ring;
}

/// Hands `bytes` to the channel in pieces of at most `piece` bytes.
inline Status feed(Channel& to, ByteView bytes, std::vector<Frame>& frames, std::size_t piece = SIZE_MAX) {
  while (!bytes.empty()) {
    const std::span<std::byte> room = to.prepare();
    const std::size_t count = std::min({room.size(), bytes.size(), piece});
    std::copy_n(bytes.begin(), count, room.begin());
    Status taken = to.commit(count, frames);
    if (!taken) return taken;
    bytes = bytes.subspan(count);
  }
  return {};
}

inline Bytes taken_from(ByteBuffer& out) {
  Bytes bytes(out.view().begin(), out.view().end());
  out.clear();
  return bytes;
}

struct Pair {
  BufferPool pool{{limits::kPayloadBytesMax, 8}};
  std::optional<Channel> initiator;
  std::optional<Channel> responder;
  std::vector<Frame> at_initiator, at_responder;
  Status initiator_status, responder_status;

  explicit Pair(InitiatorOptions from, ResponderOptions to) {
    Result<Channel> begun = Channel::initiate(std::move(from), pool);
    REQUIRE(begun.ok());
    initiator.emplace(std::move(begun).value());
    responder.emplace(Channel::respond(std::move(to), pool));
  }
  Pair(Ring from, Ring to, Role role = Role::client) : Pair(initiator_options(from, role), responder_options(to)) {}

  static InitiatorOptions initiator_options(const Ring& ring, Role role = Role::client) {
    InitiatorOptions options;
    options.role = role;
    options.lane = Lane::control;
    options.keys = ring;
    return options;
  }
  static ResponderOptions responder_options(const Ring& ring) {
    ResponderOptions options;
    options.node = NodeId{2};
    options.cluster.bytes[0] = std::byte{7};
    options.keys = ring;
    return options;
  }
  /// Carries bytes to and fro until both are silent.
  Pair& shake_hands(std::size_t piece = SIZE_MAX) {
    while (!initiator->output().empty() || !responder->output().empty()) {
      const Bytes to_responder = taken_from(initiator->output());
      if (responder_status) responder_status = feed(*responder, to_responder, at_responder, piece);
      const Bytes to_initiator = taken_from(responder->output());
      if (initiator_status) initiator_status = feed(*initiator, to_initiator, at_initiator, piece);
    }
    return *this;
  }
  [[nodiscard]] bool up() const {
    return initiator->established() && initiator->confirmed() && responder->established() && responder->confirmed();
  }
};

inline Bytes sealed_by(Channel& channel, std::span<const Frame> frames) {
  ByteBuffer out;
  REQUIRE(channel.seal(frames, out).ok());
  return taken_from(out);
}

inline bool says(const Error& error, std::string_view text) {
  return error.message.find(text) != std::string::npos;
}

inline ResponderOptions knowing(const Ring& ring, PublicKey known) {
  ResponderOptions options = Pair::responder_options(ring);
  options.who_is = [known](const PublicKey& key, Role) -> Result<Identity> {
    if (key != known) return Error{Errc::permission, "unknown identity"};
    return Identity{"kiosk", Rights{true, false, false}, kNobody};
  };
  return options;
}

}  // namespace channel_test
