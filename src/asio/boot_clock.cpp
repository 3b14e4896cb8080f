#include "asio/boot_clock.hpp"

#include <ctime>

namespace cloudp2p::asio_net {
namespace {

std::int64_t nanoseconds_of(clockid_t clock) noexcept {
  timespec at{};
  ::clock_gettime(clock, &at);
  return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

}  // namespace

TimePoint boot_now() noexcept {
  return TimePoint(Duration(nanoseconds_of(CLOCK_BOOTTIME)));
}

std::int64_t unix_ms() noexcept {
  return nanoseconds_of(CLOCK_REALTIME) / 1'000'000;
}

}  // namespace cloudp2p::asio_net
