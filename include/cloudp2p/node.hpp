// Node: a member of the cluster.
//
// Purpose:   election, replication, repair and service to clients, written against ports only. The same object runs on
//            three machines, inside another program and in the simulator. Most programs use `Host` instead.
// Thread:    everything on the node's thread (the one that Executor posts to).
// Ownership: the ports outlive the Node. Destroying a Node sends nothing and forgets uploads in flight, as a crash would.
// Durability: what the Node acknowledges is fsynced on a majority. What it promises in an election is fsynced here.
// Errors:    `open` fails with bad_config, format, locked, io. Later faults show in `status` and in the log; a node whose
//            store fails steps down and stops voting, it does not stop answering.
// Limits:    limits.hpp; memory is bounded by credit, not by image size or number of clients.
#pragma once

#include <cloudp2p/catalog.hpp>
#include <cloudp2p/client.hpp>
#include <cloudp2p/config.hpp>
#include <cloudp2p/election.hpp>
#include <cloudp2p/entropy.hpp>
#include <cloudp2p/export.hpp>
#include <cloudp2p/image_store.hpp>
#include <cloudp2p/log_sink.hpp>
#include <cloudp2p/shared_store.hpp>
#include <cloudp2p/state_store.hpp>
#include <cloudp2p/timers.hpp>
#include <cloudp2p/transport.hpp>

#include <memory>

namespace cloudp2p {

struct NodePorts {
  Executor* executor = nullptr;
  Transport* transport = nullptr;
  Timers* timers = nullptr;
  Entropy* entropy = nullptr;
  LogSink* log = nullptr;
  ImageStore* images = nullptr;
  Catalog* catalog = nullptr;  ///< Already opened.
  StateStore* state = nullptr;
  SharedStore* shared = nullptr;  ///< With Config::shared, instead of `images` and `catalog`.
};

/// Counted since start.
struct NodeCounters {
  std::uint64_t uploads_acknowledged = 0;
  std::uint64_t uploads_failed = 0;
  std::uint64_t upload_bytes = 0;
  std::uint64_t deletes_acknowledged = 0;
  std::uint64_t replicas_stored = 0;
  std::uint64_t repairs = 0;
  std::uint64_t copies_verified = 0;  ///< Re-hashed here and found good.
  std::uint64_t copies_damaged = 0;   ///< Found damaged, unreadable for long, or gone.
  std::uint64_t reads = 0;
  std::uint64_t elections_started = 0;
  std::uint64_t terms_led = 0;
  std::uint64_t protocol_errors = 0;
  std::uint64_t hello_mismatches = 0;
};

struct NodeStatus {
  NodeId id = kNobody;
  ElectionView election;
  bool serving = false;  ///< Leads, has finished its takeover and takes uploads.
  CatalogSummary catalog;
  StoreStatus store;
  std::uint64_t under_replicated = 0;
  std::int64_t oldest_verified_ms = 0;  ///< Of the copies here; 0: none, or not looked yet.
  std::string membership_note;  ///< A change of members under way, or how this node's file differs; else empty.
  std::size_t uploads_in_flight = 0;
  std::size_t bytes_in_flight = 0;
  NodeCounters counters;
};

/// What happens inside, for the simulator's invariant checks and for embedders' metrics. Called on the node's thread.
class NodeObserver {
 public:
  virtual ~NodeObserver() = default;
  virtual void on_leading(Term term) { (void)term; }
  virtual void on_serving(Term term) { (void)term; }
  virtual void on_stepped_down(Term term) { (void)term; }
  virtual void on_stamped(const ImageRecord& record) { (void)record; }
  /// Just before the client is told: durable on these members, this node among them.
  virtual void on_acknowledged(const ImageRecord& record, Term term) { (void)record, (void)term; }
  /// A linearizable read is answered.
  virtual void on_confirmed_read(Term term) { (void)term; }
};

struct NodeExtras {
  NodeObserver* observer = nullptr;
  /// ImageStore and catalog come from a backup that was made while files came and went: when the catalog is nobody's, what
  /// has no bytes here is not listed on its account.
  bool store_is_copy = false;
  std::size_t chunk_bytes = limits::kChunkBytesDefault;
  Duration tombstone_age = limits::kTombstoneAge;  ///< Younger tombstones are kept, even when every member has them.
};

class Node {
 public:
  virtual ~Node() = default;
  /// Loads the state and makes the node; `start` begins to listen and to take part.
  [[nodiscard]] CLOUDP2P_API static Result<std::unique_ptr<Node>> open(const Config& config, const NodePorts& ports,
                                                                       const NodeExtras& extras = {});

  [[nodiscard]] virtual Status start() = 0;
  /// Stops admitting, lets uploads finish (at most `patience`), hands leadership over, then calls back once.
  virtual void drain(Duration patience, Callback<void()> done) = 0;
  /// Applies what may change live: peers, limits, repair and scrub rates, takeover. The rest stays as it was until a restart. Peers
  /// are a proposal: the leader changes the members one at a time, once most files agree and the data is where it must be.
  /// A list without this node means that it is to be removed.
  virtual void reload(const Config& config) = 0;
  [[nodiscard]] virtual NodeStatus status() const = 0;
};

}  // namespace cloudp2p
