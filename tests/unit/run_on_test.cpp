#include "host/run_on.hpp"

#include <doctest/doctest.h>

#include <new>

using namespace cloudp2p;

namespace {

struct Silent final : LogSink {
  void log(LogLevel, std::string_view) override {}
};

}  // namespace

TEST_CASE("memory that runs out on another thread is an exception for who waits there, not an endless wait") {
  Silent log;
  asio_net::ThreadRunner thread("test", log);
  thread.start();
  CHECK_THROWS_AS(host::run_on(thread, []() -> int { throw std::bad_alloc(); }), std::bad_alloc);
  CHECK(host::run_on(thread, [] { return 7; }) == 7);
}
