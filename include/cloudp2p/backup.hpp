// BackupFolder: images of a cluster as plain files in a folder of one's own, with a manifest that says what they are.
//
// Purpose:   what `client backup` and `client restore` keep their books with, and any program that wants a second copy.
//            It only knows the folder: bytes come through `sink` (give it to ClientHost::get) and go through `source`
//            (give it to ClientHost::upload).
// Layout:    the files, named as a node names them; `manifest.jsonl`, one JSON object a line: a head (format version,
//            cluster, counts), an image each, and the digest of the lines before; `.cloudp2p-backup`, the lock.
// Thread:    any; calls may run concurrently. Sinks and sources may outlive the folder object.
// Durability: an image is in the folder, synced, before its sink's `finish` succeeds. `save` replaces the manifest
//            at once or not at all, and syncs it. After a crash, files that no manifest lists yet are found and read by `has`.
// Errors:    invalid_argument (the folder holds something else), locked (another backup is writing), integrity (the
//            manifest, or a file, is damaged), not_found (a file is gone), format (a newer manifest), permission, io.
// Limits:    the books are in memory: about 300 bytes an image.
#pragma once

#include <cloudp2p/client.hpp>
#include <cloudp2p/export.hpp>

#include <memory>
#include <set>

namespace cloudp2p {

/// What the manifest says of one image.
struct BackupEntry {
  ImageRecord record;     ///< Digest, size, type, name and time; no stamp.
  std::string file_name;  ///< In the folder.
  bool deleted = false;   ///< The cluster had deleted it when the manifest was written.
};

/// The books of one folder. What changes in them is on disk once `save` has written it.
class BackupFolder {
 public:
  virtual ~BackupFolder() = default;
  /// Makes the folder, or goes on with one that holds a backup, finished or not; nobody else may write to it meanwhile.
  [[nodiscard]] CLOUDP2P_API static Result<std::unique_ptr<BackupFolder>> open_to_write(const std::string& path);
  /// Needs a manifest. Nobody may write to the folder meanwhile.
  [[nodiscard]] CLOUDP2P_API static Result<std::unique_ptr<BackupFolder>> open_to_read(const std::string& path);

  /// The cluster that the manifest names; zero without a manifest.
  [[nodiscard]] virtual ClusterId cluster() const = 0;
  /// By the time at which they were stored, the oldest first.
  [[nodiscard]] virtual std::vector<BackupEntry> entries() const = 0;

  /// Is this image's file here? Then its entry says what `record` says, and is not deleted. By name and size, without
  /// reading it; one that no manifest lists is read and counts if its digest is right.
  [[nodiscard]] virtual bool has(const ImageRecord& record) = 0;
  /// Takes the bytes of an image; when it has finished, the entry is there.
  [[nodiscard]] virtual Result<std::shared_ptr<ImageSink>> sink(const ImageRecord& record) = 0;
  /// The first failure of this folder's disk, if any: further images will fare no better.
  [[nodiscard]] virtual Status health() const = 0;
  /// Those that are not among `live` are deleted. Entries whose file is gone as well are forgotten.
  virtual void mark_deleted(const std::set<Digest>& live) = 0;
  /// Removes the deleted images' files and entries.
  [[nodiscard]] virtual Status prune() = 0;
  /// Writes the manifest. Waits until nobody holds a sink any more.
  [[nodiscard]] virtual Status save(const ClusterId& cluster, std::int64_t now_ms) = 0;

  /// The image's bytes, read and found to be right: integrity or not_found otherwise. Bears its name and time.
  [[nodiscard]] virtual Result<std::shared_ptr<ImageSource>> source(const BackupEntry& entry) const = 0;
};

}  // namespace cloudp2p
