// A disk that loses power: from a prefix of a node's calls to what may be found afterwards.
//
// What is promised is what POSIX promises and docs/storage.md builds on, nothing more:
// - fsync or fdatasync of a file makes its bytes and size durable, not its name; fsync of a folder makes the names in it
//   durable, not what they stand for; syncfs does both for everything; sync_file_range promises nothing;
// - of what was not synced each sector is as it was at any moment since the last sync, the size too, and so is each name;
// - a rename is one step: the old name is not gone before the new one is there;
// - what a file was cut off does not come back when it grows again.
#pragma once

#include "crash/disk_log.hpp"

#include <map>
#include <random>

namespace crash {

using Random = std::mt19937_64;

/// Immutable; hashed once.
struct Content {
  explicit Content(std::string content);
  std::string bytes;
  std::uint64_t hash;
};
using ContentPtr = std::shared_ptr<const Content>;

/// A tree of files: path below the recorded folder to content; a folder has none.
struct DiskImage {
  std::map<std::string, ContentPtr> entries;
  [[nodiscard]] std::uint64_t hash() const;
};

enum class Variant : std::uint8_t {
  dropped,    ///< Nothing that was not synced.
  kept,       ///< Everything: the process was killed, the machine lives.
  journalled, ///< Names as a journal orders them: all up to some moment after the last sync of names. Bytes as scattered.
  scattered,  ///< Each sector, size and name of any moment since it was synced.
};

/// Which syncs do nothing: for tests that the judge would notice.
struct BrokenDisk {
  bool folder_syncs = false;   ///< Of the folder of the images.
  bool image_syncs = false;    ///< Of what lies in `incoming`, also by syncfs.
  bool state_syncs = false;    ///< Of `state`.
  bool catalog_syncs = false;  ///< Of the log of the catalog.
};

class DiskModel {
 public:
  explicit DiskModel(BrokenDisk broken = {});
  void apply(const DiskCall& call);
  /// Is anything not synced? If not, every variant is the same.
  [[nodiscard]] bool clean() const;
  [[nodiscard]] DiskImage image(Variant variant, Random& random) const;

 private:
  struct Version {
    std::size_t at = 0;  ///< The call that made it.
    Inode inode = kNothing;
    Name moved_to{};     ///< The name is gone because of a rename to this one.
  };
  using Versions = std::vector<Version>;  ///< The first is durable, the last is what the node sees.
  struct Change {
    std::size_t at = 0;
    std::uint64_t offset = 0;
    std::shared_ptr<const std::string> bytes;  ///< Null: the size becomes `offset`.
  };
  struct File {
    bool is_folder = false;
    ContentPtr durable;
    ContentPtr seen;
    std::vector<Change> changes;  ///< From `durable` to `seen`.
  };
  using Chosen = std::map<Name, std::size_t>;  ///< For each name, the index of a version.

  void rename(const Name& name, Version version);
  void change(Inode inode, Change change);
  void sync(Inode inode);
  void sync_names(Inode folder);
  [[nodiscard]] bool is_ignored(Inode inode) const;
  [[nodiscard]] Chosen choose_names(Variant variant, Random& random) const;
  void keep_renames_whole(Chosen& chosen) const;
  [[nodiscard]] ContentPtr content(const File& file, Variant variant, Random& random) const;
  [[nodiscard]] ContentPtr scatter(const File& file, Random& random) const;

  const BrokenDisk broken_;
  std::size_t calls_ = 0;
  std::size_t names_synced_at_ = 0;
  std::map<Name, Versions> names_;
  std::map<Inode, File> files_;
  std::map<Inode, std::string> first_names_;
};

}  // namespace crash
