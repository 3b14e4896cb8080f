// Node: a member of the cluster.
//
// Purpose:   election, replication, repair and service to clients, written against ports only. The same object runs on
//            three machines, inside another program and in the simulator. Most programs use `Host` instead.
// Thread:    everything on the node's thread (the one that Executor posts to).
// Ownership: the ports outlive the Node. Destroying a Node sends nothing and forgets uploads in flight, as a crash would.
// Durability: what the Node acknowledges is fsynced on a majority. What it promises in an election is fsynced here.
// Errors:    `open` fails with bad_config, invalid_argument (Config::shared and ports that do not go together), or what
//            StateStore::load said; a damaged state file is no failure, the node begins a new incarnation. Later faults show in
//            `status` and in the log; a node whose store fails steps down and stops voting, it does not stop answering.
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

/// What a Node runs on. None is null, except where said; all outlive it and serve it alone.
struct NodePorts {
  Executor* executor = nullptr;    ///< Its thread is the node's thread.
  Transport* transport = nullptr;  ///< Not started: Node::start does that.
  Timers* timers = nullptr;        ///< Calls back on the executor's thread.
  Entropy* entropy = nullptr;      ///< For incarnations and cluster ids: two nodes that draw the same are taken for one.
  LogSink* log = nullptr;          ///< Gets lines that begin with "[Node 3] ".
  ImageStore* images = nullptr;    ///< Null with `shared`.
  Catalog* catalog = nullptr;      ///< Already opened.
  StateStore* state = nullptr;     ///< Not loaded: Node::open does that.
  SharedStore* shared = nullptr;   ///< With Config::shared, instead of `images` and `catalog`.
};

/// Counted since start.
struct NodeCounters {
  std::uint64_t uploads_acknowledged = 0;  ///< By this node as leader.
  std::uint64_t uploads_failed = 0;        ///< Refused here for what they are: empty, too large, not an image.
  std::uint64_t upload_bytes = 0;          ///< Of acknowledged uploads whose bytes were sent.
  std::uint64_t deletes_acknowledged = 0;  ///< By this node as leader.
  std::uint64_t replicas_stored = 0;       ///< Copies that a leader sent, durable here.
  std::uint64_t repairs = 0;               ///< Copies fetched here because they were missing or damaged.
  std::uint64_t copies_verified = 0;       ///< Re-hashed here and found good.
  std::uint64_t copies_damaged = 0;        ///< Found damaged, unreadable for long, or gone.
  std::uint64_t reads = 0;                 ///< Images begun to be served from here, to clients and nodes.
  std::uint64_t elections_started = 0;     ///< Times that the leader was lost.
  std::uint64_t terms_led = 0;             ///< Times that this node was elected.
  std::uint64_t protocol_errors = 0;       ///< Messages that the protocol does not allow, from authenticated peers.
  std::uint64_t hello_mismatches = 0;      ///< Peers turned away at their Hello: other cluster, settings, id or version.
};

/// A snapshot of one node.
struct NodeStatus {
  NodeId id = kNobody;     ///< Config::node_id.
  ElectionView election;   ///< Who leads, and who the members are.
  bool recovered = false;  ///< What is on this node's disk was read: it takes part.
  bool serving = false;    ///< Leads and has finished its takeover: takes uploads, unless it is handing over.
  CatalogSummary catalog;  ///< Of this node; all zero for a node that shares its directory and does not hold it.
  StoreStatus store;       ///< Of this node.
  /// Images with fewer verified copies than members: counted by the leader, told by it to the others.
  std::uint64_t under_replicated = 0;
  std::int64_t oldest_verified_ms = 0;  ///< Of the copies here; 0: none, or not looked yet.
  std::string membership_note;          ///< A change of members under way, or how this node's file differs; else empty.
  std::size_t uploads_in_flight = 0;    ///< Led by this node, and received from a leader.
  std::size_t bytes_in_flight = 0;      ///< Image bytes of the uploads that this node leads, held in memory.
  NodeCounters counters;                ///< Since `open`.
};

/// What happens inside, for the simulator's invariant checks and for embedders' metrics. Called on the node's thread.
class NodeObserver {
 public:
  virtual ~NodeObserver() = default;
  /// Elected; its takeover begins.
  virtual void on_leading(Term term) { (void)term; }
  /// The takeover is done: uploads are taken from now on.
  virtual void on_serving(Term term) { (void)term; }
  /// Leads no more, for whatever reason but a crash.
  virtual void on_stepped_down(Term term) { (void)term; }
  /// A record or tombstone has got its stamp as leader; nothing of it is durable yet.
  virtual void on_stamped(const ImageRecord& record) { (void)record; }
  /// An upload or, with a tombstone, a delete is durable on a majority, this node among it; the client is told next.
  virtual void on_acknowledged(const ImageRecord& record, Term term) { (void)record, (void)term; }
  /// A linearizable read is answered.
  virtual void on_confirmed_read(Term term) { (void)term; }
};

/// What tests and embedders may add; the defaults suit everyone else.
struct NodeExtras {
  NodeObserver* observer = nullptr;  ///< May be null; outlives the node.
  /// ImageStore and catalog come from a backup that was made while files came and went: when the catalog is nobody's, what
  /// has no bytes here is not listed on its account.
  bool store_is_copy = false;
  /// Image bytes that this node puts into one chunk; at most limits::kPayloadBytesMax.
  std::size_t chunk_bytes = limits::kChunkBytesDefault;
  Duration tombstone_age = limits::kTombstoneAge;  ///< Younger tombstones are kept, even when every member has them.
};

/// The header begins with its contract.
class Node {
 public:
  virtual ~Node() = default;
  /// Loads the state and makes the node; `start` begins to listen and to take part.
  [[nodiscard]] CLOUDP2P_API static Result<std::unique_ptr<Node>> open(const Config& config, const NodePorts& ports,
                                                                       const NodeExtras& extras = {});

  /// Fails, with what the transport said, when it can not listen. Once.
  [[nodiscard]] virtual Status start() = 0;
  /// Stops admitting, lets uploads finish (at most `patience`), hands leadership over, then calls back once.
  virtual void drain(Duration patience, Callback<void()> done) = 0;
  /// Applies what may change live: peers, limits, repair and scrub rates, takeover. The rest stays as it was until a restart.
  /// Peers are a proposal: the leader changes the members one at a time, once most files agree and the data is where it must
  /// be. A list without this node means that it is to be removed.
  virtual void reload(const Config& config) = 0;
  /// A snapshot.
  [[nodiscard]] virtual NodeStatus status() const = 0;
};

}  // namespace cloudp2p
