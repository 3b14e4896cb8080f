// StoreGuard: may this store be written, and how much?
//
// Purpose:   one place that holds the store's health and the bytes promised to puts in progress.
// Thread:    any; short critical sections only, no disk access under the lock that `status` takes.
// Errors:    an io fault or a vanished disk is final until restart ("failed"), EROFS likewise ("read_only"); "full"
//            heals when space returns. Transitions are logged once.
#pragma once

#include "store/store_directory.hpp"

#include <cloudp2p/image_store.hpp>
#include <cloudp2p/log_sink.hpp>

#include <mutex>

namespace cloudp2p::store {

class StoreGuard {
 public:
  StoreGuard(StoreDirectory& directory, LogSink& log);

  /// Promises room for a put of that size, or says why not. Looks at the disk.
  [[nodiscard]] Status admit(std::uint64_t size_bytes);
  /// The same by what was last seen of the disk, which may be seconds ago: never blocks, and `confirm` is due before
  /// the first byte. False: only `admit` can tell.
  [[nodiscard]] bool admit_unseen(std::uint64_t size_bytes);
  /// Looks at the disk: is there still room for all that was promised?
  [[nodiscard]] Status confirm();
  /// Takes a promise back: the bytes are on the disk now, or will never be.
  void release(std::uint64_t size_bytes);
  /// Fails after a fault that does not heal.
  [[nodiscard]] Status writable() const;
  /// Records what an error of the disk means for the whole store; other errors are ignored.
  void fault(const Error& error);
  /// The periodic look: is the disk still there, how much room is left.
  void check();
  [[nodiscard]] StoreStatus status() const;

 private:
  void observe_space();
  void become(StoreHealth health, const std::string& problem);

  StoreDirectory& directory_;
  LogSink& log_;
  mutable std::mutex mutex_;
  StoreStatus status_;
  std::uint64_t promised_bytes_ = 0;
};

}  // namespace cloudp2p::store
