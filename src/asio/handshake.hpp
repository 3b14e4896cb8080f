// Handshake: from a connected socket to an authenticated link, or to a reason why not.
//
// Purpose:   the same for both directions. Strangers get little: a few hundred bytes, a few seconds, no queue.
// Thread:    the executor of the socket. Ownership: keeps itself alive until it called back or was cancelled.
// Errors:    timed_out (silent), unreachable (ended or broke), protocol (too many bytes), else what the session says.
#pragma once

#include "asio/secure_session.hpp"
#include "asio/socket.hpp"
#include "asio/transport_options.hpp"
#include "asio/visible_asio.hpp"

#include <cloudp2p/callback.hpp>

namespace cloudp2p::asio_net {

/// An authenticated connection that nobody reads or writes yet.
struct Link {
  tcp::socket socket;
  std::unique_ptr<SecureSession> session;
  SessionInfo info;
  std::string remote;
  std::vector<Frame> early_frames;  ///< Came in the same packet as the end of the handshake.
};

class Handshake : public std::enable_shared_from_this<Handshake> {
 public:
  using Done = Callback<void(Result<Link>)>;
  struct Input {
    tcp::socket socket;
    std::unique_ptr<SecureSession> session;
    std::string remote;
    Duration timeout;
    SharedCounters counters;
  };
  Handshake(Input input, Done done);

  /// Calls back once, from a later handler.
  void start();
  /// No callback follows.
  void cancel();

 private:
  void advance();
  void wait();
  [[nodiscard]] bool read();
  void fail(Error error);
  void finish(Result<Link> result);

  Input in_;
  Done done_;
  asio::steady_timer deadline_;
  std::vector<Frame> frames_;
  std::size_t received_bytes_ = 0;
  bool over_ = false;
};

}  // namespace cloudp2p::asio_net
