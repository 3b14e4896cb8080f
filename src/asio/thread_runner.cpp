#include "asio/thread_runner.hpp"

#include <pthread.h>

#include <exception>

namespace cloudp2p::asio_net {

ThreadRunner::ThreadRunner(std::string name, LogSink& log) : name_(std::move(name)), log_(log) {
  work_.emplace(context_.get_executor());
}

ThreadRunner::~ThreadRunner() {
  stop();
}

void ThreadRunner::start() {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), name_.substr(0, 15).c_str());
}

void ThreadRunner::finish() {
  work_.reset();
  if (thread_.joinable()) thread_.join();
}

void ThreadRunner::stop() {
  context_.stop();
  finish();
}

void ThreadRunner::run() noexcept {
  while (!context_.stopped()) {
    try {
      context_.run();
    } catch (const std::exception& error) {
      log_.log_event(LogLevel::error, "internal_error", "thread " + name_ + ": unexpected exception: " + error.what());
    } catch (...) {
      log_.log_event(LogLevel::error, "internal_error", "thread " + name_ + ": unexpected exception of an unknown type");
    }
  }
}

}  // namespace cloudp2p::asio_net
