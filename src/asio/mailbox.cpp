#include "asio/mailbox.hpp"

namespace cloudp2p::asio_net {

void Mailbox::post(Callback<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    waiting_.push_back(std::move(work));
    if (std::exchange(awake_, true)) return;
  }
  wake();
}

void Mailbox::wake() {
  asio::post(node_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->take_turn();
  });
}

void Mailbox::take_turn() {
  struct WakeAgain {  // Also when a closure throws.
    Mailbox& mailbox;
    ~WakeAgain() {
      {
        const std::lock_guard lock(mailbox.mutex_);
        if (mailbox.waiting_.empty()) {
          mailbox.awake_ = false;
          return;
        }
      }
      mailbox.wake();
    }
  };
  const WakeAgain again{*this};
  for (std::size_t turn = 0; turn < kTurnMax && open_; ++turn) {
    const Callback<void()> work = next();
    if (!work) return;
    work();
  }
}

Callback<void()> Mailbox::next() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return {};
  Callback<void()> out = std::move(waiting_.front());
  waiting_.pop_front();
  return out;
}

void Mailbox::close() {
  open_ = false;
  std::deque<Callback<void()>> doomed;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  doomed.swap(waiting_);
}

}  // namespace cloudp2p::asio_net
