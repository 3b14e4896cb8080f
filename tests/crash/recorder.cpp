#include "crash/recorder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#ifdef __SANITIZE_THREAD__
/// The sanitizer has to hear that a descriptor is closed: this executable's `close` hides its own.
extern "C" int __interceptor_close(int fd);
#endif

namespace crash {

Recorder& Recorder::instance() {
  static Recorder* const recorder = new Recorder;  // Never destroyed: libraries close files at exit.
  return *recorder;
}

std::size_t Recorder::begin(cloudp2p::NodeId node, const std::string& root, const DiskImage& holds) {
  const Hold lock(mutex_);
  const std::size_t number = logs_.size();
  logs_.push_back({});
  DiskLog& log = logs_.back().log;
  log.node = node;
  log.root = root;
  for (const auto& [path, content] : holds.entries) {
    const Place place = place_of(lock, AT_FDCWD, (root + "/" + path).c_str()).value();
    note_made(place, "", content == nullptr);
    if (!content) continue;
    note(number, {DiskCall::Kind::write, "", inode_at(place), {}, {}, 0, std::make_shared<const std::string>(content->bytes)});
  }
  note(number, {DiskCall::Kind::sync_all});
  log.given = log.calls.size();
  recording_ = true;
  return number;
}

std::vector<DiskLog> Recorder::end() {
  const std::lock_guard lock(mutex_);
  std::vector<DiskLog> out;
  for (Recorded& recorded : logs_) out.push_back(std::move(recorded.log));
  logs_.clear();
  recording_ = false;
  open_.clear();
  return out;
}

/// Nothing is held, or looked up, while nothing is recorded.
Recorder::Hold Recorder::hold() const {
  Hold lock;
  if (recording_) lock = Hold(mutex_);
  if (lock && !recording_) lock.unlock();
  return lock;
}

void Recorder::told(std::size_t log, const RecordPromise& promise) {
  const std::lock_guard lock(mutex_);
  DiskLog& to = logs_.at(log).log;
  to.promises.push_back({to.calls.size(), promise});
}

void Recorder::told(std::size_t log, const StatePromise& promise) {
  const std::lock_guard lock(mutex_);
  DiskLog& to = logs_.at(log).log;
  const auto same = [&](const Promise& earlier) {
    const auto* const state = std::get_if<StatePromise>(&earlier.what);
    return state != nullptr && *state == promise;
  };
  if (std::none_of(to.promises.begin(), to.promises.end(), same)) to.promises.push_back({to.calls.size(), promise});
}

const Recorder::Open* Recorder::find(const Hold& lock, int fd) const {
  if (!lock) return nullptr;
  const auto found = open_.find(fd);
  return found == open_.end() ? nullptr : &found->second;
}

/// Where a path leads, if that is in a recorded folder; its last part need not exist.
std::optional<Recorder::Place> Recorder::place_of(const Hold& lock, int folder, const char* path) const {
  if (!lock) return std::nullopt;
  std::string_view rest = path;
  Place out;
  if (rest.starts_with('/')) {
    const auto under = std::find_if(logs_.begin(), logs_.end(), [&](const Recorded& recorded) {
      const std::string& root = recorded.log.root;
      return rest.starts_with(root) && (rest.size() == root.size() || rest[root.size()] == '/');
    });
    if (under == logs_.end()) return std::nullopt;
    out.log = static_cast<std::size_t>(under - logs_.begin());
    out.name.folder = kRoot;
    rest.remove_prefix(under->log.root.size());
  } else {
    const Open* const opened = find(lock, folder);
    if (opened == nullptr || !opened->is_folder) return std::nullopt;
    out.log = opened->log;
    out.name.folder = opened->inode;
  }
  while (!rest.empty()) {
    const std::string part(rest.substr(0, rest.find('/')));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part.empty() || part == ".") continue;
    if (!out.name.text.empty()) out.name.folder = inode_at(out);
    out.name.text = part;
  }
  return out;
}

Inode Recorder::inode_at(const Place& place) const {
  if (place.name.text.empty()) return place.name.folder;
  const auto& names = logs_[place.log].names;
  const auto found = names.find(place.name);
  return found == names.end() ? kNothing : found->second;
}

int Recorder::open(int folder, const char* path, int flags, mode_t mode) {
  const auto lock = hold();
  const auto place = place_of(lock, folder, path);
  const int fd = static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
  if (fd >= 0 && place) note_opened(fd, *place, flags);
  return fd;
}

void Recorder::note_made(const Place& place, const char* call, bool is_folder) {
  Recorded& recorded = logs_[place.log];
  const Inode inode = recorded.names[place.name] = ++recorded.last;
  note(place.log, {DiskCall::Kind::name, call, inode, place.name, {}, 0, nullptr, is_folder});
}

void Recorder::note_opened(int fd, const Place& place, int flags) {
  Inode inode = inode_at(place);
  struct stat info {};
  ::fstat(fd, &info);
  if (inode == kNothing) {
    note_made(place, "openat", false);
    inode = inode_at(place);
  } else if ((flags & O_TRUNC) != 0) {
    note(place.log, {DiskCall::Kind::resize, "openat", inode});
  }
  open_[fd] = {place.log, inode, S_ISDIR(info.st_mode)};
}

int Recorder::close(int fd) {
  const auto lock = hold();
  if (lock) open_.erase(fd);
#ifdef __SANITIZE_THREAD__
  return __interceptor_close(fd);
#else
  return static_cast<int>(::syscall(SYS_close, fd));
#endif
}

ssize_t Recorder::write(int fd, const void* bytes, std::size_t size, off64_t offset, bool at_offset) {
  auto lock = hold();
  const Open* const file = find(lock, fd);
  if (file == nullptr) {
    if (lock.owns_lock()) lock.unlock();  // A pipe or a socket may wait for its reader.
    return at_offset ? ::syscall(SYS_pwrite64, fd, bytes, size, offset) : ::syscall(SYS_write, fd, bytes, size);
  }
  if (!at_offset) offset = ::lseek64(fd, 0, SEEK_CUR);
  const ssize_t written = at_offset ? ::syscall(SYS_pwrite64, fd, bytes, size, offset) : ::syscall(SYS_write, fd, bytes, size);
  if (written > 0) {
    auto copy = std::make_shared<const std::string>(static_cast<const char*>(bytes), static_cast<std::size_t>(written));
    note(file->log, {DiskCall::Kind::write, at_offset ? "pwrite" : "write", file->inode, {}, {},
                     static_cast<std::uint64_t>(offset), std::move(copy)});
  }
  return written;
}

int Recorder::resize(int fd, const char* call, off64_t size, bool only_grow) {
  const auto lock = hold();
  const Open* const file = find(lock, fd);
  struct stat before {};
  if (file != nullptr) ::fstat(fd, &before);
  const int result = static_cast<int>(only_grow ? ::syscall(SYS_fallocate, fd, 0, off64_t{0}, size)
                                                : ::syscall(SYS_ftruncate, fd, size));
  if (result == 0 && file != nullptr && !(only_grow && before.st_size >= size)) {
    note(file->log, {DiskCall::Kind::resize, call, file->inode, {}, {}, static_cast<std::uint64_t>(size)});
  }
  return result;
}

int Recorder::sync(int fd, const char* call) {
  const auto lock = hold();
  const bool all = std::string_view(call) == "syncfs";
  const int number = all ? SYS_syncfs : std::string_view(call) == "fsync" ? SYS_fsync : SYS_fdatasync;
  const Open* const file = find(lock, fd);
  const int result = static_cast<int>(::syscall(number, fd));
  if (result == 0 && file != nullptr) {
    note(file->log, {all ? DiskCall::Kind::sync_all : DiskCall::Kind::sync, call, file->inode});
  }
  return result;
}

int Recorder::rename(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  const auto lock = hold();
  const auto source = place_of(lock, from_folder, from);
  const auto target = place_of(lock, to_folder, to);
  const int result = static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
  if (result == 0 && source && target) {
    auto& names = logs_[source->log].names;
    const Inode inode = inode_at(*source);
    names.erase(source->name);
    names[target->name] = inode;
    note(source->log, {DiskCall::Kind::rename, "renameat2", inode, target->name, source->name});
  }
  return result;
}

int Recorder::link(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  const auto lock = hold();
  const auto source = place_of(lock, from_folder, from);
  const auto target = place_of(lock, to_folder, to);
  const int result = static_cast<int>(::syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
  if (result == 0 && source && target) {
    const Inode inode = logs_[target->log].names[target->name] = inode_at(*source);
    note(target->log, {DiskCall::Kind::name, "linkat", inode, target->name});
  }
  return result;
}

int Recorder::unlink(int folder, const char* path, int flags) {
  const auto lock = hold();
  const auto place = place_of(lock, folder, path);
  const int result = static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags));
  if (result == 0 && place) {
    logs_[place->log].names.erase(place->name);
    note(place->log, {DiskCall::Kind::name, "unlinkat", kNothing, place->name});
  }
  return result;
}

int Recorder::mkdir(int folder, const char* path, mode_t mode) {
  const auto lock = hold();
  const auto place = place_of(lock, folder, path);
  const int result = static_cast<int>(::syscall(SYS_mkdirat, folder, path, mode));
  if (result == 0 && place) note_made(*place, "mkdirat", true);
  return result;
}

}  // namespace crash
