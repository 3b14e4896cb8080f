// Links: the client's connections, one to each node, made when somebody needs one.
//
// Purpose:   dial, greet, send, notice silence; everything else about a node is the business of those who ask it.
// Thread:    the owner's. Events are raised from callbacks of the transport and of timers, never from a call made here.
// Errors:    a failed dial and a lost connection end in one on_link_failed, whose text names the node and its address.
// Limits:    kBacklogMax small messages wait where the transport's queue is full; chunks wait with their sender.
#pragma once

#include "core/wire.hpp"

#include <cloudp2p/client.hpp>

#include <deque>
#include <map>

namespace cloudp2p::core {

class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  virtual void on_link_ready(NodeId node) = 0;
  virtual void on_link_failed(NodeId node, const Error& error) = 0;
  /// Somebody waits for an answer and nothing at all was heard for the failure timeout. Once, until heard again.
  virtual void on_link_silent(NodeId node) = 0;
  virtual void on_link_drained(NodeId node) = 0;
  virtual void on_link_message(NodeId node, wire::Message message, Buffer payload) = 0;
};

class Links {
 public:
  Links(const Config& config, const ClientPorts& ports, LinkEvents& events);
  ~Links();
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  /// Where others say that a node is. One that the configuration does not name is added, within limits::kMembersMax; one
  /// that it names is looked for there too, in turn: either address may be of another network or of yesterday.
  void learn(const PeerAddress& node);
  /// Configured nodes first, in the order of their ids; then the learned ones.
  [[nodiscard]] std::vector<NodeId> nodes() const;
  [[nodiscard]] bool knows(NodeId node) const { return links_.contains(node); }
  [[nodiscard]] bool ready(NodeId node) const;
  [[nodiscard]] bool silent(NodeId node) const;
  /// The last attempt to reach it failed, or it fell silent, and it has not been heard since.
  [[nodiscard]] bool down(NodeId node) const;
  [[nodiscard]] ConnectionId connection(NodeId node) const;
  [[nodiscard]] std::string address(NodeId node) const;
  /// "node 2 at 127.0.0.1:7002"
  [[nodiscard]] std::string title(NodeId node) const;

  /// Dials unless a connection exists or is being made.
  void connect(NodeId node);
  /// A small message; waits here when the transport's queue is full.
  void send(NodeId node, const wire::Message& message);
  /// False when the queue is full: on_link_drained follows.
  [[nodiscard]] bool send_chunk(NodeId node, const wire::Chunk& chunk, const Buffer& bytes);
  void close(NodeId node, const Error& reason);
  /// While somebody waits on a node, silence is noticed and pings are sent.
  void begin_wait(NodeId node);
  void end_wait(NodeId node);

  void on_connected(const ConnectionInfo& info);
  void on_frame(ConnectionId connection, Frame frame);
  void on_closed(ConnectionId connection, const Error& reason);
  void on_dial_failed(NodeId node, DialFailure failure, const Error& error);
  void on_drained(ConnectionId connection);

 private:
  enum class State : std::uint8_t { closed, dialling, greeting, vetting, ready };
  struct Link {
    PeerAddress node;              ///< As it is dialled now.
    bool configured = false;
    std::optional<ClusterId> cluster;  ///< As it last said, until it can not be reached.
    TimePoint greeted{};
    std::optional<Address> other;  ///< As it is dialled when that fails.
    State state = State::closed;
    ConnectionId connection = kNoConnection;
    bool blocked = false;
    bool silent = false;
    bool down = false;
    std::size_t waiting = 0;
    TimePoint heard{};  ///< Or when the waiting began, if that was later.
    TimePoint pinged{};
    TimerId timer = kNoTimer;
    std::deque<Frame> backlog;
  };
  static constexpr std::size_t kBacklogMax = 1024;

  Link* find(ConnectionId connection);
  const Link* find(NodeId node) const;
  void greeted(Link& link, const wire::Hello& hello);
  void vet();
  void arm_vetting();
  [[nodiscard]] bool any_vetted() const;
  [[nodiscard]] const Link* rival(const Link& link) const;
  [[nodiscard]] std::size_t backers(const ClusterId& cluster) const;
  [[nodiscard]] bool may_be_outvoted(const Link& link) const;
  void lost(Link& link, const Error& error);
  void arm(Link& link);
  void tick(NodeId node);
  [[nodiscard]] TimePoint next_due(const Link& link) const;

  const Duration ping_interval_;
  const Duration failure_timeout_;
  ClientPorts ports_;
  LinkEvents& events_;
  std::map<NodeId, Link> links_;
  std::map<ConnectionId, NodeId> by_connection_;
  TimerId vetting_ = kNoTimer;
};

}  // namespace cloudp2p::core
