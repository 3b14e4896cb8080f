// Replicas: the follower's side of replication. Receives what the leader streams, makes it durable, and says so.
#pragma once

#include "core/landing.hpp"

namespace cloudp2p::core {

class Repair;

class Replicas {
 public:
  /// `follow` makes the election accept a leader that this node has not heard of yet.
  Replicas(Services& services, ParkedPuts& parked, Landing& landing, Repair& repair,
           std::function<void(Term, NodeId)> follow)
      : services_(services), parked_(parked), landing_(landing), repair_(repair), follow_(std::move(follow)) {}

  void on_replicate(ConnectionId connection, const wire::Replicate& ask);
  void on_chunk(ConnectionId connection, const wire::Chunk& chunk, Buffer bytes);
  void on_cancel(ConnectionId connection, wire::RequestId request);
  /// Records that the leader wants held on a majority; their bytes may come later.
  void on_push(ConnectionId connection, const wire::SyncPush& push);
  void on_connection_closed(ConnectionId connection);
  /// What an older leader was sending is parked.
  void on_term_changed();
  [[nodiscard]] bool knows(ConnectionId connection, wire::RequestId request) const {
    return replicas_.contains({connection, request});
  }
  [[nodiscard]] std::size_t in_flight() const { return replicas_.size(); }

 private:
  using Key = std::pair<ConnectionId, wire::RequestId>;
  struct Replica {
    wire::Replicate ask;
    std::unique_ptr<LocalPut> put;
    std::deque<std::pair<std::uint64_t, Buffer>> early;  ///< Arrived while the catalog was asked.
    std::size_t early_bytes = 0;
    std::optional<std::uint64_t> told_held;  ///< What the leader knows: from the last Credit, or from the rule that
    std::uint64_t told_limit = 0;            ///< without one it may send the smallest window.
    bool landing = false;
  };

  [[nodiscard]] bool accepts(Term term, NodeId leader);
  void looked_up(const Key& key, Result<std::optional<CatalogEntry>> found);
  void receive(const Key& key);
  void merge_metadata(const Key& key);
  void offer(const Key& key, std::uint64_t offset, Buffer bytes);
  void grant(const Key& key, Replica& replica);
  void finish_if_complete(const Key& key);
  void acknowledge(const Key& key, Errc code, const std::string& message, const Stamp& held);
  void answer_landed(const Key& key, const Result<CatalogEntry>& entry);
  void drop(const Key& key);

  Services& services_;
  ParkedPuts& parked_;
  Landing& landing_;
  Repair& repair_;
  std::function<void(Term, NodeId)> follow_;
  std::map<Key, Replica> replicas_;
};

}  // namespace cloudp2p::core
