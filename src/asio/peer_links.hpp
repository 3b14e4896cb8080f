// PeerLinks: when to dial which peer. Two lanes to each, kept for ever, with jittered exponential back-off.
//
// Thread:    the node's. Ownership: dials and connections belong to the transport; this only decides.
// Back-off:  the first retry comes half to one `retry_first` after a connection ended, then twice as long each time up
//            to the lane's maximum. A connection that lasted `settled_after` starts it afresh.
#pragma once

#include "asio/transport_options.hpp"
#include "asio/visible_asio.hpp"

#include <cloudp2p/entropy.hpp>

#include <functional>
#include <map>

namespace cloudp2p::asio_net {

/// Names one attempt; results of attempts that were given up meanwhile no longer match.
enum class AttemptId : std::uint64_t {};

class PeerLinks {
 public:
  /// What the transport does for it. A dial is answered later by `on_up` or `on_failed`, never inline.
  struct Actions {
    std::function<void(AttemptId, const PeerAddress&, Lane)> dial;
    std::function<void(AttemptId)> cancel_dial;
    std::function<void(ConnectionId)> close;
  };
  PeerLinks(asio::any_io_executor executor, const TransportOptions& options, Entropy& entropy, Actions actions);
  ~PeerLinks();
  PeerLinks(const PeerLinks&) = delete;
  PeerLinks& operator=(const PeerLinks&) = delete;

  void set(const std::vector<PeerAddress>& peers);
  void hurry(NodeId peer);
  /// False when nobody waits for this attempt any more.
  [[nodiscard]] bool on_up(AttemptId attempt, ConnectionId connection);
  [[nodiscard]] bool on_failed(AttemptId attempt);
  void on_closed(ConnectionId connection);
  void clear() { set({}); }

 private:
  struct Entry;
  using Key = std::pair<NodeId, Lane>;

  void drop(Entry& entry);
  void dial(Entry& entry);
  void retry_later(Entry& entry);
  [[nodiscard]] Entry* find(AttemptId attempt);

  asio::any_io_executor executor_;
  const TransportOptions options_;
  Entropy& entropy_;
  Actions actions_;
  std::map<Key, std::unique_ptr<Entry>> entries_;
  std::uint64_t last_attempt_ = 0;
};

}  // namespace cloudp2p::asio_net
