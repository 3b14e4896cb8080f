// Uploads: the leader's side of replication. Takes images from clients, streams them to its own disk and to every
// follower as they come, and acknowledges when a majority has them durable.
//
// Flow control is end to end: the client may send what this node has written and every follower that is still in has
// written, plus one window. So the bytes of an upload that are anywhere in memory never exceed a window.
#pragma once

#include "core/landing.hpp"
#include "core/record_push.hpp"

namespace cloudp2p::core {

class Uploads {
 public:
  Uploads(Services& services, ParkedPuts& parked, Landing& landing, RecordPush& push)
      : services_(services), parked_(parked), landing_(landing), push_(push) {}

  void on_upload(ConnectionId connection, const wire::Upload& ask);
  void on_chunk(ConnectionId connection, const wire::Chunk& chunk, Buffer bytes);
  void on_cancel(ConnectionId connection, wire::RequestId request);
  void on_connection_closed(ConnectionId connection);
  void on_drained(ConnectionId connection);
  /// Every upload in flight ends as an unknown outcome.
  void on_stepped_down();
  void tick();

  /// The record is here but not yet known to be on a majority: no answer may show it.
  [[nodiscard]] bool unstable(const Digest& digest) const { return unstable_.contains(digest); }
  /// False while this content is being uploaded, or is not known to be on a majority: it may not be deleted now.
  [[nodiscard]] bool make_way(const Digest& digest);
  [[nodiscard]] bool under_way(const Digest& digest) const { return jobs_.contains(digest); }
  [[nodiscard]] std::size_t in_flight() const { return jobs_.size(); }
  [[nodiscard]] std::size_t bytes_in_flight() const;
  /// A majority of others has what this node's own disk has not stored for Services::kDiskPatience.
  [[nodiscard]] bool own_disk_hangs() const;
  /// Bytes of an image that was refused of late because too few have room for it, or this node's own disk has none; 0: none was.
  [[nodiscard]] std::uint64_t refused_of_late() const;

 private:
  enum class Stage : std::uint8_t { looking, waiting_first, asking_offsets, streaming, landing };
  enum class ReplicaState : std::uint8_t { streaming, acked, failed };
  struct Replica {
    ConnectionId connection = kNoConnection;
    wire::RequestId call = 0;
    Incarnation incarnation;  ///< That was asked.
    ReplicaState state = ReplicaState::streaming;
    bool has_offset = false;  ///< Said what it holds.
    std::uint64_t next = 0;   ///< Offset of the next chunk to send.
    std::uint64_t held = 0;
    std::uint64_t limit = 0;
    TimePoint progress;
    Duration waited_for{};  ///< That it alone kept the client from sending, less the time that it did not.
  };
  struct Client {
    ConnectionId connection = kNoConnection;  ///< kNoConnection: gone.
    wire::Upload ask;
    std::uint64_t granted = 0;
  };
  struct Job {
    Term term = 0;
    Client client;
    std::vector<Client> waiting;  ///< Others that send the same content.
    Stage stage = Stage::looking;
    bool metadata_only = false;
    bool acknowledged = false;
    /// On a majority under an older stamp, which answers go on showing: the new one comes here last, once it is safe.
    bool settled_before = false;
    bool local_begun = false;
    bool local_done = false;
    ImageRecord record;
    std::unique_ptr<LocalPut> put;
    std::map<NodeId, Replica> replicas;
    std::deque<std::pair<std::uint64_t, Buffer>> window;  ///< Chunks that some replica has not been sent yet.
    std::uint64_t window_end = 0;  ///< Where the next chunk of the window begins; may lie below what the put holds.
    std::vector<std::pair<std::uint64_t, Buffer>> early;
    std::size_t early_bytes = 0;
    TimePoint since;
    std::uint64_t own_written = 0;  ///< By this node's own disk, at `own_progress`.
    TimePoint own_progress;         ///< When it last wrote, or a majority of others was not ahead of it.
  };
  using JobPtr = std::shared_ptr<Job>;

  // Admission.
  [[nodiscard]] Error inadmissible(const wire::Upload& ask) const;
  [[nodiscard]] bool has_room();
  [[nodiscard]] bool joins_running(ConnectionId connection, const wire::Upload& ask);
  void looked_up(const JobPtr& job, Result<std::optional<CatalogEntry>> found);
  void begin_metadata_only(const JobPtr& job, const ImageRecord& known);
  void begin_resumed(const JobPtr& job);
  void begin_fresh(const JobPtr& job, ByteView first_bytes);
  void stamp(const JobPtr& job, ImageType type);
  void open_put(const JobPtr& job);

  // Streaming.
  void open_replicas(const JobPtr& job);
  void on_replica_message(const JobPtr& job, NodeId id, wire::Message& message);
  void offsets_known(const JobPtr& job, bool patience_over);
  void accept(const JobPtr& job, std::uint64_t offset, Buffer bytes);
  void pump(const JobPtr& job);
  void pump_one(Job& job, Replica& replica);
  void grant_client(Job& job);
  void grant(Job& job, std::uint64_t held, std::uint64_t limit);
  void drop_slow(const JobPtr& job);
  void note_waiting(Job& job);
  void note_own_progress(Job& job);

  // The end.
  void land_if_complete(const JobPtr& job);
  void begin_local(const JobPtr& job);
  void landed(const JobPtr& job, const Result<CatalogEntry>& entry);
  void replica_failed(const JobPtr& job, Replica& replica, const Error& error);
  void settle(const JobPtr& job);
  void acknowledge(const JobPtr& job);
  void fail(const JobPtr& job, const Error& error);
  void abandon(const JobPtr& job);
  void remove(const JobPtr& job);
  void close_replicas(Job& job);
  /// Of an acknowledged upload, which some follower is still receiving: repair brings it along.
  void end_stragglers(JobPtr job);
  /// It has acknowledged, and has not come back with another disk since.
  [[nodiscard]] bool is_durable_on(NodeId id, const Replica& replica) const;
  void answer_client(Job& job);
  void write_back_unstable();
  [[nodiscard]] JobPtr find(ConnectionId connection, wire::RequestId request) const;
  [[nodiscard]] std::vector<JobPtr> all_jobs() const {
    std::vector<JobPtr> out;
    for (const auto& [digest, job] : jobs_) out.push_back(job);
    return out;
  }
  [[nodiscard]] bool current(const JobPtr& job) const;

  Services& services_;
  ParkedPuts& parked_;
  Landing& landing_;
  RecordPush& push_;
  std::map<Digest, JobPtr> jobs_;
  std::map<std::pair<ConnectionId, wire::RequestId>, Digest> by_request_;
  /// Durable here, or about to be, and not known to be on a majority. Several attempts may be landing at a time.
  struct Unstable {
    ImageRecord record;  ///< Of the newest attempt.
    std::set<Stamp> landing;
    bool landed = false;
  };
  void leave_to_write_back(const Digest& digest);
  void note_full(std::uint64_t size_bytes);
  std::map<Digest, Unstable> unstable_;
  std::set<Digest> unresolved_;  ///< Of the unstable: their upload failed; written back in the background.
  std::uint64_t refused_bytes_ = 0;  ///< What there was no room for last.
  TimePoint refused_at_;
  bool writing_back_ = false;
};

}  // namespace cloudp2p::core
