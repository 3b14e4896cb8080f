// AsioExecutor: the Executor port on an Asio executor, the caller's or our own.
//
// Thread:    `post` from any thread; what is posted runs where the executor runs. Hand in a strand when several threads
//            run the io_context: the node's "thread" is then the strand.
// Ownership: the io_context outlives this. After `stop`, or destruction, posted callbacks are destroyed uncalled.
#pragma once

#include "asio/visible_asio.hpp"

#include <cloudp2p/timers.hpp>

#include <atomic>
#include <memory>

namespace cloudp2p::asio_net {

class AsioExecutor final : public Executor {
 public:
  explicit AsioExecutor(asio::any_io_executor executor);
  ~AsioExecutor() override;
  AsioExecutor(const AsioExecutor&) = delete;
  AsioExecutor& operator=(const AsioExecutor&) = delete;

  void post(Callback<void()> work) override;
  /// On the node's thread: nothing posted runs after it returns.
  void stop() noexcept;

 private:
  asio::any_io_executor executor_;
  std::shared_ptr<std::atomic<bool>> running_;
};

}  // namespace cloudp2p::asio_net
