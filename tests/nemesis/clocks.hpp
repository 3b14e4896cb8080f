// Clocks: moves the clocks of one server process, by way of a library that is preloaded into it (shim/clock_shim.cpp).
//
// The machine's own clock can be set, but it is everybody's. What is moved is what the process is told.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace nemesis {

/// What the preloaded library adds to the clocks. Shared memory: a file that both sides map.
struct ClockOffsets {
  std::atomic<std::int64_t> wall_ns{0};  ///< CLOCK_REALTIME, forwards or backwards.
  /// CLOCK_BOOTTIME, forwards: as after a suspend. Back only by as long as the process did not run.
  std::atomic<std::int64_t> boot_ns{0};
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

/// The variable that names the file to the preloaded library.
inline constexpr const char* kClockVariable = "NEMESIS_CLOCK";

class Clocks {
 public:
  /// Makes the file.
  explicit Clocks(std::string path);
  ~Clocks();
  Clocks(Clocks&& other) noexcept;
  Clocks& operator=(Clocks&&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  void step_wall(std::int64_t by_ns) { offsets_->wall_ns += by_ns; }
  void step_boot(std::int64_t by_ns) { offsets_->boot_ns += by_ns; }

 private:
  std::string path_;
  ClockOffsets* offsets_ = nullptr;
};

}  // namespace nemesis
