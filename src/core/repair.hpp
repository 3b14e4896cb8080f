// Repair: brings this node's catalog in line with the leader's, and fetches the bytes that it lacks.
//
// Records: when the leader's catalog root has differed for a while, the differing buckets are compared; what the leader
// holds is merged, what only this node holds is offered to the leader. Bytes: from all members that hold them, many small
// images or a few large ones at a time, fewer while uploads are in flight.
#pragma once

#include "core/landing.hpp"

namespace cloudp2p::core {

class Repair {
 public:
  Repair(Services& services, ParkedPuts& parked, Landing& landing)
      : services_(services), parked_(parked), landing_(landing) {}

  /// Fetch this image first, from this node first; calls back when its bytes are durable here, or can not be had.
  void want(const ImageRecord& record, NodeId source, Callback<void(const Status&)> done);
  /// With every heartbeat. While writes go on the two are hardly ever equal at one moment.
  void on_leader_root(std::uint64_t root, TimePoint now) {
    if (root == services_.ports.catalog->summary().root) equal_at_ = now;
  }
  /// Equal to the leader, or a comparison a moment ago found no more than what uploads in flight explain.
  [[nodiscard]] bool up_to_date() const;
  /// Every heartbeat interval. `uploads`: how many touch this node now.
  void tick(std::size_t uploads);
  void on_term_changed();
  /// Ends a comparison that is under way: what was read so far is no longer to be believed.
  void drop_sync();
  /// This tombstone is forgotten in a moment: what it deleted may not arrive after it.
  void drop_deleted(const ImageRecord& tombstone);
  [[nodiscard]] std::size_t in_flight() const { return fetches_.size(); }

 private:
  struct Fetch {
    ImageRecord record;
    bool offered = false;  ///< By a leader, and not in this catalog yet: lands under its term or not at all.
    std::vector<NodeId> sources;  ///< Still to be asked, best last.
    NodeId only_from = kNobody;   ///< All bytes so far came from there; kNobody: from several.
    wire::RequestId call = 0;
    ConnectionId connection = kNoConnection;
    std::unique_ptr<LocalPut> put;
    TimePoint progress;
    std::vector<Callback<void(const Status&)>> waiting;
  };
  struct Sync;

  [[nodiscard]] bool room_for(const ImageRecord& record) const;
  void start_fetches();
  void list_missing();
  [[nodiscard]] std::vector<NodeId> sources(NodeId preferred) const;
  void begin(const ImageRecord& record, NodeId first, Callback<void(const Status&)> done);
  void ask_next_source(const Digest& digest);
  void on_answer(const Digest& digest, wire::Message& answer, Buffer& bytes);
  void on_bytes(Fetch& fetch, const wire::Chunk& chunk, Buffer bytes);
  void grant(Fetch& fetch);
  void land(Fetch& fetch);
  void landed(const Digest& digest, const Result<CatalogEntry>& entry);
  void leave_source(Fetch& fetch);
  void blame(const Fetch& fetch);
  void end(const Digest& digest, const Status& status);
  void give_up_silent();

  void start_sync();
  void sync_hashes(const std::shared_ptr<Sync>& sync, const wire::Message& answer, const Buffer& hashes);
  void sync_next(const std::shared_ptr<Sync>& sync);
  void sync_page(const std::shared_ptr<Sync>& sync, const wire::Message& answer);
  void offer_rest(const std::shared_ptr<Sync>& sync);
  void sync_end(const std::shared_ptr<Sync>& sync);

  Services& services_;
  ParkedPuts& parked_;
  Landing& landing_;
  std::map<Digest, Fetch> fetches_;
  std::deque<ImageRecord> queue_;  ///< Missing here, to be fetched next.
  bool starting_ = false;
  bool listing_ = false;
  std::size_t uploads_ = 0;  ///< That touch this node.
  TimePoint listed_at_{};
  TimePoint next_fetch_{};  ///< When the configured rate allows the next fetch; may be begun one tick early.
  Digest after_;
  TimePoint equal_at_{};  ///< Last heartbeat at which the roots were equal.
  std::optional<TimePoint> nearly_equal_at_;
  TimePoint next_sync_{};
  std::shared_ptr<Sync> sync_;
};

}  // namespace cloudp2p::core
