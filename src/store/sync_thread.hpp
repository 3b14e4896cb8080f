// SyncThread: the one thread that waits for the disk, on behalf of all commits, erasures and quarantines.
//
// Purpose:   group commit: whatever arrived while the previous group was syncing shares the next sync. Also the
//            periodic look at the disk, and the emptying of the trash.
// Thread:    `commit` from any thread, `remove` likewise; callbacks are posted to the executor, one post a group.
// Shutdown:  the group being synced is answered with its outcome, what waits behind it with cancelled.
#pragma once

#include "store/publisher.hpp"

#include <cloudp2p/timers.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace cloudp2p::store {

struct SyncThreadOptions {
  std::chrono::milliseconds check_interval{5000};
  std::chrono::seconds trash_age{24 * 3600};
};

class SyncThread {
 public:
  using Committed = Callback<void(Result<StoredImage>)>;
  using Removed = Callback<void(Status)>;

  SyncThread(Executor& executor, const StoreContext& context, SyncThreadOptions options);
  ~SyncThread() { stop(); }
  SyncThread(const SyncThread&) = delete;
  SyncThread& operator=(const SyncThread&) = delete;

  /// A put began: its `commit` or `give_up` follows. While some are under way, a group waits for them a little.
  void expect();
  void give_up();
  /// The file is finished: length and digest are right. It is kept alive until answered.
  void commit(std::shared_ptr<PartialFile> file, Committed done);
  void remove(Removal removal, Removed done);
  void stop();

 private:
  struct WaitingCommit {
    std::shared_ptr<PartialFile> file;
    Committed done;
  };
  struct WaitingRemoval {
    Removal removal;
    Removed done;
  };
  struct Group {
    std::vector<WaitingCommit> commits;
    std::vector<WaitingRemoval> removals;
    [[nodiscard]] bool empty() const { return commits.empty() && removals.empty(); }
  };
  struct Callbacks {
    std::vector<Committed> committed;
    std::vector<Removed> removed;
  };
  [[nodiscard]] static Callbacks callbacks_of(Group& group);
  void run();
  void work_on(Group group);
  void cancel(Group group);
  void tend();
  void gather(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool gathered() const;

  Executor& executor_;
  StoreContext context_;
  const SyncThreadOptions options_;
  Publisher publisher_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Group waiting_;
  std::size_t expected_ = 0;  ///< Puts that have not come to their commit yet.
  bool gathering_ = false;    ///< A group waits for more.
  bool stopping_ = false;
  std::thread thread_;
};

/// Unlinks what has been in a trash directory for at least `age`; with an age of zero, everything.
void purge(int directory, std::chrono::seconds age);

}  // namespace cloudp2p::store
