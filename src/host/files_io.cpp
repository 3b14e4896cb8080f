#include "host/files.hpp"

#include <cloudp2p/detail/types.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace cloudp2p::host {
namespace {

Errc code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR: return Errc::not_found;
    case EACCES:
    case EPERM: return Errc::permission;
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG: return Errc::invalid_argument;
    default: return Errc::io;  // Full disks too: Errc::full speaks of the cluster's.
  }
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Error file_error(const std::string& path, const std::string& what, int error_number) {
  return {code_of(error_number), path + ": " + what + ": " + std::generic_category().message(error_number)};
}

Status write_fully(int fd, ByteView bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return file_error(path, "cannot be written", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::size_t> read_fully(int fd, std::span<std::byte> out, std::uint64_t offset, const std::string& path) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(path, "cannot be read", errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<Descriptor> temporary_file() {
  const char* chosen = std::getenv("TMPDIR");
  const std::string folder = chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
  Descriptor nameless(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (nameless.get() >= 0) return nameless;
  std::string path = folder + "/cloudp2p-XXXXXX";  // Not every file system knows O_TMPFILE.
  Descriptor named(::mkostemp(path.data(), O_CLOEXEC));
  if (named.get() < 0) return file_error(folder, "takes no temporary file (set TMPDIR to a folder that does)", errno);
  ::unlink(path.c_str());
  return named;
}

std::string upload_name(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/') + 1;
  const std::size_t slash = end == 0 ? std::string::npos : path.rfind('/', end - 1);
  std::string_view rest = std::string_view(path).substr(0, end);
  if (slash != std::string::npos) rest.remove_prefix(slash + 1);
  std::string out;
  while (!rest.empty()) {
    const std::size_t length = detail::utf8_length(rest);
    const std::string_view piece = length == 0 ? std::string_view("\xef\xbf\xbd") : rest.substr(0, length);
    if (out.size() + piece.size() > limits::kNameBytesMax) break;
    out += piece;
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace cloudp2p::host
