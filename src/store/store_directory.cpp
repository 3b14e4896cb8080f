#include "store/store_directory.hpp"

#include "store/image_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <sstream>

namespace cloudp2p::store {
namespace {

constexpr const char* kLockFile = "lock";
const std::string kSharedWords = "shared\n";  ///< In the lock file, where others have their process id.
constexpr const char* kSetupFile = "setup";
constexpr const char* kFormatFile = "format";
constexpr const char* kSentinelFile = "store-id";
constexpr const char* kReserveFile = "reserve";
constexpr std::string_view kFormatWords = "cloudp2p store ";
constexpr std::string_view kMarkWord = "directory ";
constexpr const char* kCopyLine = "copy\n";
constexpr unsigned kAsideMax = 1000;

struct StoreIdTag;
using StoreId = Opaque<StoreIdTag, 16>;

struct Space {
  std::uint64_t available = 0;
  std::uint64_t total = 0;
};

Result<Space> space_of(int directory) {
  struct statvfs info {};
  if (::fstatvfs(directory, &info) != 0) return posix_error(errno, "cannot ask for the free space");
  const auto unit = static_cast<std::uint64_t>(info.f_frsize);
  return Space{info.f_bavail * unit, info.f_blocks * unit};
}

std::uint64_t floor_of(const SpaceRule& rule, std::uint64_t total) {
  return std::min<std::uint64_t>(rule.floor_bytes, total / 100 * rule.floor_percent);
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

DirectoryMark mark_of(int directory) {
  struct stat info {};
  struct statx more {};
  if (::fstat(directory, &info) != 0) return {};
  const bool asked = ::statx(directory, "", AT_EMPTY_PATH, STATX_BTIME, &more) == 0;
  const bool born = asked && (more.stx_mask & STATX_BTIME) != 0;
  return {info.st_ino, born ? more.stx_btime.tv_sec * 1'000'000'000 + more.stx_btime.tv_nsec : 0};
}

/// What `store-id` says.
struct Sentinel {
  std::optional<std::string> id;
  std::optional<DirectoryMark> mark;  ///< Earlier builds wrote none.
  bool copy = false;
};
Sentinel sentinel_in(const std::string& text) {
  Sentinel out;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  if (StoreId::from(line)) out.id = line;
  std::string word;
  DirectoryMark mark;
  if (lines >> word && word + " " == kMarkWord && lines >> mark.inode >> mark.born_ns) out.mark = mark;
  out.copy = out.mark && lines >> word && word + "\n" == kCopyLine;
  return out;
}

std::optional<unsigned> format_in(const std::string& text) {
  const std::string line = first_line(text);
  if (line.rfind(kFormatWords, 0) != 0) return std::nullopt;
  unsigned version = 0;
  const char* end = line.data() + line.size();
  const auto parsed = std::from_chars(line.data() + kFormatWords.size(), end, version);
  return parsed.ec == std::errc{} && parsed.ptr == end && version > 0 ? std::optional(version) : std::nullopt;
}

/// A directory that was just made must itself survive: its name is in its parent.
void sync_parent_of(const std::string& path) {
  const Fd parent(::open(std::filesystem::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.valid()) ::fsync(parent.get());
}

}  // namespace

Result<std::unique_ptr<StoreDirectory>> StoreDirectory::open(const std::string& path, StoreDirectoryOptions options,
                                                             Entropy& entropy) {
  std::unique_ptr<StoreDirectory> out(new StoreDirectory);
  out->options_ = std::move(options);
  if (!out->options_.disk) out->options_.disk = std::make_shared<DiskCalls>();
  if (auto status = out->open_root(path); !status) return std::move(status).error();
  if (auto status = out->open_meta(); !status) return std::move(status).error();
  const bool shared = out->options_.shared_as != kNobody;
  if (auto status = shared ? out->lock_among_others() : out->lock(); !status) return std::move(status).error();
  const auto alone = shared ? out->wait_for_setup() : Fd();
  if (!alone) return alone.error();
  if (auto status = out->check_format(); !status) return std::move(status).error();
  if (auto status = out->open_folders(); !status) return std::move(status).error();
  if (auto status = out->open_sentinel(entropy); !status) return std::move(status).error();
  if (!out->read_only_) {
    for (const int directory : {out->meta(), out->root()}) {
      if (const int error = out->disk().sync_directory(directory); error != 0) {
        return out->failed(error, "cannot make the directory durable");
      }
    }
    if (!shared) out->tend_reserve();
  }
  return out;
}

Error StoreDirectory::failed(int error_number, const std::string& what) const {
  return posix_error(error_number, "store directory " + path_ + ": " + what);
}

Status StoreDirectory::open_root(const std::string& path) {
  path_ = path;
  if (path.empty()) return Error{Errc::invalid_argument, "the store directory has no name"};
  std::error_code error;
  path_ = std::filesystem::absolute(path, error).lexically_normal().string();
  while (path_.size() > 1 && path_.back() == '/')
    path_.pop_back();
  const bool created = std::filesystem::create_directories(path_, error);
  if (error) return failed(error.value(), "cannot be created");
  if (created) sync_parent_of(path_);
  root_ = Fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return root_.valid() ? Status{} : Status(failed(errno, "cannot be opened"));
}

Result<Fd> StoreDirectory::open_folder(int parent, const std::string& name, mode_t mode) {
  if (::mkdirat(parent, name.c_str(), mode) != 0 && errno != EEXIST) {
    const int error = errno;
    // On a read-only disk an existing folder is reported as EROFS by some file systems: opening it decides.
    if (error != EROFS) return failed(error, "cannot create " + name);
  }
  auto folder = open_below(parent, name, O_RDONLY | O_DIRECTORY);
  if (!folder) return Error{folder.code(), "store directory " + path_ + ": " + folder.error().message};
  return folder;
}

Status StoreDirectory::open_meta() {
  auto folder = open_folder(root(), kMetaDirectory, 0700);
  if (!folder) return std::move(folder).error();
  meta_ = std::move(*folder);
  return {};
}

Status StoreDirectory::lock() {
  auto file = open_below(meta(), kLockFile, O_RDWR | O_CREAT, 0644);
  if (file.code() == Errc::read_only) {
    read_only_ = true;
    file = open_below(meta(), kLockFile, O_RDONLY);
  }
  if (!file) return Error{file.code(), "store directory " + path_ + " is not writable: " + file.error().message};
  lock_ = std::move(*file);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed(errno, "cannot be locked");
    return in_use_by(lock_.get(), ": stop it, or give this node a directory of its own");
  }
  if (read_only_) return {};
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_.get(), 0) != 0) return failed(errno, "cannot write the lock file");
  // The lock is the kernel's; the number only helps people. A full disk must not keep a node from starting.
  static_cast<void>(disk().write_all(lock_.get(), std::as_bytes(std::span(pid)), 0));
  return {};
}

/// The common lock is shared by the nodes that say that they share, and keeps out who does not.
Status StoreDirectory::lock_among_others() {
  auto file = open_below(meta(), kLockFile, O_RDWR | O_CREAT, 0644);
  if (!file) return Error{file.code(), "store directory " + path_ + " is not writable: " + file.error().message};
  lock_ = std::move(*file);
  if (::flock(lock_.get(), LOCK_SH | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed(errno, "cannot be locked");
    return in_use_by(lock_.get(), ", which does not share it: set \"shared\": true on every node, or give this one "
                                  "a directory of its own");
  }
  // The words are for people: what holds is the lock.
  if (::ftruncate(lock_.get(), 0) == 0) static_cast<void>(disk().write_all(lock_.get(), std::as_bytes(std::span(kSharedWords)), 0));
  auto folder = open_folder(meta(), own_name(), 0700);
  if (!folder) return std::move(folder).error();
  own_ = std::move(*folder);
  auto own_lock = open_below(own(), kLockFile, O_RDWR | O_CREAT, 0644);
  if (!own_lock) return Error{own_lock.code(), own_path() + ": " + own_lock.error().message};
  own_lock_ = std::move(*own_lock);
  if (::flock(own_lock_.get(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return failed(errno, "cannot be locked");
  return Error{Errc::locked, "store directory " + path_ + " is in use by another process that says it is node " +
                                 to_string(options_.shared_as) + " too: check NODE_ID"};
}

/// Several may come to an empty directory at a time; one of them makes the store.
Result<Fd> StoreDirectory::wait_for_setup() {
  auto file = open_below(meta(), kSetupFile, O_RDWR | O_CREAT, 0644);
  if (!file) return Error{file.code(), meta_path() + ": " + file.error().message};
  while (::flock(file->get(), LOCK_EX) != 0) {
    if (errno != EINTR) return failed(errno, "cannot be locked");
  }
  return file;
}

Error StoreDirectory::in_use_by(int lock_file, const std::string& advice) const {
  const auto text = read_small(lock_file);
  const std::string holder = text ? first_line(*text) : "";
  const std::string who = holder.empty()                     ? "another process"
                          : holder == first_line(kSharedWords) ? "nodes that share it (\"shared\": true)"
                                                             : "process " + holder;
  return {Errc::locked, "store directory " + path_ + " is in use by " + who + advice};
}

Result<std::string> StoreDirectory::read_meta_file(const std::string& name) const {
  auto file = open_below(meta(), name, O_RDONLY);
  if (!file) return std::move(file).error();
  return read_small(file->get());
}

/// Written aside, synced and renamed: a crash leaves either no file or the whole of it.
Status StoreDirectory::write_new(const std::string& name, const std::string& text) {
  const std::string aside = name + ".new";
  auto file = open_below(meta(), aside, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (!file) return Error{file.code(), "store directory " + path_ + ": " + file.error().message};
  int error = disk().write_all(file->get(), std::as_bytes(std::span(text)), 0);
  if (error == 0) error = disk().sync_data(file->get());
  if (error == 0 && ::renameat(meta(), aside.c_str(), meta(), name.c_str()) != 0) error = errno;
  return error == 0 ? Status{} : Status(failed(error, "cannot write " + name));
}

Status StoreDirectory::check_format() {
  auto text = read_meta_file(kFormatFile);
  if (text.code() == Errc::not_found && !read_only_) {
    return write_new(kFormatFile, std::string(kFormatWords) + std::to_string(kFormatVersion) + "\n");
  }
  if (!text) return Error{text.code(), "store directory " + path_ + ": " + text.error().message};
  const auto version = format_in(*text);
  if (!version) {
    return Error{Errc::format, "store directory " + path_ + ": .cloudp2p/format is damaged; it should read \"" +
                                   std::string(kFormatWords) + std::to_string(kFormatVersion) + "\""};
  }
  if (*version > kFormatVersion) {
    return Error{Errc::format, "store directory " + path_ + " has format " + std::to_string(*version) +
                                   ", this program knows " + std::to_string(kFormatVersion) + ": install a newer one"};
  }
  return {};
}

Status StoreDirectory::open_folders() {
  struct Folder {
    const char* name;
    Fd StoreDirectory::*fd;
  };
  for (const Folder& folder :
       {Folder{"incoming", &StoreDirectory::incoming_}, Folder{"quarantine", &StoreDirectory::quarantine_},
        Folder{"trash", &StoreDirectory::trash_}}) {
    auto opened = open_folder(meta(), folder.name, 0755);
    if (!opened) return std::move(opened).error();
    this->*folder.fd = std::move(*opened);
  }
  return {};
}

Status StoreDirectory::open_sentinel(Entropy& entropy) {
  auto text = read_meta_file(kSentinelFile);
  if (!text && text.code() != Errc::not_found) return std::move(text).error();
  const Sentinel found = text ? sentinel_in(*text) : Sentinel{};
  is_copy_ = found.copy;
  // Of a shared one every machine may be shown another number.
  const bool notices = options_.notice_copies && options_.shared_as == kNobody;
  if (found.id && found.mark && (!notices || same_directory(*found.mark, mark_of(meta())))) {
    store_id_ = *found.id;
    return {};
  }
  const bool copied = found.id && found.mark;
  if (read_only_ && found.id && !copied) {
    store_id_ = *found.id;
    return {};
  }
  if (read_only_) {
    return Error{Errc::read_only, "store directory " + path_ + " is read-only and " +
                                      (copied ? "a copy of another: make it writable" : "was never used")};
  }
  if (copied) {
    is_copy_ = true;
    if (Status status = set_aside({kStateFile, kCatalogFile, kCatalogLogFile}); !status) return status;
  }
  // A store of an earlier build keeps its id and gets its mark now.
  store_id_ = found.id && !copied ? *found.id : entropy.draw<StoreId>().hex();
  return write_sentinel();
}

Status StoreDirectory::write_sentinel() {
  const DirectoryMark mark = mark_of(meta());
  return write_new(kSentinelFile, store_id_ + "\n" + std::string(kMarkWord) + std::to_string(mark.inode) + " " +
                                      std::to_string(mark.born_ns) + "\n" + (is_copy_ ? kCopyLine : ""));
}

Status StoreDirectory::settle_copy() {
  is_copy_ = false;
  return write_sentinel();
}

Status StoreDirectory::set_aside(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    Status moved;
    for (unsigned attempt = 1; attempt <= kAsideMax; ++attempt) {
      const std::string target = name + (attempt > 1 ? "~" + std::to_string(attempt) : "");
      moved = move_file(meta(), name, quarantine(), target);
      if (moved.code() != Errc::exists) break;
    }
    if (!moved && moved.code() != Errc::not_found) {
      return Error{moved.code(), "store directory " + path_ + ": " + moved.error().message};
    }
  }
  for (const int directory : {quarantine(), meta()}) {
    if (const int error = disk().sync_directory(directory); error != 0) {
      return failed(error, "cannot make the directory durable");
    }
  }
  return {};
}

Status StoreDirectory::check_disk() const {
  const std::string advice =
      "store directory " + path_ + " is no longer the disk that was opened: mount it and restart";
  const Fd folder(::open(meta_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder.valid()) return Error{Errc::io, posix_error(errno, advice).message};
  const auto file = open_below(folder.get(), kSentinelFile, O_RDONLY);
  if (!file) return Error{Errc::io, advice + ": " + file.error().message};
  // Of the folder and not of the file: layered file systems tell the device of a lower layer for files.
  struct stat now {};
  struct stat opened {};
  if (::fstat(folder.get(), &now) != 0 || ::fstat(meta(), &opened) != 0) return posix_error(errno, advice);
  const auto text = read_small(file->get());
  if (!text) return Error{Errc::io, advice + ": " + text.error().message};
  if (now.st_dev != opened.st_dev || first_line(*text) != store_id_) return Error{Errc::io, advice};
  return {};
}

Status StoreDirectory::check_sentinel() const {
  if (Status there = check_disk(); !there) return there;
  return fence_ ? fence_() : Status();
}

Result<std::uint64_t> StoreDirectory::free_bytes() const {
  const auto space = space_of(root());
  if (!space) return space.error();
  const std::uint64_t floor = floor_of(options_.space, space->total);
  return space->available > floor ? space->available - floor : 0;
}

bool StoreDirectory::tend_reserve() {
  const std::uint64_t wanted = options_.space.reserve_bytes;
  if (read_only_ || wanted == 0) return false;
  const std::lock_guard guard(reserve_mutex_);
  const auto space = space_of(root());
  if (!space) return false;
  const bool short_of_room = space->available < wanted / 2;
  const bool plenty = space->available > floor_of(options_.space, space->total) + 2 * wanted;
  if (reserve_held_ ? !short_of_room : !plenty && !short_of_room) return false;
  auto file = open_below(meta(), kReserveFile, O_WRONLY | O_CREAT, 0600);
  if (!file) return false;
  if (short_of_room) {
    const bool held = std::exchange(reserve_held_, ::ftruncate(file->get(), 0) != 0);
    return held && !reserve_held_;
  }
  reserve_held_ = ::posix_fallocate(file->get(), 0, static_cast<off_t>(wanted)) == 0;
  return false;
}

}  // namespace cloudp2p::store
