#include "notify_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

namespace server {

NotifySocket::NotifySocket(const char* address) {
  if (address == nullptr || (address[0] != '/' && address[0] != '@')) return;
  const std::size_t length = std::strlen(address);
  sockaddr_un to{};
  if (length < 2 || length >= sizeof to.sun_path) return;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address, length);
  if (address[0] == '@') to.sun_path[0] = '\0';  // An abstract name has its length, and no terminator.
  descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  if (descriptor_ < 0 || ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), size) == 0) return;
  ::close(descriptor_);
  descriptor_ = -1;
}

NotifySocket::~NotifySocket() {
  if (listened_to()) ::close(descriptor_);
}

void NotifySocket::send(const std::string& lines) const {
  if (listened_to()) (void)::send(descriptor_, lines.data(), lines.size(), MSG_NOSIGNAL);
}

}  // namespace server
