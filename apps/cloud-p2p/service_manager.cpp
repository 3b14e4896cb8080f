#include "service_manager.hpp"

#include "status_line.hpp"

#include <spdlog/fmt/fmt.h>

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <ctime>

namespace server {
namespace {

using cloudp2p::NodeStatus;
using namespace std::chrono_literals;

constexpr auto kRefresh = 1s;
constexpr auto kStartingPoll = 50ms;
/// A node that answers is given this much more; it is asked again long before that.
constexpr std::chrono::microseconds kPatience = 30s;

std::optional<std::int64_t> number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const std::string_view digits(text);
  std::int64_t out = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || out <= 0) return std::nullopt;
  return out;
}

/// Unless another process is meant: a shell may have started this one, and inherited the variables.
std::optional<std::chrono::microseconds> watchdog_period() {
  const std::optional<std::int64_t> pid = number_in("WATCHDOG_PID");
  const std::optional<std::int64_t> period = number_in("WATCHDOG_USEC");
  if (!period || (pid && *pid != ::getpid())) return std::nullopt;
  return std::chrono::microseconds(*period);
}

/// In the clock that systemd compares it with.
std::int64_t monotonic_usec() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

}  // namespace

ServiceManager::ServiceManager(cloudp2p::Host& node)
    : node_(node), socket_(std::getenv("NOTIFY_SOCKET")), watchdog_(watchdog_period()) {
  if (socket_.listened_to()) thread_ = std::thread(&ServiceManager::run, this);
}

ServiceManager::~ServiceManager() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void ServiceManager::reloading() {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::ready) socket_.send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n", monotonic_usec()));
}

void ServiceManager::reloaded() {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::ready) socket_.send("READY=1\n");
}

void ServiceManager::stopping() {
  const std::lock_guard lock(mutex_);
  phase_ = Phase::stopping;
  socket_.send("STOPPING=1\nSTATUS=stopping: uploads finish, leadership is handed over\n");
}

void ServiceManager::run() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    lock.unlock();
    const NodeStatus status = node_.status();  // Answered on the node's thread, or not at all.
    lock.lock();
    report(status);
    wake_.wait_for(lock, pause(), [this] { return closing_; });
  }
}

ServiceManager::Clock::duration ServiceManager::pause() const {
  const Clock::duration usual = phase_ == Phase::starting ? Clock::duration(kStartingPoll) : Clock::duration(kRefresh);
  return watchdog_ ? std::min<Clock::duration>(usual, *watchdog_ / 4) : usual;
}

void ServiceManager::report(const NodeStatus& status) {
  std::string lines;
  if (phase_ == Phase::starting && status.recovered) {
    phase_ = Phase::ready;
    lines += "READY=1\n";
  }
  const Clock::time_point now = Clock::now();
  if (phase_ != Phase::ready && now >= extension_due_) {
    lines += fmt::format("EXTEND_TIMEOUT_USEC={}\n", kPatience.count());
    extension_due_ = now + kRefresh;
  }
  if (watchdog_ && now >= beat_due_) {
    lines += "WATCHDOG=1\n";
    // A beat that falls due between two looks at the clock is sent at the earlier one.
    beat_due_ = now + *watchdog_ / 2 - pause();
  }
  std::string line = status_line(status);
  if (phase_ != Phase::stopping && line != said_) {
    lines += "STATUS=" + line + "\n";
    said_ = std::move(line);
  }
  if (!lines.empty()) socket_.send(lines);
}

}  // namespace server
