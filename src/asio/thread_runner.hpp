// ThreadRunner: an io_context with a thread of its own.
//
// Purpose:   the node's thread for callers that bring none, and the thread of the bulk connections.
// Thread:    construct and stop from one thread, not from the runner's own. Ownership: joins on destruction.
// Errors:    an exception that reaches the root is reported through the LogSink; the thread goes on.
#pragma once

#include "asio/visible_asio.hpp"

#include <cloudp2p/log_sink.hpp>

#include <optional>
#include <string>
#include <thread>

namespace cloudp2p::asio_net {

class ThreadRunner {
 public:
  /// `name` is what debuggers and `top -H` show; at most 15 characters. `log` outlives this.
  ThreadRunner(std::string name, LogSink& log);
  ~ThreadRunner();
  ThreadRunner(const ThreadRunner&) = delete;
  ThreadRunner& operator=(const ThreadRunner&) = delete;

  [[nodiscard]] asio::io_context& context() noexcept { return context_; }
  void start();
  /// Lets the thread finish what is queued and joins it. Outstanding operations keep it: cancel them first.
  void finish();
  /// Ends the loop after the running handler and joins; what is queued is destroyed with the context.
  void stop();

 private:
  void run() noexcept;

  std::string name_;
  LogSink& log_;
  asio::io_context context_{1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::thread thread_;
};

}  // namespace cloudp2p::asio_net
