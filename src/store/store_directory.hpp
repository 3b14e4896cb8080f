// StoreDirectory: one node's directory, opened, locked and recognised.
//
// Purpose:   creates or opens `shared_dir` and `.cloudp2p/` below it, refuses a newer format and a second node, knows
//            whether the disk is still the one that was opened, and how much may be written to it.
// Thread:    `open` and destruction by the owner; everything else from any thread.
// Ownership: owns the descriptors and the lock; outlives every store that is built on it.
// Durability: what `open` created survives power loss when it returns.
// Errors:    open: locked (the message names the holder's process id), format (newer or damaged stamp), permission, io,
//            full, not_found, with the path and the cause. A read-only file system that already holds a store opens
//            read-only: reads work, every writer must refuse.
// Copies:    a directory that was copied (restored from a backup) holds promises that its node may have gone beyond, and a
//            catalog that may be torn. It is recognised by the birth of `.cloudp2p`: `open` sets both aside, and the
//            directory gets an identity of its own.
#pragma once

#include "store/posix_file.hpp"

#include <cloudp2p/entropy.hpp>
#include <cloudp2p/error.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace cloudp2p::store {

inline constexpr const char* kMetaDirectory = ".cloudp2p";
inline constexpr unsigned kFormatVersion = 1;
// In the folder of that name:
inline constexpr const char* kStateFile = "state";
inline constexpr const char* kCatalogFile = "catalog.sqlite";
inline constexpr const char* kCatalogLogFile = "catalog.sqlite-wal";

/// What is left free for others and for ourselves.
struct SpaceRule {
  /// Images stop here: at `floor_bytes` or `floor_percent` of the disk, whichever is smaller.
  std::uint64_t floor_bytes = std::uint64_t{1} << 30;
  unsigned floor_percent = 5;
  /// Held in a file of our own and given back when the disk runs full, so that votes and tombstones still fit.
  std::uint64_t reserve_bytes = std::uint64_t{16} << 20;
};

struct StoreDirectoryOptions {
  SpaceRule space;
  std::shared_ptr<DiskCalls> disk;  ///< Empty: the real system calls.
  /// Set: nodes of other ids open the same directory. What is this node's own lies in `node-<id>`, and a second process
  /// of this id is refused; images and catalog are for the one that holds the WriterLock.
  NodeId shared_as = kNobody;
  bool notice_copies = true;        ///< Off for who carries a directory elsewhere and knows that nothing else uses it.
};

/// Which directory on which disk: what a copy never shares with its original, whatever is mounted where.
struct DirectoryMark {
  std::uint64_t inode = 0;
  std::int64_t born_ns = 0;  ///< Since the epoch; 0: this file system does not tell.
  friend bool operator==(const DirectoryMark&, const DirectoryMark&) = default;
};
/// A file system that is shrunk may number its files anew, but a birth never changes; where it is not told, the number
/// has to do.
[[nodiscard]] constexpr bool same_directory(const DirectoryMark& one, const DirectoryMark& other) noexcept {
  const bool births_known = one.born_ns != 0 && other.born_ns != 0;
  return births_known ? one.born_ns == other.born_ns : one.inode == other.inode;
}

class StoreDirectory {
 public:
  [[nodiscard]] static Result<std::unique_ptr<StoreDirectory>> open(const std::string& path,
                                                                    StoreDirectoryOptions options, Entropy& entropy);

  /// Absolute, so that a later change of the working directory does not matter.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Absolute path of `.cloudp2p`, for what can only open by path (SQLite).
  [[nodiscard]] std::string meta_path() const { return path_ + "/" + kMetaDirectory; }
  [[nodiscard]] bool read_only() const noexcept { return read_only_; }
  [[nodiscard]] DiskCalls& disk() const noexcept { return *options_.disk; }
  /// It came here by copying, and `settle_copy` has not been called since.
  [[nodiscard]] bool is_copy() const noexcept { return is_copy_; }
  /// The node has made this copy its own.
  [[nodiscard]] Status settle_copy();
  /// Moves what there is of these files of `.cloudp2p` into the quarantine, durably.
  [[nodiscard]] Status set_aside(const std::vector<std::string>& names);

  [[nodiscard]] int root() const noexcept { return root_.get(); }
  [[nodiscard]] int meta() const noexcept { return meta_.get(); }
  /// Where this node's state is: `meta()`, or below it.
  [[nodiscard]] int own() const noexcept { return own_.valid() ? own_.get() : meta_.get(); }
  [[nodiscard]] std::string own_path() const { return own_.valid() ? meta_path() + "/" + own_name() : meta_path(); }
  /// 32 hex digits, drawn when the store was made.
  [[nodiscard]] const std::string& store_id() const noexcept { return store_id_; }
  [[nodiscard]] int incoming() const noexcept { return incoming_.get(); }
  [[nodiscard]] int quarantine() const noexcept { return quarantine_.get(); }
  [[nodiscard]] int trash() const noexcept { return trash_.get(); }

  /// Is `path()` still the disk that was opened? Fails when it was unmounted, mounted over, moved or emptied.
  [[nodiscard]] Status check_disk() const;
  /// The same, and whether this node may write to it: before anything is made durable.
  [[nodiscard]] Status check_sentinel() const;
  /// Who tells whether it may, from any thread. Before any store is built on this directory.
  void set_fence(std::function<Status()> fence) { fence_ = std::move(fence); }
  /// Bytes that images may still take, above the floor.
  [[nodiscard]] Result<std::uint64_t> free_bytes() const;
  /// Gives the reserve back to a disk without room, takes it again when there is plenty. True: there is more room now.
  bool tend_reserve();

 private:
  StoreDirectory() = default;
  [[nodiscard]] Status open_root(const std::string& path);
  [[nodiscard]] Status open_meta();
  [[nodiscard]] Status lock();
  [[nodiscard]] Status lock_among_others();
  [[nodiscard]] Result<Fd> wait_for_setup();
  [[nodiscard]] Error in_use_by(int lock_file, const std::string& advice) const;
  [[nodiscard]] std::string own_name() const { return "node-" + to_string(options_.shared_as); }
  [[nodiscard]] Status check_format();
  [[nodiscard]] Status open_folders();
  [[nodiscard]] Status open_sentinel(Entropy& entropy);
  [[nodiscard]] Status write_sentinel();
  [[nodiscard]] Status write_new(const std::string& name, const std::string& text);
  [[nodiscard]] Result<std::string> read_meta_file(const std::string& name) const;
  [[nodiscard]] Result<Fd> open_folder(int parent, const std::string& name, mode_t mode);
  [[nodiscard]] Error failed(int error_number, const std::string& what) const;

  std::string path_;
  StoreDirectoryOptions options_;
  bool read_only_ = false;
  bool is_copy_ = false;
  std::string store_id_;
  std::function<Status()> fence_;
  Fd root_, meta_, own_, lock_, own_lock_, incoming_, quarantine_, trash_;
  std::mutex reserve_mutex_;
  bool reserve_held_ = false;
};

}  // namespace cloudp2p::store
