// Takeover: a new leader learns what was acknowledged before it, and only then serves.
//
// It reads the records of a majority of nodes that have promised this term (itself among them), joins them, and writes
// back to a majority what was not on all of that majority. Every earlier acknowledgement lies on a majority, made before
// its nodes promised this term, so at least one of those read has it.
#pragma once

#include "core/bucket_reader.hpp"
#include "core/record_push.hpp"

namespace cloudp2p::core {

class Takeover {
 public:
  Takeover(Services& services, RecordPush& push, std::function<void(Term)> finished)
      : services_(services), push_(push), finished_(std::move(finished)) {}

  void begin(Term term);
  void stop();
  /// This member has made this term durable (voted, or acknowledged a heartbeat).
  void on_promise(NodeId from);
  void tick();

 private:
  struct Voter {
    ConnectionId connection = kNoConnection;
    wire::RequestId call = 0;
    bool has_hashes = false;
    BucketHashes hashes{};
    TimePoint progress{};  ///< When it was asked, or last answered.
  };
  /// One differing bucket: what this node and the read voters hold in it.
  struct Bucket {
    struct Theirs {
      std::vector<wire::Entry> entries;
      bool awaited = false;   ///< Asked, and not read to the end.
      bool compared = false;  ///< Only what we do not hold, and `lacking` are the hashes of what that node does not.
      std::vector<std::uint64_t> lacking;
    };
    std::vector<CatalogEntry> ours;
    Buffer our_hashes;
    std::map<NodeId, Theirs> theirs;
    std::size_t waiting = 0;
  };

  void start();
  void end_run();
  void ask(NodeId from);
  [[nodiscard]] std::size_t prompt_voters() const;
  bool pass_over(const std::set<NodeId>& voters);
  void pass_over_hung();
  void pass_over_silent();
  void hashes_read(NodeId from, const wire::Message& answer, const Buffer& hashes);
  void compare();
  void next_buckets();
  void read_differing(std::uint32_t bucket);
  void ask_for_bucket(std::uint32_t bucket);
  void page_read(NodeId from, std::uint32_t bucket, const wire::Message& answer, const Buffer& lacking);
  void join(std::uint32_t bucket);
  void write_back();
  void written_back(std::size_t count, const Status& status);
  void begin_again();
  void begin_again_later();
  void finish_if_done();

  Services& services_;
  RecordPush& push_;
  std::function<void(Term)> finished_;
  std::uint64_t run_ = 0;  ///< Answers to an earlier run are ignored.
  bool active_ = false;
  bool comparing_ = false;
  bool again_ = false;
  bool settled_ = false;  ///< What this node wrote under earlier terms has reached its catalog.
  Term term_ = 0;
  std::set<NodeId> promised_;
  std::set<NodeId> passed_over_;  ///< Hung or failed while they were read, and there are enough others.
  Duration patience_{};
  std::map<NodeId, Voter> voters_;
  std::vector<NodeId> read_from_;
  std::vector<std::uint32_t> differing_;
  std::map<std::uint32_t, Bucket> open_;
  std::vector<ImageRecord> pending_;
  std::size_t pushing_ = 0;
  std::size_t local_puts_ = 0;
};

}  // namespace cloudp2p::core
