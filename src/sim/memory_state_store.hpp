// MemoryStateStore: the state file on a simulated disk. What was saved and not called back is kept or lost, by the
// seed.
#pragma once

#include "sim/disk.hpp"

#include <cloudp2p/state_store.hpp>

#include <deque>
#include <functional>

namespace cloudp2p::sim {

class MemoryStateStore final : public StateStore {
 public:
  explicit MemoryStateStore(Disk& disk) : disk_(disk) {}
  /// Called at the instant at which a state becomes durable.
  void watch(std::function<void(const DurableState&)> durable) { on_durable_ = std::move(durable); }

  [[nodiscard]] Result<std::optional<DurableState>> load() override {
    if (damaged_) return Error{Errc::format, "both slots are damaged"};
    return durable_;
  }
  /// The file is gone, or there and of no use.
  void lose(bool damaged) {
    durable_.reset();
    damaged_ = damaged;
  }
  void save(const DurableState& state, Callback<void(Status)> done) override {
    waiting_.push_back(Save{state, std::move(done)});
    if (!busy_) write_next();
  }

  void crash() {
    const std::uint64_t kept = disk_.below(waiting_.size() + 1);
    for (std::uint64_t i = 0; i < kept && disk_.fault() == DiskFault::none; ++i)
      become(waiting_[i].state);
    waiting_.clear();
    busy_ = false;
  }
  [[nodiscard]] const std::optional<DurableState>& durable() const noexcept { return durable_; }

 private:
  struct Save {
    DurableState state;
    Callback<void(Status)> done;
  };
  void become(const DurableState& state) {
    durable_ = state;
    damaged_ = false;
    if (on_durable_) on_durable_(state);
  }
  void write_next() {
    busy_ = true;
    disk_.after(disk_.sync_time(), [this] {
      Save save = std::move(waiting_.front());
      waiting_.pop_front();
      Status status;
      // A state file takes no new space, and the reserve is there for it: a full disk does not stop it.
      if (disk_.refuses(testing::DiskCall::kSaveState)) {
        status = disk_.error(testing::DiskCall::kSaveState);
        if (disk_.fault() != DiskFault::read_only && disk_.coin()) become(save.state);
      } else {
        become(save.state);
      }
      disk_.post([done = std::move(save.done), status = std::move(status)] { done(status); });
      busy_ = false;
      if (!waiting_.empty()) write_next();
    });
  }

  Disk& disk_;
  std::optional<DurableState> durable_;
  std::deque<Save> waiting_;
  bool busy_ = false;
  bool damaged_ = false;
  std::function<void(const DurableState&)> on_durable_;
};

}  // namespace cloudp2p::sim
