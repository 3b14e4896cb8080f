// AsioTransport: the Transport port over TCP.
//
// Thread:    everything on the thread of the executor that is handed in, the caller's or our own (a strand when
//            several threads run it). Control connections do their I/O there too. Bulk connections, client connections,
//            accepting and inbound handshakes run on one thread of its own.
// Ownership: the ports outlive it, and so does the handler until `stop`. `stop` and destruction join the own thread.
//            What is still queued on the node's executor afterwards does nothing, and may run or be destroyed at any
//            time before its io_context goes. Not to be destroyed within one of its callbacks; `stop` may be called
//            there.
// Names:     host names are resolved in the background; a resolver that hangs can hold up destruction for its timeout.
// Limits:    TransportOptions, whose defaults are cloudp2p::limits.
#pragma once

#include "asio/connection.hpp"
#include "asio/dial.hpp"
#include "asio/listener.hpp"
#include "asio/mailbox.hpp"
#include "asio/peer_links.hpp"
#include "asio/thread_runner.hpp"

#include <unordered_map>

namespace cloudp2p::asio_net {

struct TransportPorts {
  asio::any_io_executor node;
  SecureSessionFactory& sessions;
  Entropy& entropy;
  LogSink& log;
};

class AsioTransport final : public Transport {
 public:
  AsioTransport(const TransportPorts& ports, TransportOptions options);
  ~AsioTransport() override;
  AsioTransport(const AsioTransport&) = delete;
  AsioTransport& operator=(const AsioTransport&) = delete;

  [[nodiscard]] Status start(TransportHandler& handler) override;
  void stop() override;
  /// Ignored before `start` and after `stop`, as are the following.
  void set_peers(std::vector<PeerAddress> peers) override;
  void hurry(NodeId peer) override;
  void dial(const PeerAddress& node) override;
  [[nodiscard]] Status send(ConnectionId connection, Frame frame) override;
  [[nodiscard]] std::size_t queued_bytes(ConnectionId connection) const override;
  void watch_drain(ConnectionId connection) override;
  void close(ConnectionId connection, const Error& reason) override;
  [[nodiscard]] TransportCounters counters() const override;

  /// Where it listens, once started; 0 for a client.
  [[nodiscard]] std::uint16_t port() const noexcept { return listener_ ? listener_->port() : std::uint16_t{0}; }

 private:
  class Sink;
  struct Attempt {
    AttemptId id;
    bool one_shot = false;
    NodeId node = kNobody;
    Lane lane = Lane::bulk;
  };
  struct Begun {
    std::shared_ptr<Dial> dial;
    bool here = false;  ///< On the node's thread.
  };
  struct Open {
    std::shared_ptr<Connection> connection;
    bool closing = false;  ///< The node asked to close it: no more frames.
  };

  void begin_dial(const Attempt& attempt, const PeerAddress& node);
  void cancel_dial(AttemptId attempt);
  [[nodiscard]] std::shared_ptr<Connection> make_connection(Link link, bool dialled, std::shared_ptr<void> admission);
  [[nodiscard]] PeerLinks::Actions link_actions();
  void start_listening();

  // On the thread that did the I/O.
  void on_bulk_dialled(const Attempt& attempt, DialResult result);
  void on_accepted(Link link, std::shared_ptr<void> admission);

  // On the node's thread.
  void on_dialled_here(const Attempt& attempt, DialResult result);
  void on_control_accepted(Link link, std::shared_ptr<void> admission);
  void on_dial_failed(const Attempt& attempt, const DialError& error);
  void on_dialled(const Attempt& attempt, const std::shared_ptr<Connection>& connection);
  void on_opened(const std::shared_ptr<Connection>& connection);
  void on_frames(const std::shared_ptr<Connection>& from, std::vector<Frame> frames, std::size_t bytes);
  void on_drained(ConnectionId connection);
  void on_ended(ConnectionId connection, const Error& reason);
  [[nodiscard]] Open* find(ConnectionId connection);
  /// Control connections share the node's thread, so that no queue delays them; a client has only that one thread.
  [[nodiscard]] bool on_node_thread(Lane lane) const { return lane == Lane::control || !options_.listen; }

  const asio::any_io_executor node_;
  SecureSessionFactory& sessions_;
  LogSink& log_;
  const TransportOptions options_;
  const SharedCounters counters_ = std::make_shared<AtomicCounters>();
  TransportHandler* handler_ = nullptr;  ///< Set while started.

  ThreadRunner bulk_;
  std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<ConnectionGroup> node_group_;
  std::shared_ptr<ConnectionGroup> bulk_group_;
  std::shared_ptr<ConnectionSink> node_sink_;
  std::shared_ptr<ConnectionSink> bulk_sink_;
  std::shared_ptr<Listener> listener_;
  PeerLinks links_;
  std::unordered_map<std::uint64_t, Begun> dials_;
  std::unordered_map<std::uint64_t, Open> connections_;
  std::uint64_t last_one_shot_ = std::uint64_t{1} << 63;  ///< Above all attempts of the links.
  std::atomic<std::uint64_t> last_connection_{0};
};

}  // namespace cloudp2p::asio_net
