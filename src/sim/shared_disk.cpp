#include "sim/shared_disk.hpp"

namespace cloudp2p::sim {
namespace {

constexpr auto kPause = std::chrono::milliseconds(5);

}  // namespace

void SharedDisk::break_lock() {
  if (holder_ != nullptr) holder_->fence_off();
  holder_ = nullptr;
}

SharedMount::SharedMount(SharedDisk& shared, NodeId self, Disk& disk, MemoryCatalog& catalog, MemoryImageStore& images)
    : shared_(shared), self_(self), disk_(disk), catalog_(catalog), images_(images) {
  fence_off();
}

void SharedMount::fence_off() {
  disk_.set_fenced(true);
  catalog_.mirror_to(nullptr);
  images_.mirror_to(nullptr);
}

void SharedMount::take(Term term, Callback<void(Result<Opened>)> done) {
  term_ = term;
  wish_ = std::move(done);
  look_again();
}

void SharedMount::let_go() {
  ++tenure_;
  if (wish_) disk_.post([done = std::exchange(wish_, nullptr)] { done(Errc::cancelled); });
  if (std::exchange(open_, false)) closing_ = true;
  if (closing_) look_again();
}

void SharedMount::look_again() {
  disk_.process().after(kPause, [this] { go_on(); });
}

void SharedMount::go_on() {
  if (closing_) {
    if (!catalog_.idle() || !images_.idle()) return look_again();
    closing_ = false;
    images_.forget_puts();
    fence_off();
    if (holds()) shared_.holder_ = nullptr;
  }
  if (!wish_) return;
  if (term_ < shared_.newest_term_) {
    return disk_.post([done = std::exchange(wish_, nullptr)] { done(Errc::stale_term); });
  }
  if (shared_.holder_ != nullptr || disk_.now() < shared_.free_at_) return look_again();
  open(std::exchange(wish_, nullptr));
}

void SharedMount::open(Callback<void(Result<Opened>)> done) {
  shared_.holder_ = this;
  shared_.last_holder_ = self_;
  shared_.newest_term_ = term_;
  catalog_.replace(shared_.catalog_.durable());
  (void)catalog_.open();
  images_.replace(shared_.images_.files());
  images_.reopen();
  catalog_.mirror_to(&shared_.catalog_);
  images_.mirror_to(&shared_.images_);
  disk_.set_fenced(false);
  open_ = true;
  disk_.post([this, done = std::move(done), tenure = tenure_] {
    done(tenure == tenure_ ? Result<Opened>(Opened{&images_, &catalog_, false}) : Result<Opened>(Errc::cancelled));
  });
}

void SharedMount::crash(testing::Crash how) {
  wish_ = nullptr;
  open_ = closing_ = false;
  if (holds()) {
    shared_.holder_ = nullptr;
    shared_.free_at_ = disk_.now() + (how == testing::Crash::kPowerLoss ? kLease : Duration::zero());
  }
  fence_off();
}

std::string SharedMount::waits_for() const {
  if (!wish_ || shared_.holder_ == nullptr) return {};
  return "node " + to_string(shared_.last_holder_) + " to let go of the directory";
}

/// A mount that was only fenced off is as good as the disk.
StoreStatus SharedMount::status() const {
  return images_.fenced_off() ? StoreStatus{StoreHealth::ok, images_.status().free_bytes, {}} : images_.status();
}

}  // namespace cloudp2p::sim
