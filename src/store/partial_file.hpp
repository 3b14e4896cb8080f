// PartialFile: the bytes of one put, in `.cloudp2p/incoming/` until they are published.
//
// Purpose:   creates the file, appends and hashes, checks length and digest, and removes the file again unless it
//            was published.
// Thread:    one thread at a time.
// Ownership: holds its share of the guard's promised bytes. The guard, the directory and the counters outlive it.
// Durability: none; see Publisher.
#pragma once

#include "store/hasher.hpp"
#include "store/store_counters.hpp"
#include "store/store_guard.hpp"

#include <cloudp2p/image_store.hpp>

namespace cloudp2p::store {

/// What the parts of one store share.
struct StoreContext {
  StoreDirectory& directory;
  StoreGuard& guard;
  StoreCounterCells& counters;
  const HasherFactory& make_hasher;
};

class PartialFile {
 public:
  PartialFile(const StoreContext& context, PutHeader header, PutId id);
  ~PartialFile() { discard(); }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  /// Room, as far as is known from memory; `open` asks the disk.
  [[nodiscard]] bool admit_unseen();
  /// Asks for room, then creates the file.
  [[nodiscard]] Status open();
  [[nodiscard]] Status append(ByteView bytes);
  /// All bytes are there and they are the ones promised; integrity otherwise.
  [[nodiscard]] Status finish();
  /// Removes the file; harmless when it is gone.
  void discard();
  /// It has its final name now: `discard` must leave it alone.
  void mark_published();

  [[nodiscard]] const PutHeader& header() const noexcept { return header_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool is_open() const noexcept { return file_.valid(); }
  [[nodiscard]] int fd() const noexcept { return file_.get(); }

 private:
  [[nodiscard]] Status failed(int error_number, const char* doing);
  void start_writeback();

  StoreContext context_;
  PutHeader header_;
  std::string name_;
  std::unique_ptr<Hasher> hasher_;
  Fd file_;
  std::uint64_t written_bytes_ = 0;
  std::uint64_t writeback_bytes_ = 0;
  std::uint64_t promised_bytes_ = 0;
};

}  // namespace cloudp2p::store
