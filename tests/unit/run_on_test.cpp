#include "host/run_on.hpp"
#include "support/silent_log.hpp"

#include <doctest/doctest.h>

#include <new>

using namespace cloudp2p;

TEST_CASE("memory that runs out on another thread is an exception for who waits there, not an endless wait") {
  support::SilentLog log;
  asio_net::ThreadRunner thread("test", log);
  thread.start();
  CHECK_THROWS_AS(host::run_on(thread, []() -> int { throw std::bad_alloc(); }), std::bad_alloc);
  CHECK(host::run_on(thread, [] { return 7; }) == 7);
}
