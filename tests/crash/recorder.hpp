// Sees every system call of this process that changes a recorded folder: also those of SQLite and the standard library.
//
// How:       the executable defines openat, pwrite and their kin itself (interposed_calls.cpp), so that every library in
//            the process calls these. Outside of recorded folders they only pass the call on.
// Thread:    any. Calls in recorded folders are made one at a time, so that their order is known.
// Limits:    absolute paths, or names below an open folder; memory maps are not seen, and nobody here writes by one.
#pragma once

#include "crash/disk_model.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>

#include <sys/types.h>

namespace crash {

class Recorder {
 public:
  static Recorder& instance();

  /// A folder, by its absolute path, that holds this image; the number of its log.
  [[nodiscard]] std::size_t begin(cloudp2p::NodeId node, const std::string& root, const DiskImage& holds = {});
  /// Before a message leaves that says so. What was promised already is not noted twice.
  void told(std::size_t log, const RecordPromise& promise);
  void told(std::size_t log, const StatePromise& promise);
  /// Stops recording, of nodes that have ended; the logs, in the order of `begin`.
  [[nodiscard]] std::vector<DiskLog> end();

  // What the process calls. Result and errno are those of the system.
  int open(int folder, const char* path, int flags, mode_t mode);
  int close(int fd);
  ssize_t write(int fd, const void* bytes, std::size_t size, off64_t offset, bool at_offset);
  int resize(int fd, const char* call, off64_t size, bool only_grow);
  int sync(int fd, const char* call);
  int rename(int from_folder, const char* from, int to_folder, const char* to, unsigned flags);
  int link(int from_folder, const char* from, int to_folder, const char* to, int flags);
  int unlink(int folder, const char* path, int flags);
  int mkdir(int folder, const char* path, mode_t mode);

 private:
  struct Recorded {
    DiskLog log;
    std::map<Name, Inode> names;
    Inode last = kRoot;
  };
  struct Open {
    std::size_t log = 0;
    Inode inode = kNothing;
    bool is_folder = false;
  };
  struct Place {
    std::size_t log = 0;
    Name name;  ///< Empty text: the folder itself.
  };

  using Hold = std::unique_lock<std::mutex>;

  [[nodiscard]] Hold hold() const;
  [[nodiscard]] std::optional<Place> place_of(const Hold& lock, int folder, const char* path) const;
  [[nodiscard]] Inode inode_at(const Place& place) const;
  [[nodiscard]] const Open* find(const Hold& lock, int fd) const;
  void note(std::size_t log, DiskCall call) { logs_[log].log.calls.push_back(std::move(call)); }
  void note_made(const Place& place, const char* call, bool is_folder);
  void note_opened(int fd, const Place& place, int flags);

  std::atomic<bool> recording_{false};
  mutable std::mutex mutex_;
  std::vector<Recorded> logs_;
  std::map<int, Open> open_;
};

}  // namespace crash
