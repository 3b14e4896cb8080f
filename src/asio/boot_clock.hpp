// The clock that runs through suspend, read in one place.
#pragma once

#include <cloudp2p/types.hpp>

namespace cloudp2p::asio_net {

[[nodiscard]] TimePoint boot_now() noexcept;
/// Milliseconds since the Unix epoch.
[[nodiscard]] std::int64_t unix_ms() noexcept;

}  // namespace cloudp2p::asio_net
