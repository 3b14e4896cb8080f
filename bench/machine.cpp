#include "machine.hpp"

#include "clock.hpp"
#include "cluster.hpp"
#include "crypto/digest.hpp"

#include <sodium.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr std::size_t kUnitBytes = 64 * 1024;

/// How often `work` can be done in a second.
template <class Work>
double per_second(double seconds, Work work) {
  work();
  std::size_t done = 0;
  const Instant start = Clock::now();
  while (seconds_since(start) < seconds) {
    work();
    ++done;
  }
  return static_cast<double>(done) / seconds_since(start);
}

double seal_gb_per_second(double seconds) {
  std::vector<unsigned char> plain(kUnitBytes, 1);
  std::vector<unsigned char> sealed(kUnitBytes + crypto_aead_chacha20poly1305_ietf_ABYTES);
  const std::vector<unsigned char> key(crypto_aead_chacha20poly1305_ietf_KEYBYTES, 2);
  std::array<unsigned char, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> nonce{};
  return per_second(seconds,
                    [&] {
                      unsigned long long size = 0;
                      sodium_increment(nonce.data(), nonce.size());
                      crypto_aead_chacha20poly1305_ietf_encrypt(sealed.data(), &size, plain.data(), plain.size(),
                                                                nullptr, 0, nullptr, nonce.data(), key.data());
                    }) *
         kUnitBytes / 1e9;
}

double hash_gb_per_second(double seconds) {
  const std::vector<std::byte> bytes(kUnitBytes, std::byte{1});
  cloudp2p::crypto::DigestHasher hasher;
  return per_second(seconds, [&] { hasher.update(bytes); }) * kUnitBytes / 1e9;
}

class File {
 public:
  explicit File(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ < 0) throw std::runtime_error("cannot create " + path.string());
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  void write(const std::vector<char>& bytes, std::size_t offset) const {
    if (::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) != static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("cannot write");
    }
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

double overwrites_per_second(const std::filesystem::path& folder, double seconds) {
  const File file(folder / "overwrite");
  const std::vector<char> block(4096, 'x');
  return per_second(seconds, [&] {
    file.write(block, 0);
    ::fdatasync(file.fd());
  });
}

double creations_per_second(const std::filesystem::path& folder, double seconds) {
  const std::vector<char> bytes(16 * 1024, 'x');
  std::size_t number = 0;
  return per_second(seconds, [&] {
    const File file(folder / ("new-" + std::to_string(number++)));
    file.write(bytes, 0);
    ::fsync(file.fd());
  });
}

/// Small files by one sync of the file system for 32 of them, as the store does for a group.
double grouped_creations_per_second(const std::filesystem::path& folder, double seconds) {
  const std::vector<char> bytes(16 * 1024, 'x');
  constexpr int kGroup = 32;
  std::size_t number = 0;
  return kGroup * per_second(seconds, [&] {
           for (int i = 0; i < kGroup; ++i) {
             const File file(folder / ("group-" + std::to_string(number++)));
             file.write(bytes, 0);
             if (i == kGroup - 1) ::syncfs(file.fd());
           }
         });
}

double write_mb_per_second(const std::filesystem::path& folder, std::size_t total_bytes) {
  const std::vector<char> piece(1024 * 1024, 'x');
  const File file(folder / "sequential");
  const Instant start = Clock::now();
  for (std::size_t at = 0; at < total_bytes; at += piece.size())
    file.write(piece, at);
  ::fsync(file.fd());
  return static_cast<double>(total_bytes) / 1e6 / seconds_since(start);
}

void receive_all(int from) {
  std::vector<char> buffer(256 * 1024);
  while (::recv(from, buffer.data(), buffer.size(), 0) > 0) {
  }
}

double loopback_gb_per_second(double seconds) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int sender = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, generic, size) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, generic, &size) != 0 || ::connect(sender, generic, size) != 0) {
    throw std::runtime_error("loopback does not work");
  }
  const int receiver = ::accept(listener, nullptr, nullptr);
  std::thread sink(receive_all, receiver);
  const std::vector<char> piece(256 * 1024, 'x');
  double sent = 0;
  const Instant start = Clock::now();
  while (seconds_since(start) < seconds)
    sent += static_cast<double>(std::max<ssize_t>(0, ::send(sender, piece.data(), piece.size(), 0)));
  const double rate = sent / 1e9 / seconds_since(start);
  ::shutdown(sender, SHUT_WR);
  sink.join();
  for (const int fd : {listener, sender, receiver})
    ::close(fd);
  return rate;
}

}  // namespace

void measure_machine(const Options& options, Report& report) {
  const double seconds = options.quick ? 0.3 : 1.0;
  const WorkFolder folder(options);
  report.add({"machine.seal", seal_gb_per_second(seconds), "GB/s", "", {}});
  report.add({"machine.hash", hash_gb_per_second(seconds), "GB/s",
              "BLAKE2b by " + std::string(cloudp2p::crypto::digest_library().name), {}});
  report.add({"machine.loopback", loopback_gb_per_second(seconds), "GB/s", "", {}});
  report.add({"machine.fdatasync", overwrites_per_second(folder.path(), seconds), "/s", "", {}});
  report.add({"machine.create+fsync", creations_per_second(folder.path(), seconds), "/s", "", {}});
  report.add({"machine.32 files+syncfs", grouped_creations_per_second(folder.path(), seconds), "files/s", "", {}});
  const std::size_t total = (options.quick ? std::size_t{64} : std::size_t{512}) << 20;
  report.add({"machine.write+fsync", write_mb_per_second(folder.path(), total), "MB/s", "", {}});
}

}  // namespace bench
