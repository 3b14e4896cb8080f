// Runs work on another thread's io_context and waits for its result.
#pragma once

#include "asio/thread_runner.hpp"

#include <future>

namespace cloudp2p::host {

/// Not from the runner's own thread: it would wait for itself. What `work` throws is thrown here.
template <class Work>
std::invoke_result_t<Work> run_on(asio_net::ThreadRunner& thread, Work work) {
  std::packaged_task<std::invoke_result_t<Work>()> task(std::move(work));
  auto result = task.get_future();
  asio::post(thread.context(), std::move(task));
  return result.get();
}

}  // namespace cloudp2p::host
