#include "store/posix_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>

namespace cloudp2p::store {
namespace {

Errc code_of(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT: return Errc::full;
    case EROFS: return Errc::read_only;
    case ENOENT:
    case ELOOP:  // a symbolic link where a file of ours should be
      return Errc::not_found;
    case EMFILE:
    case ENFILE:
    case ENOMEM: return Errc::busy;
    case EACCES:
    case EPERM: return Errc::permission;
    case EEXIST: return Errc::exists;
    case ENAMETOOLONG: return Errc::invalid_argument;
    default: return Errc::io;
  }
}

struct CloseDirectory {
  void operator()(DIR* stream) const noexcept { ::closedir(stream); }
};

}  // namespace

Error posix_error(int error_number, const std::string& what_failed) {
  return {code_of(error_number), what_failed + ": " + std::generic_category().message(error_number)};
}

int DiskCalls::write_all(int fd, ByteView bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return EIO;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return 0;
}

int DiskCalls::sync_data(int fd) {
  return ::fdatasync(fd) == 0 ? 0 : errno;
}
int DiskCalls::sync_filesystem(int fd) {
  return ::syncfs(fd) == 0 ? 0 : errno;
}
int DiskCalls::sync_directory(int fd) {
  return ::fsync(fd) == 0 ? 0 : errno;
}

Result<Fd> open_below(int directory, const std::string& name, int flags, mode_t mode) {
  for (;;) {
    const int fd = ::openat(directory, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd >= 0) return Fd(fd);
    if (errno != EINTR) return posix_error(errno, "cannot open " + name);
  }
}

Result<std::size_t> read_at(int fd, std::span<std::byte> out, std::uint64_t offset) {
  std::size_t total = 0;
  while (total < out.size()) {
    const auto at = static_cast<off_t>(offset + total);
    const ssize_t got = ::pread(fd, out.data() + total, out.size() - total, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return posix_error(errno, "cannot read");
    if (got == 0) break;
    total += static_cast<std::size_t>(got);
  }
  return total;
}

Result<std::string> read_small(int fd) {
  std::array<std::byte, 4096> bytes;
  auto got = read_at(fd, bytes, 0);
  if (!got) return std::move(got).error();
  std::string text(*got, '\0');
  std::memcpy(text.data(), bytes.data(), *got);
  return text;
}

Status for_each_name(int directory, const std::function<void(const char*)>& visit) {
  Fd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own.valid()) return posix_error(errno, "cannot list a directory");
  const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(own.get()));
  if (!stream) return posix_error(errno, "cannot list a directory");
  static_cast<void>(own.release());  // the stream closes it
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") visit(entry->d_name);
  }
  return errno == 0 ? Status{} : Status(posix_error(errno, "cannot list a directory"));
}

}  // namespace cloudp2p::store
