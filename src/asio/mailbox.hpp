// Mailbox: closures for the node's thread, run in the order posted, many to a wake-up.
//
// Thread:    `post` from any thread; the rest on the node's thread. Waking another core costs far more than running a
//            closure: a wake-up is posted only when none is under way.
// Ownership: held by shared_ptr. After `close` nothing runs: what waits, and what is still posted, is destroyed.
#pragma once

#include "asio/visible_asio.hpp"

#include <cloudp2p/callback.hpp>

#include <deque>
#include <memory>
#include <mutex>

namespace cloudp2p::asio_net {

class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  explicit Mailbox(asio::any_io_executor node) : node_(std::move(node)) {}

  void post(Callback<void()> work);
  /// For those who are on the node's thread already, in a handler of their own.
  void run(const Callback<void()>& work) const {
    if (open_) work();
  }
  void close();

 private:
  static constexpr std::size_t kTurnMax = 16;  ///< Then timers and control connections get their turn.

  void wake();
  void take_turn();
  [[nodiscard]] Callback<void()> next();

  asio::any_io_executor node_;
  bool open_ = true;  ///< Node's thread only.
  std::mutex mutex_;
  std::deque<Callback<void()>> waiting_;
  bool awake_ = false;   ///< A turn is posted or running.
  bool closed_ = false;  ///< As open_, for those who post.
};

}  // namespace cloudp2p::asio_net
