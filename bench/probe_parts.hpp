// What leader and follower of the replication probe have in common: sockets, sealing, and files made durable in groups.
#pragma once

#include <sodium.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

inline constexpr std::size_t kProbeUnitBytes = 64 * 1024;
inline constexpr std::size_t kProbeWritebackBytes = 2 * 1024 * 1024;
inline constexpr std::size_t kProbeTagBytes = crypto_aead_chacha20poly1305_ietf_ABYTES;

struct UnitHeader {
  std::uint32_t image = 0;
  std::uint32_t plain_bytes = 0;
  std::uint32_t last = 0;
};

/// A connected TCP socket; every call moves all of its bytes or throws. `receive` answers false at the end.
class Stream {
 public:
  explicit Stream(int fd);
  Stream(Stream&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Stream& operator=(Stream&&) = delete;
  ~Stream();
  [[nodiscard]] static Stream connect(std::uint16_t port);
  /// False: the other side has left.
  [[nodiscard]] bool send(std::span<const std::byte> bytes) const;
  [[nodiscard]] bool receive(std::span<std::byte> bytes) const;
  /// Whatever there is, at least one byte; 0 at the end.
  [[nodiscard]] std::size_t receive_some(std::span<std::byte> bytes) const;
  void shut() const;

 private:
  int fd_;
};

class Listener {
 public:
  Listener();
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] Stream accept() const;

 private:
  int fd_;
};

/// One direction of a connection. The key is of no interest here: every process has the same.
class ProbeCipher {
 public:
  /// Header and sealed unit, ready to be sent; valid until the next call.
  [[nodiscard]] std::span<const std::byte> seal(const UnitHeader& header, std::span<const std::byte> plain);
  /// In place; the tag is behind the plain bytes.
  [[nodiscard]] bool open(std::span<std::byte> sealed);

 private:
  void next_nonce();
  std::array<unsigned char, crypto_aead_chacha20poly1305_ietf_KEYBYTES> key_{};
  std::array<unsigned char, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> nonce_{};
  std::vector<std::byte> out_ = std::vector<std::byte>(sizeof(UnitHeader) + kProbeUnitBytes + kProbeTagBytes);
};

/// Files that become durable together with whatever else waits.
class DurableFiles {
 public:
  using Durable = std::function<void(const std::vector<std::uint32_t>& images)>;
  DurableFiles(const std::filesystem::path& folder, bool whole_filesystem, Durable durable);
  ~DurableFiles();
  DurableFiles(const DurableFiles&) = delete;
  DurableFiles& operator=(const DurableFiles&) = delete;

  [[nodiscard]] int create(std::uint32_t image) const;
  static void append(int fd, std::span<const std::byte> bytes);
  /// Lets the disk begin before the sync asks for it.
  static void start_writeback(int fd, std::size_t from, std::size_t to);
  /// Takes over the descriptor.
  void commit(std::uint32_t image, int fd);

 private:
  struct File {
    std::uint32_t image;
    int fd;
  };
  void run();
  void sync(const std::vector<File>& group) const;

  const int folder_;
  const bool whole_filesystem_;
  const Durable durable_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<File> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace bench
