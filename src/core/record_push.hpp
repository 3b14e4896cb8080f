// RecordPush: the leader makes records (not their bytes) durable on a majority.
#pragma once

#include "core/services.hpp"

namespace cloudp2p::core {

class RecordPush {
 public:
  explicit RecordPush(Services& services) : services_(services) {}

  /// Re-stamps the records under the present term, writes them to a majority and then here, in that order, so that
  /// nothing is shown before it is safe. Calls back with an error when the term or the majority is lost.
  /// At most limits::kSyncRecordsPerPage records. Returns them as they were stamped.
  std::vector<ImageRecord> push(std::vector<ImageRecord> records, Callback<void(const Status&)> done);
  /// Voters that connected since, or again, are asked for what is under way: who was asked may never answer.
  void tick();
  /// A majority of others has what this node's own disk has not stored for Services::kDiskPatience.
  [[nodiscard]] bool own_disk_hangs() const;

 private:
  struct Batch;
  void ask_voters(const std::shared_ptr<Batch>& batch);
  void answered(const std::shared_ptr<Batch>& batch, NodeId from, const Incarnation& asked, const wire::Message& answer);
  [[nodiscard]] bool on_majority(const Batch& batch) const;
  void write_here(const std::shared_ptr<Batch>& batch);
  void end(const std::shared_ptr<Batch>& batch, const Status& status);
  Services& services_;
  std::vector<std::shared_ptr<Batch>> open_;
};

}  // namespace cloudp2p::core
