// Transport: frames between authenticated nodes and clients.
//
// Purpose:   connections that are encrypted, authenticated and ordered, or gone. A node dials two connections to each
//            peer, control and bulk, so that no heartbeat waits behind image bytes, and accepts the same from them. A
//            client dials one. Requests go out on the connection that this side dialled; answers return on the one
//            that the request came by.
// Thread:    every call and every callback on the node's thread; callbacks never inline. A node's bulk connections seal,
//            open and do their socket I/O elsewhere.
// Ownership: the handler outlives the transport or `stop`. Frames are moved in and out; payload blocks are shared.
// Order:     frames of one connection arrive in order, unaltered, without gaps, until `on_closed`; nothing after it.
// Errors:    `send`: queue_full (nothing queued; with a payload from 7/8 on, so that answers find room beside image bytes),
//            closed, invalid_argument (too large). A broken or silent connection ends in one `on_closed` with the reason.
// Limits:    limits::k…: frame sizes, queues, half-open handshakes, connections, idle time.
#pragma once

#include <cloudp2p/buffer.hpp>
#include <cloudp2p/error.hpp>
#include <cloudp2p/types.hpp>

namespace cloudp2p {

/// One message: its encoded part and, for chunks, image bytes that are never copied into it.
struct Frame {
  std::vector<std::byte> head;  ///< At most limits::kHeadBytesMax.
  Buffer payload;               ///< At most limits::kPayloadBytesMax; mostly empty.
  /// Of both parts, as queues count it.
  [[nodiscard]] std::size_t size() const noexcept { return head.size() + payload.size(); }
};

/// One connection; not used again by the same transport.
enum class ConnectionId : std::uint64_t {};
inline constexpr ConnectionId kNoConnection{0};  ///< None.
/// Which of the two connections to a peer: control for small messages that must not wait, bulk for the rest.
enum class Lane : std::uint8_t { control, bulk };
/// Which sub-key authenticated the other side. A client key can not speak as a node.
enum class Role : std::uint8_t { client, node };

/// Where to connect to, or to listen.
struct Address {
  std::string host;        ///< IPv4, IPv6 (without brackets) or a name.
  std::uint16_t port = 0;  ///< 0: any free one, where one listens.
  friend bool operator==(const Address&, const Address&) = default;
};
/// "host:port", "[::1]:7001", the port from 1 to 65535; nullopt when malformed.
[[nodiscard]] inline std::optional<Address> parse_address(std::string_view text);
/// As `parse_address` reads it: IPv6 in brackets.
[[nodiscard]] inline std::string to_string(const Address& address);

/// A node, and where it is reached.
struct PeerAddress {
  NodeId id = kNobody;  ///< Of the node that must answer there.
  Address address;      ///< The same for all nodes and clients.
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

/// What a client identity may do; everything for holders of the cluster key alone.
struct Rights {
  bool read = true;   ///< List, look up, fetch and verify.
  bool write = true;  ///< Upload; delete, together with `read`.
  bool admin = true;  ///< Scrub and step-down.
};

/// An authenticated connection, as the channel established it.
struct ConnectionInfo {
  ConnectionId id = kNoConnection;  ///< Not kNoConnection.
  Lane lane = Lane::bulk;           ///< What the dialling side chose.
  Role role = Role::client;         ///< Of the other side; Role::node where this side dialled.
  bool dialled = false;             ///< This side opened it.
  NodeId peer = kNobody;            ///< Dialled: the node that answered. Accepted: proved only with identities, else kNobody.
  std::string remote;               ///< For log lines: "127.0.0.1:41234".
  std::string identity;             ///< Name of the client identity, when identities are in use.
  Rights rights;                    ///< All, unless a client identity has fewer.
};

/// Why a dial failed, in the terms that election cares about.
enum class DialFailure : std::uint8_t {
  refused,      ///< Somebody answered: nobody listens there. As good as a message that the node is gone.
  unreachable,  ///< No route, no name, no answer in time.
  rejected,     ///< Reached, but the handshake failed: other key, other cluster, limits.
};

/// What a Transport tells; the header begins with its contract.
class TransportHandler {
 public:
  virtual ~TransportHandler() = default;
  /// Authenticated and ready to send on.
  virtual void on_connected(const ConnectionInfo& info) = 0;
  /// The next frame of this connection.
  virtual void on_frame(ConnectionId connection, Frame frame) = 0;
  /// Once for each connection that was connected, whoever ended it; not after `stop`.
  virtual void on_closed(ConnectionId connection, const Error& reason) = 0;
  /// A dial to a peer failed; the transport goes on trying with jittered back-off.
  virtual void on_dial_failed(NodeId peer, Lane lane, DialFailure failure, const Error& error) = 0;
  /// The queue of this connection fell below a quarter of its bound after a `queue_full` or a call of `watch_drain`.
  virtual void on_drained(ConnectionId connection) = 0;
};

/// Counted since start; for status and metrics.
struct TransportCounters {
  std::uint64_t accepted = 0;            ///< Connections that others made and that authenticated.
  std::uint64_t handshake_failures = 0;  ///< Others that did not authenticate, or not in time.
  std::uint64_t protocol_errors = 0;     ///< Connections ended because what came was malformed or forged.
  std::uint64_t refused_for_limits = 0;  ///< Turned away because too many were open, or half open.
  std::uint64_t bytes_in = 0;            ///< Received from the network, sealed; in the simulator, of frames.
  std::uint64_t bytes_out = 0;           ///< Likewise, sent.
};

/// Connections to peers and clients; the header begins with its contract.
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
  /// kNobody as its id: whoever answers there, and `peer` is kNobody.
  virtual void dial(const PeerAddress& node) = 0;

  /// Queues it. Besides the errors above: invalid_argument for a frame larger than the limits.
  [[nodiscard]] virtual Status send(ConnectionId connection, Frame frame) = 0;
  /// Bytes queued and not yet handed to the operating system.
  [[nodiscard]] virtual std::size_t queued_bytes(ConnectionId connection) const = 0;
  /// Ask for one on_drained, also when the queue is short already.
  virtual void watch_drain(ConnectionId connection) = 0;
  /// Sends what is queued, then an authenticated Close carrying the reason's message; on_closed follows.
  virtual void close(ConnectionId connection, const Error& reason) = 0;

  /// As of now.
  [[nodiscard]] virtual TransportCounters counters() const = 0;
};

}  // namespace cloudp2p

#include <cloudp2p/detail/transport.hpp>
