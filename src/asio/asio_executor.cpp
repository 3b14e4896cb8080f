#include "asio/asio_executor.hpp"

namespace cloudp2p::asio_net {

AsioExecutor::AsioExecutor(asio::any_io_executor executor)
    : executor_(std::move(executor)), running_(std::make_shared<std::atomic<bool>>(true)) {}

AsioExecutor::~AsioExecutor() {
  stop();
}

void AsioExecutor::post(Callback<void()> work) {
  asio::post(executor_, [running = running_, work = std::move(work)] {
    if (running->load(std::memory_order_acquire)) work();
  });
}

void AsioExecutor::stop() noexcept {
  running_->store(false, std::memory_order_release);
}

}  // namespace cloudp2p::asio_net
