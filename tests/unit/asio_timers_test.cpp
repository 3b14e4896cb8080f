// Timers, executor, mailbox and failure log of the Asio adapter.
#include "asio/asio_timers.hpp"
#include "asio/asio_executor.hpp"
#include "asio/failure_log.hpp"
#include "asio/mailbox.hpp"
#include "asio/thread_runner.hpp"

#include <doctest/doctest.h>

#include <asio/post.hpp>

#include <future>

namespace cloudp2p::asio_net {
namespace {

using namespace std::chrono_literals;

struct LinesSink final : LogSink {
  void log(LogLevel, std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("timers fire in the order of their times, never inline and never early") {
  asio::io_context io;
  AsioTimers timers(io.get_executor());
  std::vector<int> fired;
  const TimePoint begun = timers.now();
  timers.at(begun + 20ms, [&] { fired.push_back(2); });
  timers.at(begun + 10ms, [&] { fired.push_back(1); });
  timers.at(begun - 1s, [&] { fired.push_back(0); });
  CHECK(fired.empty());
  io.run();
  CHECK(fired == std::vector{0, 1, 2});
  CHECK(timers.now() >= begun + 20ms);
}

TEST_CASE("a cancelled timer does not fire, not even when its time has come already") {
  asio::io_context io;
  AsioTimers timers(io.get_executor());
  bool cancelled_fired = false;
  TimerId second{};
  const TimePoint at = timers.now() + 1ms;
  timers.at(at, [&] { timers.cancel(second); });
  second = timers.at(at, [&] { cancelled_fired = true; });
  io.run();
  CHECK_FALSE(cancelled_fired);
  timers.cancel(second);
  timers.cancel(kNoTimer);
}

TEST_CASE("a timer set by a callback waits for its own turn, and destruction forgets the rest") {
  asio::io_context io;
  auto held = std::make_shared<int>(0);
  {
    AsioTimers timers(io.get_executor());
    int rounds = 0;
    std::function<void()> again = [&] {
      if (++rounds < 3) timers.after(0ms, [&] { again(); });
    };
    timers.after(0ms, [&] { again(); });
    io.run();
    CHECK(rounds == 3);
    timers.after(1h, [held] {});
  }
  CHECK(held.use_count() == 1);
  io.restart();
  io.run();
}

TEST_CASE("the executor keeps the order of one thread, and runs nothing after stop") {
  asio::io_context io;
  AsioExecutor executor(io.get_executor());
  std::vector<int> ran;
  for (int i = 0; i < 3; ++i)
    executor.post([&, i] { ran.push_back(i); });
  CHECK(ran.empty());
  io.run();
  CHECK(ran == std::vector{0, 1, 2});
  executor.post([&] { ran.push_back(3); });
  executor.stop();
  io.restart();
  io.run();
  CHECK(ran.size() == 3);
}

TEST_CASE("an exception at the root of the thread is reported and the thread goes on") {
  LinesSink log;
  ThreadRunner runner("test", log);
  runner.start();
  asio::post(runner.context(), [] { throw std::runtime_error("broken"); });
  std::promise<void> ran;
  asio::post(runner.context(), [&] { ran.set_value(); });
  ran.get_future().wait();
  runner.stop();
  CHECK(log.lines == std::vector<std::string>{"thread test: unexpected exception: broken"});
}

TEST_CASE("the mailbox keeps the order, shares wake-ups, and is silent once closed") {
  asio::io_context io;
  const auto mailbox = std::make_shared<Mailbox>(io.get_executor());
  std::vector<int> ran;
  for (int i = 0; i < 40; ++i)
    mailbox->post([&, i] { ran.push_back(i); });
  CHECK(io.run() == 3);
  CHECK(std::is_sorted(ran.begin(), ran.end()));
  CHECK(ran.size() == 40);
  mailbox->post([&] { mailbox->close(); });
  mailbox->post([&] { ran.push_back(-1); });
  io.restart();
  io.run();
  mailbox->post([&] { ran.push_back(-2); });
  mailbox->run([&] { ran.push_back(-3); });
  CHECK(ran.size() == 40);
}

TEST_CASE("failures are logged once per address and minute, with what was left unsaid, and addresses are bounded") {
  LinesSink sink;
  FailureLog log(sink);
  const TimePoint begun{1h};
  for (int i = 0; i < 4; ++i)
    log.note("10.0.0.7", "garbage", begun + i * 1s);
  CHECK(sink.lines == std::vector<std::string>{"connection from 10.0.0.7 dropped: garbage"});
  log.note("10.0.0.7", "garbage", begun + 61s);
  CHECK(sink.lines.back() == "connection from 10.0.0.7 dropped: garbage (and 3 more since the last such line)");
  for (int i = 0; i < 2000; ++i)
    log.note("10.1." + std::to_string(i), "garbage", begun + 62s);
  CHECK(sink.lines.size() <= FailureLog::kAddressesMax + 3);
}

}  // namespace cloudp2p::asio_net
