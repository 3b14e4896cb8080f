// DirectoryImageStore: the ImageStore of a real node: plain files in one directory.
//
// Purpose:   implements cloudp2p/image_store.hpp by the disk rules of docs/storage.md.
// Thread:    calls from the node's thread; callbacks through the executor. A few workers hash, write and read; one
//            thread syncs (see SyncThread).
// Ownership: executor, directory and log outlive the store. Destruction stops and joins; callbacks still owed are
//            posted before it returns, with cancelled, and do not refer to the store.
// Durability: see Publisher. Start-up empties `incoming/` and removes old trash.
// Memory:    what `append` was given and not yet written, bounded by the caller's credit; one block for each read.
#pragma once

#include "store/put_strand.hpp"
#include "store/sync_thread.hpp"
#include "store/verifier.hpp"

#include <unordered_map>

namespace cloudp2p::store {

struct DirectoryImageStoreOptions {
  std::size_t worker_threads = 2;
  SyncThreadOptions sync;
  Verifier::Options verify;
};

class DirectoryImageStore final : public ImageStore {
 public:
  DirectoryImageStore(Executor& executor, StoreDirectory& directory, HasherFactory make_hasher, LogSink& log,
                      DirectoryImageStoreOptions options = {});
  ~DirectoryImageStore() override;

  void begin_put(PutHeader header, Callback<void(Result<PutId>)> done) override;
  void append(PutId put, Buffer bytes, Callback<void(Status)> done) override;
  void commit(PutId put, Callback<void(Result<StoredImage>)> done) override;
  void abort(PutId put) override;

  void read(const std::string& file_name, ReadRange range, Callback<void(Result<Buffer>)> done) override;
  void erase(const std::string& file_name, Callback<void(Status)> done) override;
  void verify(const Digest& digest, const std::string& file_name, Callback<void(Status)> done) override;
  void quarantine(const std::string& file_name, Callback<void(Status)> done) override;
  void identify(const std::string& file_name, Callback<void(Result<ImageRecord>)> done) override;
  void list(Callback<void(Result<std::vector<StoredImage>>)> done) override;
  void compare(std::vector<std::uint64_t> expected, Callback<void(Result<StoredDifference>)> done) override;
  [[nodiscard]] StoreStatus status() const override;

  /// May be called from any thread.
  [[nodiscard]] StoreCounters counters() const { return counters_.read(); }

 private:
  [[nodiscard]] Result<Buffer> read_now(const std::string& file_name, ReadRange range);

  Executor& executor_;
  StoreDirectory& directory_;
  HasherFactory make_hasher_;
  std::atomic<bool> stopping_{false};
  StoreCounterCells counters_;
  StoreGuard guard_;
  StoreContext context_;
  BufferPool buffers_;
  std::atomic<std::size_t> puts_alive_{0};
  std::uint64_t last_put_ = 0;
  SyncThread sync_;
  WorkPool pool_;
  Verifier verifier_;
  std::unordered_map<PutId, std::shared_ptr<PutStrand>> puts_;  ///< The node's thread only.
};

}  // namespace cloudp2p::store
