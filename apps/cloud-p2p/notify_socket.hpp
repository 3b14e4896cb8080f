// The datagram socket on which a service tells its manager how it is: the protocol of sd_notify(3), without its
// library.
//
// Thread:    any. Errors: none; a manager that does not listen misses what is said.
#pragma once

#include <string>

namespace server {

class NotifySocket {
 public:
  /// `address`: a path, or "@name" in the abstract name space, as NOTIFY_SOCKET has it; empty or null: nobody listens.
  explicit NotifySocket(const char* address);
  ~NotifySocket();
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  [[nodiscard]] bool listened_to() const { return descriptor_ >= 0; }
  /// Lines of the form "NAME=value".
  void send(const std::string& lines) const;

 private:
  int descriptor_ = -1;
};

}  // namespace server
