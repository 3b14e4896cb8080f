// Deletes: the leader's side of a delete. A tombstone with a newer stamp is made durable on a majority, and only then
// answered; every node moves the file to its trash when it learns of the tombstone (Landing).
//
// A delete names the stamp that it expects, so one that arrives late, or twice, finds another stamp and does nothing.
// One whose majority fails is pushed again for as long as this node leads: followers that know of it have trashed their
// bytes already. Uploads of the same content wait meanwhile, and the other way round.
#pragma once

#include "core/reads.hpp"
#include "core/uploads.hpp"

namespace cloudp2p::core {

class Deletes {
 public:
  Deletes(Services& services, Uploads& uploads, RecordPush& push, Reads& reads)
      : services_(services), uploads_(uploads), push_(push), reads_(reads) {}

  void on_delete(ConnectionId connection, const wire::Delete& ask);
  /// Those who wait are told that the outcome is unknown.
  void on_stepped_down();
  void tick();
  [[nodiscard]] std::size_t in_flight() const { return jobs_.size(); }

 private:
  struct Waiting {
    ConnectionId connection = kNoConnection;
    wire::RequestId request = 0;
  };
  struct Job {
    Term term = 0;
    Stamp expected;
    std::vector<Waiting> waiting;
    ImageRecord tombstone;  ///< As last stamped.
    bool pushing = false;
  };
  using JobPtr = std::shared_ptr<Job>;

  [[nodiscard]] Error inadmissible(const wire::Delete& ask);
  void looked_up(const JobPtr& job, const Digest& digest, const Result<std::optional<CatalogEntry>>& found);
  void push(const JobPtr& job);
  void pushed(const JobPtr& job, const Status& status);
  void acknowledge(const Job& job);
  void refuse(const Job& job, Errc code, const std::string& message);
  void forget(const Digest& digest);
  [[nodiscard]] bool current(const JobPtr& job, const Digest& digest) const;

  Services& services_;
  Uploads& uploads_;
  RecordPush& push_;
  Reads& reads_;
  std::map<Digest, JobPtr> jobs_;
};

}  // namespace cloudp2p::core
