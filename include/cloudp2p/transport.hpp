// Transport: frames between authenticated nodes and clients.
//
// Purpose:   connections that are encrypted, authenticated and ordered, or gone. A node dials two connections to each
//            peer, control and bulk, so that no heartbeat waits behind image bytes, and accepts the same from them. A
//            client dials one. Requests go out on the connection that this side dialled; answers return on the one
//            that the request came by.
// Thread:    every call and every callback on the node's thread; callbacks never inline. Sealing, opening and socket
//            I/O of bulk connections run elsewhere.
// Ownership: the handler outlives the transport or `stop`. Frames are moved in and out; payload blocks are shared.
// Order:     frames of one connection arrive in order, unaltered, without gaps, until `on_closed`; nothing after it.
// Errors:    `send`: queue_full (nothing queued; the caller may close), closed. A broken, silent or misbehaving
//            connection ends in one `on_closed` with the reason.
// Limits:    limits::k…: frame sizes, queues, half-open handshakes, connections, idle time.
#pragma once

#include <cloudp2p/buffer.hpp>
#include <cloudp2p/error.hpp>
#include <cloudp2p/types.hpp>

namespace cloudp2p {

/// One message: its encoded part and, for chunks, image bytes that are never copied into it.
struct Frame {
  std::vector<std::byte> head;
  Buffer payload;
  [[nodiscard]] std::size_t size() const noexcept { return head.size() + payload.size(); }
};

enum class ConnectionId : std::uint64_t {};
inline constexpr ConnectionId kNoConnection{0};
enum class Lane : std::uint8_t { control, bulk };
/// Which sub-key authenticated the other side. A client key can not speak as a node.
enum class Role : std::uint8_t { client, node };

struct Address {
  std::string host;  ///< IPv4, IPv6 (without brackets) or a name.
  std::uint16_t port = 0;
  friend bool operator==(const Address&, const Address&) = default;
};
/// "host:port", "[::1]:7001"; nullopt when malformed.
[[nodiscard]] inline std::optional<Address> parse_address(std::string_view text);
[[nodiscard]] inline std::string to_string(const Address& address);

struct PeerAddress {
  NodeId id = kNobody;
  Address address;
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

/// What a client identity may do; everything for holders of the cluster key alone.
struct Rights {
  bool read = true;
  bool write = true;
  bool admin = true;
};

/// An authenticated connection, as the channel established it.
struct ConnectionInfo {
  ConnectionId id = kNoConnection;
  Lane lane = Lane::bulk;
  Role role = Role::client;
  bool dialled = false;      ///< This side opened it.
  NodeId peer = kNobody;     ///< Dialled: the node that answered. Accepted: proved only with identities, else kNobody.
  std::string remote;        ///< For log lines: "127.0.0.1:41234".
  std::string identity;      ///< Name of the client identity, when identities are in use.
  Rights rights;
};

/// Why a dial failed, in the terms that election cares about.
enum class DialFailure : std::uint8_t {
  refused,      ///< Somebody answered: nobody listens there. As good as a message that the node is gone.
  unreachable,  ///< No route, no name, no answer in time.
  rejected,     ///< Reached, but the handshake failed: other key, other cluster, limits.
};

class TransportHandler {
 public:
  virtual ~TransportHandler() = default;
  virtual void on_connected(const ConnectionInfo& info) = 0;
  virtual void on_frame(ConnectionId connection, Frame frame) = 0;
  virtual void on_closed(ConnectionId connection, const Error& reason) = 0;
  /// A dial to a peer failed; the transport goes on trying with jittered back-off.
  virtual void on_dial_failed(NodeId peer, Lane lane, DialFailure failure, const Error& error) = 0;
  /// The queue of this connection fell below a quarter of its bound after a `queue_full` or a call of `watch_drain`.
  virtual void on_drained(ConnectionId connection) = 0;
};

/// Counted since start; for status and metrics.
struct TransportCounters {
  std::uint64_t accepted = 0;
  std::uint64_t handshake_failures = 0;
  std::uint64_t protocol_errors = 0;
  std::uint64_t refused_for_limits = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  /// Begins to listen (a node) and to call back. Fails with the address and what to do when it can not listen.
  [[nodiscard]] virtual Status start(TransportHandler& handler) = 0;
  /// Closes everything; no callback after it returns.
  virtual void stop() = 0;

  /// Nodes to keep connected, each on both lanes, for ever: replaces the former list. Unlisted ones are closed.
  virtual void set_peers(std::vector<PeerAddress> peers) = 0;
  /// Dial this peer now instead of at the end of its back-off.
  virtual void hurry(NodeId peer) = 0;
  /// One attempt at a client connection to a node; on_connected with `peer`, or on_dial_failed(peer, bulk). Not retried.
  virtual void dial(const PeerAddress& node) = 0;

  [[nodiscard]] virtual Status send(ConnectionId connection, Frame frame) = 0;
  /// Bytes queued and not yet handed to the operating system.
  [[nodiscard]] virtual std::size_t queued_bytes(ConnectionId connection) const = 0;
  /// Ask for one on_drained, also when the queue is short already.
  virtual void watch_drain(ConnectionId connection) = 0;
  /// Sends what is queued, then an authenticated Close carrying the reason's message; on_closed follows.
  virtual void close(ConnectionId connection, const Error& reason) = 0;

  [[nodiscard]] virtual TransportCounters counters() const = 0;
};

}  // namespace cloudp2p

#include <cloudp2p/detail/transport.hpp>
