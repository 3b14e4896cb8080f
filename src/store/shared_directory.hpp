// SharedDirectory: the SharedStore of a real node: one directory that several nodes mount.
//
// Purpose:   implements cloudp2p/shared_store.hpp with a WriterLock, a DirectoryImageStore and a SqliteCatalog that are
//            made anew for each tenure.
// Thread:    calls from the node's thread; a thread of its own takes, opens, closes and looks after the directory, so
//            that no slow file server holds up a heartbeat.
// Ownership: executor, directory and log outlive it. Its end closes what is open, lets go, and joins; a `take` that waits
//            is then called back with cancelled.
// Errors:    a fault of the disk in one tenure is kept for the next: the node has to be restarted. A hold that was lost
//            is not a fault.
#pragma once

#include "store/directory_image_store.hpp"
#include "store/sqlite_catalog.hpp"
#include "store/writer_lock.hpp"

#include <cloudp2p/shared_store.hpp>

namespace cloudp2p::store {

class SharedDirectory final : public SharedStore {
 public:
  SharedDirectory(Executor& executor, StoreDirectory& directory, HasherFactory make_hasher, NodeId self, LogSink& log);
  ~SharedDirectory() override;

  void take(Term term, Callback<void(Result<Opened>)> done) override;
  void let_go() override;
  [[nodiscard]] Term newest_term() const override { return lock_.newest_term(); }
  [[nodiscard]] std::string waits_for() const override;
  [[nodiscard]] StoreStatus status() const override;
  [[nodiscard]] std::uint64_t identity() const override;

 private:
  struct Stores {
    std::unique_ptr<SqliteCatalog> catalog;
    std::unique_ptr<DirectoryImageStore> images;
    bool catalog_is_new = false;
  };
  struct Wish {
    Term term = 0;
    std::uint64_t tenure = 0;
    Callback<void(Result<Opened>)> done;
  };

  void run();
  void look_after();
  /// No value: another time.
  [[nodiscard]] std::optional<Result<Stores>> try_to_open(Term term);
  [[nodiscard]] Result<Stores> open_stores();
  void opened(const Wish& tried, Result<Stores> stores, std::unique_lock<std::mutex>& lock);
  void close(Stores stores);
  void note_wait(const std::string& what);
  void answer(Wish wish, const Result<Opened>& outcome);

  Executor& executor_;
  StoreDirectory& directory_;
  const HasherFactory make_hasher_;
  LogSink& log_;
  WriterLock lock_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Wish> wish_;
  bool tried_ = false;  ///< The wish, in vain so far.
  Stores open_;
  Stores closing_;
  std::string waits_for_;
  std::chrono::steady_clock::time_point waits_since_;
  bool told_ = false;  ///< The log knows that this node waits.
  StoreStatus status_;
  bool faulty_ = false;  ///< `status_` is that of a disk that failed: it stays.
  bool stopping_ = false;
  /// Counts tenures, on the node's thread only. Shared with answers that are under way: void when it has changed.
  const std::shared_ptr<std::uint64_t> tenure_ = std::make_shared<std::uint64_t>(0);
  std::thread thread_;
};

}  // namespace cloudp2p::store
