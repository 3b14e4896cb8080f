// ChannelSession: the Noise channel as the sockets' SecureSession, and the factory that knows the keys.
//
// Thread:    one session is used by one thread at a time; the factory from any. `replace` swaps the keys for
//            connections to come; running ones keep theirs.
#pragma once

#include "asio/secure_session.hpp"
#include "crypto/channel.hpp"

#include <cloudp2p/config.hpp>

#include <mutex>

namespace cloudp2p::host {

/// Everything that decides who may talk to us, read from a Config.
struct Credentials {
  std::shared_ptr<const crypto::KeyRing> keys;
  std::map<NodeId, crypto::PublicKey> peers;
  std::vector<std::pair<crypto::PublicKey, crypto::Identity>> known;
};
/// bad_config or bad_key, naming the file or setting.
[[nodiscard]] Result<Credentials> load_credentials(const Config& config);

class ChannelSessionFactory final : public asio_net::SecureSessionFactory {
 public:
  struct Self {
    Role role = Role::client;
    NodeId node = kNobody;
  };
  ChannelSessionFactory(Self self, Credentials credentials, std::size_t chunk_bytes);

  [[nodiscard]] Result<std::unique_ptr<asio_net::SecureSession>> initiate(NodeId expected, Lane lane) override;
  [[nodiscard]] std::unique_ptr<asio_net::SecureSession> respond() override;
  void replace(Credentials credentials);

 private:
  [[nodiscard]] std::shared_ptr<const Credentials> current() const;

  const Self self_;
  BufferPool pool_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Credentials> credentials_;
};

}  // namespace cloudp2p::host
