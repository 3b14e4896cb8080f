// Small things that every TCP connection here needs.
#pragma once

#include "asio/visible_asio.hpp"

#include <cloudp2p/error.hpp>
#include <cloudp2p/transport.hpp>

#include <string>

namespace cloudp2p::asio_net {

using asio::ip::tcp;

/// "127.0.0.1:41234", "[::1]:7001"
[[nodiscard]] std::string to_text(const tcp::endpoint& endpoint);

/// Non-blocking, no Nagle, dead peers noticed within about ten seconds. Failures are ignored: none is essential.
void tune(tcp::socket& socket) noexcept;

/// Writes without waiting; false when not everything fitted or the connection is broken.
[[nodiscard]] bool write_now(tcp::socket& socket, ByteView bytes) noexcept;

/// "the connection was reset": the system's sentence for a broken connection, as an Error of ours.
[[nodiscard]] Error broken(const std::string& remote, const std::error_code& error);

}  // namespace cloudp2p::asio_net
