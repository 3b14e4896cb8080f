// Dial: one attempt at an authenticated connection to a node, all its addresses tried in turn.
//
// Thread:    its executor. Ownership: keeps itself alive until it called back or was cancelled.
// Errors:    in the terms that election cares about: refused, unreachable, rejected.
#pragma once

#include "asio/handshake.hpp"

#include <variant>

namespace cloudp2p::asio_net {

struct DialError {
  DialFailure failure = DialFailure::unreachable;
  Error error;
};
using DialResult = std::variant<Link, DialError>;

class Dial : public std::enable_shared_from_this<Dial> {
 public:
  using Done = Callback<void(DialResult)>;
  struct Input {
    PeerAddress node;
    std::unique_ptr<SecureSession> session;
    Duration timeout;
    SharedCounters counters;
  };
  Dial(asio::any_io_executor executor, Input input, Done done);

  /// From any thread. Calls back once, on the executor.
  void start();
  /// From any thread; a callback that is under way still comes.
  void cancel();
  /// The same at once, on the executor's thread: when the executor may never run anything again.
  void cancel_here();

 private:
  void resolve();
  void connect_next();
  void on_connected(std::uint64_t attempt, std::error_code error);
  void shake_hands();
  void on_shaken(Result<Link> link);
  void give_up();
  void finish(DialResult result);
  void wait_at_most(Duration limit, Callback<void()> then);
  [[nodiscard]] std::string target() const;

  asio::any_io_executor executor_;
  Input in_;
  Done done_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::shared_ptr<Handshake> handshake_;
  std::vector<tcp::endpoint> endpoints_;
  std::size_t next_ = 0;
  std::uint64_t attempt_ = 0;
  TimePoint deadline_;
  DialError worst_;
  bool over_ = false;
};

}  // namespace cloudp2p::asio_net
