#include "probe_parts.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace bench {
namespace {

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("probe: ") + what + ": " + std::strerror(errno));
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

unsigned char* raw(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

}  // namespace

Stream::Stream(int fd) : fd_(fd) {
  check(fd >= 0, "no connection");
  constexpr int kOn = 1;
  constexpr int kBufferBytes = 4 * 1024 * 1024;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof kBufferBytes);
}

Stream::~Stream() {
  if (fd_ >= 0) ::close(fd_);
}

Stream Stream::connect(std::uint16_t port) {
  Stream out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  check(::connect(out.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
  return out;
}

bool Stream::send(std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return false;
    check(sent > 0, "send");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Stream::receive(std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const std::size_t got = receive_some(bytes);
    if (got == 0) return false;
    bytes = bytes.subspan(got);
  }
  return true;
}

std::size_t Stream::receive_some(std::span<std::byte> bytes) const {
  const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

void Stream::shut() const {
  ::shutdown(fd_, SHUT_RDWR);
}

Listener::Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in address = loopback(0);
  check(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  check(::listen(fd_, 1) == 0, "listen");
}

Listener::~Listener() {
  ::close(fd_);
}

std::uint16_t Listener::port() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  check(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  return ntohs(address.sin_port);
}

Stream Listener::accept() const {
  return Stream(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
}

void ProbeCipher::next_nonce() {
  sodium_increment(nonce_.data(), nonce_.size());
}

std::span<const std::byte> ProbeCipher::seal(const UnitHeader& header, std::span<const std::byte> plain) {
  next_nonce();
  std::memcpy(out_.data(), &header, sizeof header);
  unsigned long long sealed_bytes = 0;
  crypto_aead_chacha20poly1305_ietf_encrypt(raw(out_.data() + sizeof header), &sealed_bytes, raw(plain.data()),
                                            plain.size(), nullptr, 0, nullptr, nonce_.data(), key_.data());
  return {out_.data(), sizeof header + static_cast<std::size_t>(sealed_bytes)};
}

bool ProbeCipher::open(std::span<std::byte> sealed) {
  next_nonce();
  return crypto_aead_chacha20poly1305_ietf_decrypt(raw(sealed.data()), nullptr, nullptr, raw(sealed.data()),
                                                   sealed.size(), nullptr, 0, nonce_.data(), key_.data()) == 0;
}

DurableFiles::DurableFiles(const std::filesystem::path& folder, bool whole_filesystem, Durable durable)
    : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      whole_filesystem_(whole_filesystem),
      durable_(std::move(durable)),
      thread_([this] { run(); }) {}

DurableFiles::~DurableFiles() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  ::close(folder_);
}

int DurableFiles::create(std::uint32_t image) const {
  const std::string name = std::to_string(image);
  const int fd = ::openat(folder_, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  check(fd >= 0, "create");
  return fd;
}

void DurableFiles::append(int fd, std::span<const std::byte> bytes) {
  check(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "write");
}

void DurableFiles::start_writeback(int fd, std::size_t from, std::size_t to) {
  ::sync_file_range(fd, static_cast<off64_t>(from), static_cast<off64_t>(to - from), SYNC_FILE_RANGE_WRITE);
}

void DurableFiles::commit(std::uint32_t image, int fd) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({image, fd});
  }
  wake_.notify_one();
}

void DurableFiles::run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::vector<File> group = std::exchange(waiting_, {});
    lock.unlock();
    sync(group);
    std::vector<std::uint32_t> images;
    for (const File& file : group) {
      ::close(file.fd);
      images.push_back(file.image);
    }
    durable_(images);
  }
}

void DurableFiles::sync(const std::vector<File>& group) const {
  if (whole_filesystem_ && group.size() > 2) {
    check(::syncfs(folder_) == 0, "syncfs");
    return;
  }
  for (const File& file : group)
    check(::fsync(file.fd) == 0, "fsync");
  check(::fsync(folder_) == 0, "fsync");
}

}  // namespace bench
