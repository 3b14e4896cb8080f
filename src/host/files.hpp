// What the file sources and sinks of host.hpp have in common: a worker thread, descriptors and names.
//
// Thread:    each source or sink does its blocking work (reads, writes, syncs, hashing) on a worker of its own, which
//            starts with the first piece of work. Callbacks come on that worker; `ClientHost` carries them to its own.
// Ownership: destroying a source or a sink lets what is queued answer (a hash under way ends early, cancelled), then
//            joins. It may happen on the worker itself, when the last reference is inside a callback.
// Errors:    each names the file and what to do about it.
#pragma once

#include <cloudp2p/host.hpp>

#include <atomic>
#include <memory>
#include <string>

namespace cloudp2p::host {

class Worker {
 public:
  Worker();
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// In order, one after another.
  void post(Callback<void()> work);
  /// True once the worker is being destroyed: long work looks here and gives up.
  [[nodiscard]] std::shared_ptr<const std::atomic<bool>> stopping() const;

 private:
  struct State;
  class Thread;
  std::shared_ptr<State> state_;
  std::unique_ptr<Thread> thread_;
};

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

/// A file is read, hashed and copied in pieces of this size.
inline constexpr std::size_t kPieceBytes = 256 * 1024;

/// "photo.jpg: cannot be read: Permission denied", under the code that decides the exit status.
[[nodiscard]] Error file_error(const std::string& path, const std::string& what, int error_number);
[[nodiscard]] Status write_fully(int fd, ByteView bytes, const std::string& path);
/// Fewer bytes only at the end of the file.
[[nodiscard]] Result<std::size_t> read_fully(int fd, std::span<std::byte> out, std::uint64_t offset,
                                             const std::string& path);
/// A file without a name, below $TMPDIR or /tmp, gone when it is closed.
[[nodiscard]] Result<Descriptor> temporary_file();
/// The last component of a path as a name that the cluster takes: UTF-8, at most limits::kNameBytesMax bytes.
[[nodiscard]] std::string upload_name(const std::string& path);

}  // namespace cloudp2p::host
