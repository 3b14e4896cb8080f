// Disk: how long the disk of one simulated machine takes, and how it fails. Shared by the three stores on it.
//
// Its events belong to the machine, not to the process: what was handed to the disk completes while a process is
// paused. A crash drops them; each store then decides, by the seed, what of the unfinished work had reached the
// platter.
#pragma once

#include "sim/process.hpp"

#include <cloudp2p/detail/sabotage.hpp>
#include <cloudp2p/testing/sim_options.hpp>
#include <cloudp2p/types.hpp>

namespace cloudp2p::sim {

enum class DiskFault : std::uint8_t { none, full, io, read_only };

class Disk {
 public:
  Disk(Scheduler& scheduler, Random random, const testing::DiskProfile& profile)
      : scheduler_(scheduler), random_(random), profile_(profile) {}

  /// Runs on the machine at the end of the operation.
  void after(Duration delay, Task done) { scheduler_.after(delay, owner_, std::move(done)); }
  void at(TimePoint when, Task done) { scheduler_.at(when, owner_, std::move(done)); }
  [[nodiscard]] TimePoint now() const noexcept { return scheduler_.now(); }
  [[nodiscard]] Duration write_time(std::size_t bytes) { return scaled(profile_.write, bytes); }
  [[nodiscard]] Duration read_time(std::size_t bytes) { return scaled(profile_.read, bytes); }
  [[nodiscard]] Duration sync_time() { return scaled(profile_.sync, 0); }
  [[nodiscard]] bool coin() noexcept { return random_.percent(50); }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept { return random_.below(bound); }

  void slow_down(unsigned factor) noexcept { factor_ = factor; }
  void set_fault(DiskFault fault) noexcept { fault_ = fault; }
  [[nodiscard]] DiskFault fault() const noexcept { return fault_; }
  void set_call_fails(testing::DiskCall call, bool fails) noexcept {
    const unsigned bit = 1U << static_cast<unsigned>(call);
    failing_calls_ = fails ? failing_calls_ | bit : failing_calls_ & ~bit;
    if (fails && call == testing::DiskCall::kLookUpSome) bad_page_ = static_cast<unsigned>(random_.below(8));
  }
  /// A look-up that meets this digest meets EIO now.
  [[nodiscard]] bool hides(const Digest& digest) const noexcept {
    return breaks(testing::DiskCall::kLookUpSome) && std::to_integer<unsigned>(digest.bytes[0]) >> 5 == bad_page_;
  }
  void heal_calls() noexcept { failing_calls_ = 0; }
  /// Another machine writes there: nothing is stored any more, but for this node's state.
  void set_fenced(bool fenced) noexcept { fenced_ = fenced; }
  [[nodiscard]] bool fenced() const noexcept { return fenced_; }
  /// This call meets EIO now.
  [[nodiscard]] bool breaks(testing::DiskCall call) const noexcept {
    return (failing_calls_ & (1U << static_cast<unsigned>(call))) != 0;
  }
  /// A change of what is stored is refused now.
  [[nodiscard]] bool refuses(testing::DiskCall call) const noexcept {
    if (fences(call)) return true;
    return fault_ == DiskFault::io || fault_ == DiskFault::read_only || breaks(call);
  }
  /// What the refusal of this call says.
  [[nodiscard]] Error error(testing::DiskCall call) const {
    if (fences(call)) return Error{Errc::stale_term, "another node writes to this disk"};
    if (breaks(call)) return Error{Errc::io, "the simulated disk failed"};
    if (fault_ == DiskFault::full) return Error{Errc::full, "no space left on the simulated disk"};
    if (fault_ == DiskFault::read_only) return Error{Errc::read_only, "the simulated disk is read-only"};
    return Error{Errc::io, "the simulated disk failed"};
  }
  /// What is under way waits, and what comes too.
  void stall(bool stalled) {
    if (process_ == nullptr) return;
    if (stalled) {
      scheduler_.pause(owner_);
    } else {
      scheduler_.resume(owner_, Duration::zero());
    }
  }

  /// The process that uses the disk now; its callbacks go there.
  void attach(Process* process) {
    process_ = process;
    owner_ = scheduler_.add_owner();
  }
  /// The process is gone, with everything that was under way.
  void detach() {
    process_ = nullptr;
    scheduler_.drop(owner_);
  }
  [[nodiscard]] Process& process() noexcept { return *process_; }
  void post(Task work) { scheduler_.at(scheduler_.now(), process_->owner(), std::move(work)); }

 private:
  [[nodiscard]] bool fences(testing::DiskCall call) const noexcept {
    return fenced_ && call != testing::DiskCall::kSaveState && !detail::sabotaged(detail::Rule::writer_is_fenced);
  }
  [[nodiscard]] Duration scaled(Duration base, std::size_t bytes) {
    const auto transfer = Duration(static_cast<Duration::rep>(bytes) * profile_.nanoseconds_per_kib / 1024);
    return std::min<Duration>((random_.between(base / 2, base * 3 / 2) + transfer) * factor_, kSlowest);
  }

  /// However slow a disk is, one operation ends by then.
  static constexpr Duration kSlowest = std::chrono::milliseconds(1'500);

  Scheduler& scheduler_;
  Random random_;
  const testing::DiskProfile profile_;
  OwnerId owner_ = kWorld;
  Process* process_ = nullptr;
  unsigned factor_ = 1;
  DiskFault fault_ = DiskFault::none;
  unsigned failing_calls_ = 0;
  unsigned bad_page_ = 0;
  bool fenced_ = false;
};

}  // namespace cloudp2p::sim
