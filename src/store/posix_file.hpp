// POSIX files in our terms: errno as Error, whole reads and writes, and the calls that tests make fail.
//
// Purpose:   one place that knows which errno is which Errc, and that EINTR and short transfers are not errors.
// Thread:    any.
// Errors:    functions that return int return 0 or an errno.
#pragma once

#include "store/fd.hpp"

#include <cloudp2p/error.hpp>
#include <cloudp2p/types.hpp>

#include <sys/types.h>

#include <functional>
#include <string>

namespace cloudp2p::store {

/// "cannot write /data/x: No space left on device", under the code that a caller acts on.
[[nodiscard]] Error posix_error(int error_number, const std::string& what_failed);

/// The system calls by which bytes become durable. Virtual, so that a test can be the broken disk.
class DiskCalls {
 public:
  virtual ~DiskCalls() = default;
  [[nodiscard]] virtual int write_all(int fd, ByteView bytes, std::uint64_t offset);
  [[nodiscard]] virtual int sync_data(int fd);
  [[nodiscard]] virtual int sync_filesystem(int fd);
  [[nodiscard]] virtual int sync_directory(int fd);
};

/// Opens one path component below a directory; never follows a symbolic link, never leaks into a child process.
[[nodiscard]] Result<Fd> open_below(int directory, const std::string& name, int flags, mode_t mode = 0);

/// Fills `out` from `offset` as far as the file reaches; the number of bytes read.
[[nodiscard]] Result<std::size_t> read_at(int fd, std::span<std::byte> out, std::uint64_t offset);

/// The whole of a small file (at most 4 KiB of it).
[[nodiscard]] Result<std::string> read_small(int fd);

/// Calls `visit` with every name in the directory but "." and ".."; in no order.
[[nodiscard]] Status for_each_name(int directory, const std::function<void(const char* name)>& visit);

}  // namespace cloudp2p::store
