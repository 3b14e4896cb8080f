#include "asio/socket.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace cloudp2p::asio_net {
namespace {

constexpr int kUserTimeoutMs = 10'000;
constexpr int kKeepAliveIdleS = 5;
constexpr int kKeepAliveIntervalS = 2;
constexpr int kKeepAliveProbes = 3;

void set_tcp_option(int fd, int option, int setting) noexcept {
  ::setsockopt(fd, IPPROTO_TCP, option, &setting, sizeof setting);
}

}  // namespace

std::string to_text(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

void tune(tcp::socket& socket) noexcept {
  std::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const int fd = socket.native_handle();
  set_tcp_option(fd, TCP_USER_TIMEOUT, kUserTimeoutMs);
  set_tcp_option(fd, TCP_KEEPIDLE, kKeepAliveIdleS);
  set_tcp_option(fd, TCP_KEEPINTVL, kKeepAliveIntervalS);
  set_tcp_option(fd, TCP_KEEPCNT, kKeepAliveProbes);
}

bool write_now(tcp::socket& socket, ByteView bytes) noexcept {
  while (!bytes.empty()) {
    std::error_code error;
    const std::size_t written = socket.write_some(asio::buffer(bytes.data(), bytes.size()), error);
    if (error) return false;
    bytes = bytes.subspan(written);
  }
  return true;
}

Error broken(const std::string& remote, const std::error_code& error) {
  if (error == asio::error::eof) return {Errc::unreachable, remote + " ended the connection without a word"};
  return {Errc::unreachable, "connection with " + remote + " broke: " + error.message()};
}

}  // namespace cloudp2p::asio_net
