#include "crash/disk_folder.hpp"

#include "crypto/digest.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include <unistd.h>

namespace crash {
namespace {

namespace fs = std::filesystem;

/// What a store changes in place lies directly in `.cloudp2p`.
bool is_changed_in_place(const std::string& path) {
  return fs::path(path).parent_path().filename() == ".cloudp2p";
}

ino_t inode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

DiskImage image_of_folder(const std::string& path) {
  DiskImage out;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    ContentPtr& content = out.entries[fs::relative(entry.path(), path).string()];
    if (!entry.is_directory()) content = std::make_shared<const Content>(support::read_file(entry.path()));
  }
  return out;
}

const std::string& DiskFolder::put(const DiskImage& image) {
  fs::remove_all(disk_);
  fs::create_directory(disk_);
  for (const auto& [path, content] : image.entries) {
    const std::string here = disk_ + "/" + path;
    if (!content) {
      fs::create_directory(here);
    } else if (is_changed_in_place(path)) {
      support::write_file(here, content->bytes);
    } else {
      write(here, *content);
    }
  }
  return disk_;
}

void DiskFolder::write(const std::string& path, const Content& content) {
  std::string& file = shared_[content.hash];
  if (file.empty()) {
    file = support::write_file(folder_ / ("shared" + std::to_string(shared_.size())), content.bytes);
    hashes_[inode_of(file)] = content.hash;
  }
  REQUIRE(::link(file.c_str(), path.c_str()) == 0);
}

cloudp2p::Digest DiskFolder::digest_of(const std::string& path) {
  const auto known = digests_.find(inode_of(path));
  if (known != digests_.end()) return known->second;
  const std::string bytes = support::read_file(path);
  const cloudp2p::Digest digest = cloudp2p::crypto::digest_of(std::as_bytes(std::span(bytes)));
  if (hashes_.contains(inode_of(path))) digests_[inode_of(path)] = digest;
  return digest;
}

bool DiskFolder::intact() const {
  for (const auto& [hash, file] : shared_) {
    if (Content(support::read_file(file)).hash != hash) return false;
  }
  return true;
}

}  // namespace crash
