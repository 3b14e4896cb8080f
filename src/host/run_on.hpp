// Runs work on another thread's io_context and waits for its result.
#pragma once

#include "asio/thread_runner.hpp"

#include <exception>
#include <future>
#include <optional>

namespace cloudp2p::host {

/// Not from the runner's own thread: it would wait for itself. What `work` throws is thrown here.
template <class Work>
std::invoke_result_t<Work> run_on(asio_net::ThreadRunner& thread, Work work) {
  std::optional<std::invoke_result_t<Work>> result;
  std::exception_ptr thrown;
  std::promise<void> done;
  asio::post(thread.context(), [&] {
    try {
      result.emplace(work());
    } catch (...) {
      thrown = std::current_exception();
    }
    done.set_value();  // The last thing that is done here: what is above belongs to who waits.
  });
  done.get_future().wait();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*result);
}

}  // namespace cloudp2p::host
