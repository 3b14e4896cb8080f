#include "host/channel_session.hpp"

#include "crypto/sodium_entropy.hpp"

#include <fmt/format.h>

namespace cloudp2p::host {
namespace {

constexpr std::size_t kSpareBuffers = 48;

class ChannelSession final : public asio_net::SecureSession {
 public:
  explicit ChannelSession(crypto::Channel channel) : channel_(std::move(channel)) {}

  [[nodiscard]] ByteView output() const override { return channel_.output().view(); }
  void clear_output() override { channel_.output().clear(); }
  [[nodiscard]] std::span<std::byte> prepare() override { return channel_.prepare(); }
  [[nodiscard]] Status commit(std::size_t size_bytes, std::vector<Frame>& frames) override {
    return channel_.commit(size_bytes, frames);
  }
  /// Not before the other side has used the keys: until then nothing about it is proved.
  [[nodiscard]] bool established() const override { return channel_.confirmed(); }
  [[nodiscard]] asio_net::SessionInfo info() const override {
    const crypto::ChannelPeer& peer = channel_.peer();
    return {peer.lane, peer.role, peer.node, peer.identity.name, peer.key ? peer.identity.rights : Rights{}};
  }
  [[nodiscard]] Status seal(std::span<const Frame> frames) override { return channel_.seal(frames, channel_.output()); }
  void seal_close(const Error& reason) override { channel_.close(reason, channel_.output()); }
  [[nodiscard]] std::optional<Error> close_received() const override { return channel_.peer_close(); }
  [[nodiscard]] bool mid_frame() const override { return channel_.mid_record(); }
  void release_scratch() override {
    channel_.trim();
    if (channel_.output().empty()) channel_.output().release();
  }

 private:
  mutable crypto::Channel channel_;  ///< Its accessors of buffers are not const.
};

/// Whatever is wrong with a file of keys: nobody is let in without.
Error no_key(const Error& error) { return {Errc::bad_key, error.message}; }

}  // namespace

Result<Credentials> load_credentials(const Config& config) {
  const Status ready = crypto::initialise();
  if (!ready.ok()) return ready.error();
  auto ring = std::make_shared<crypto::KeyRing>();
  const auto add_slot = [&](Result<crypto::RoleKeys> keys) -> Status {
    if (!keys.ok()) return no_key(keys.error());
    ring->slots.push_back(std::move(*keys));
    return {};
  };
  if (!config.encryption_key_file.empty()) {
    if (Status added = add_slot(crypto::load_role_keys(config.encryption_key_file)); !added.ok()) return added.error();
  } else if (!config.encryption_key.empty()) {
    if (Status added = add_slot(crypto::parse_role_keys(config.encryption_key, "ENCRYPTION_KEY")); !added.ok()) {
      return added.error();
    }
  }
  if (!config.previous_key_file.empty()) {
    if (Status added = add_slot(crypto::load_role_keys(config.previous_key_file)); !added.ok()) return added.error();
  }
  if (!config.identity_file.empty()) {
    Result<crypto::KeyPair> identity = crypto::load_identity(config.identity_file);
    if (!identity.ok()) return no_key(identity.error());
    if (ring->slots.empty()) {
      return Error{Errc::bad_config, "identity_file needs an encryption key too: set ENCRYPTION_KEY or encryption_key_file"};
    }
    ring->identity = std::move(*identity);
  }
  Credentials out;
  for (const auto& [id, text] : config.peer_public_keys) {
    Result<crypto::PublicKey> key = crypto::parse_public_key(text, fmt::format("public_key of node {}", value(id)));
    if (!key.ok()) return key.error();
    out.peers[id] = *key;
    out.known.emplace_back(*key, crypto::Identity{fmt::format("node {}", value(id)), Rights{}, id});
  }
  for (const ClientIdentity& client : config.clients) {
    Result<crypto::PublicKey> key = crypto::parse_public_key(client.public_key, "public_key of client " + client.name);
    if (!key.ok()) return key.error();
    out.known.emplace_back(*key, crypto::Identity{client.name, client.rights, kNobody});
  }
  out.keys = std::move(ring);
  return out;
}

ChannelSessionFactory::ChannelSessionFactory(Self self, Credentials credentials, std::size_t chunk_bytes)
    : self_(self),
      pool_(BufferPool::Limits{crypto::envelope_bytes(chunk_bytes), kSpareBuffers}),
      credentials_(std::make_shared<const Credentials>(std::move(credentials))) {}

std::shared_ptr<const Credentials> ChannelSessionFactory::current() const {
  const std::lock_guard lock(mutex_);
  return credentials_;
}

void ChannelSessionFactory::replace(Credentials credentials) {
  const std::lock_guard lock(mutex_);
  credentials_ = std::make_shared<const Credentials>(std::move(credentials));
}

Result<std::unique_ptr<asio_net::SecureSession>> ChannelSessionFactory::initiate(NodeId expected, Lane lane) {
  const std::shared_ptr<const Credentials> credentials = current();
  crypto::InitiatorOptions options;
  options.role = self_.role;
  options.lane = lane;
  options.keys = credentials->keys;
  options.expected_node = expected;
  const auto key = credentials->peers.find(expected);
  if (key != credentials->peers.end()) options.expected_key = key->second;
  Result<crypto::Channel> channel = crypto::Channel::initiate(std::move(options), pool_);
  if (!channel.ok()) return channel.error();
  return std::unique_ptr<asio_net::SecureSession>(std::make_unique<ChannelSession>(std::move(*channel)));
}

std::unique_ptr<asio_net::SecureSession> ChannelSessionFactory::respond() {
  const std::shared_ptr<const Credentials> credentials = current();
  crypto::ResponderOptions options;
  options.node = self_.node;
  options.keys = credentials->keys;
  options.who_is = [credentials](const crypto::PublicKey& key, Role role) -> Result<crypto::Identity> {
    for (const auto& [known, identity] : credentials->known) {
      if (known != key) continue;
      if ((identity.node != kNobody) == (role == Role::node)) return identity;
      return Error{Errc::permission, identity.name + " may not speak in this role"};
    }
    return Error{Errc::permission, fmt::format("the public key {} is not among this node's peers or clients", key.hex())};
  };
  return std::make_unique<ChannelSession>(crypto::Channel::respond(std::move(options), pool_));
}

}  // namespace cloudp2p::host
