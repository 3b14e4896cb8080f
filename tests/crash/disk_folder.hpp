// Disk images as real folders, thousands of them, quickly.
//
// Files that a store never writes into after their birth (the images) are written once and then linked; what it writes in
// place is copied. `intact` tells whether that was so.
// Thread: one.
#pragma once

#include "crash/disk_model.hpp"
#include "support/temporary_folder.hpp"

#include <sys/stat.h>

namespace crash {

/// What is in a folder now.
[[nodiscard]] DiskImage image_of_folder(const std::string& path);

class DiskFolder {
 public:
  /// The folder with this image in it, instead of the one before.
  const std::string& put(const DiskImage& image);
  /// Of a file in the folder; its digest is remembered.
  [[nodiscard]] cloudp2p::Digest digest_of(const std::string& path);
  /// Every linked file still has the bytes that it was written with.
  [[nodiscard]] bool intact() const;

 private:
  void write(const std::string& path, const Content& content);

  support::TemporaryFolder folder_;
  const std::string disk_ = folder_ / "disk";
  std::map<std::uint64_t, std::string> shared_;         ///< By hash: the path of the file to link.
  std::map<ino_t, cloudp2p::Digest> digests_;           ///< Of linked files.
  std::map<ino_t, std::uint64_t> hashes_;
};

}  // namespace crash
