// Runs work on another thread's io_context and waits for its result.
#pragma once

#include "asio/thread_runner.hpp"

#include <future>

namespace cloudp2p::host {

/// Not from the runner's own thread: it would wait for itself.
template <class Work>
std::invoke_result_t<Work> run_on(asio_net::ThreadRunner& thread, Work work) {
  std::promise<std::invoke_result_t<Work>> result;
  asio::post(thread.context(), [&] { result.set_value(work()); });
  return result.get_future().get();
}

}  // namespace cloudp2p::host
