// The system calls that change files, as this executable and every library in it call them.
#include "crash/recorder.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

#define EXPORTED extern "C" [[gnu::visibility("default")]]

namespace {

crash::Recorder& recorder() {
  return crash::Recorder::instance();
}

mode_t mode_in(int flags, va_list arguments) {
  const bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return has_mode ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace

#define OPEN_BELOW(folder, path, flags)             \
  va_list arguments;                                \
  va_start(arguments, flags);                       \
  const mode_t mode = mode_in((flags), arguments);  \
  va_end(arguments);                                \
  return recorder().open((folder), (path), (flags), mode)

EXPORTED int open(const char* path, int flags, ...) { OPEN_BELOW(AT_FDCWD, path, flags); }
EXPORTED int open64(const char* path, int flags, ...) { OPEN_BELOW(AT_FDCWD, path, flags); }
EXPORTED int openat(int folder, const char* path, int flags, ...) { OPEN_BELOW(folder, path, flags); }
EXPORTED int openat64(int folder, const char* path, int flags, ...) { OPEN_BELOW(folder, path, flags); }
EXPORTED int close(int fd) { return recorder().close(fd); }

EXPORTED ssize_t write(int fd, const void* bytes, size_t size) { return recorder().write(fd, bytes, size, 0, false); }
EXPORTED ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  return recorder().write(fd, bytes, size, offset, true);
}
EXPORTED ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  return recorder().write(fd, bytes, size, offset, true);
}

EXPORTED int ftruncate(int fd, off_t size) noexcept { return recorder().resize(fd, "ftruncate", size, false); }
EXPORTED int ftruncate64(int fd, off64_t size) noexcept { return recorder().resize(fd, "ftruncate", size, false); }
EXPORTED int posix_fallocate(int fd, off_t offset, off_t size) {
  return recorder().resize(fd, "fallocate", offset + size, true) == 0 ? 0 : errno;
}
EXPORTED int posix_fallocate64(int fd, off64_t offset, off64_t size) {
  return recorder().resize(fd, "fallocate", offset + size, true) == 0 ? 0 : errno;
}

EXPORTED int fsync(int fd) { return recorder().sync(fd, "fsync"); }
EXPORTED int fdatasync(int fd) { return recorder().sync(fd, "fdatasync"); }
EXPORTED int syncfs(int fd) noexcept { return recorder().sync(fd, "syncfs"); }

EXPORTED int rename(const char* from, const char* to) noexcept {
  return recorder().rename(AT_FDCWD, from, AT_FDCWD, to, 0);
}
EXPORTED int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return recorder().rename(from_folder, from, to_folder, to, 0);
}
EXPORTED int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  return recorder().rename(from_folder, from, to_folder, to, flags);
}
EXPORTED int link(const char* from, const char* to) noexcept {
  return recorder().link(AT_FDCWD, from, AT_FDCWD, to, 0);
}
EXPORTED int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return recorder().link(from_folder, from, to_folder, to, flags);
}
EXPORTED int unlink(const char* path) noexcept { return recorder().unlink(AT_FDCWD, path, 0); }
EXPORTED int unlinkat(int folder, const char* path, int flags) noexcept {
  return recorder().unlink(folder, path, flags);
}
EXPORTED int rmdir(const char* path) noexcept { return recorder().unlink(AT_FDCWD, path, AT_REMOVEDIR); }
EXPORTED int mkdir(const char* path, mode_t mode) noexcept { return recorder().mkdir(AT_FDCWD, path, mode); }
EXPORTED int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return recorder().mkdir(folder, path, mode);
}
