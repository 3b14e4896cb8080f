#include "progress.hpp"

#include <cstdio>

namespace client {

using namespace std::chrono_literals;
using cloudp2p::TransferProgress;

namespace {

constexpr auto kPatience = 500ms;
constexpr auto kRedraw = 100ms;

}  // namespace

Progress::Progress(Output& output, std::size_t files_total, std::uint64_t bytes_total)
    : output_(output), files_total_(files_total), total_given_(bytes_total > 0), bytes_total_(bytes_total) {
  if (output.bar_wanted()) thread_ = std::thread(&Progress::redraw_until_closed, this);
}

Progress::~Progress() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (!thread_.joinable()) return;
  thread_.join();
  output_.erase_bar();
}

cloudp2p::ProgressCallback Progress::track() {
  auto state = std::make_shared<TransferProgress>();
  const std::lock_guard lock(mutex_);
  std::erase_if(transfers_, [](const auto& each) { return each.expired(); });
  transfers_.push_back(state);
  // A report may still be under way to this callback when the operation, and with it this object, has ended.
  return [state](const TransferProgress& now) {
    std::atomic_ref(state->bytes_done).store(now.bytes_done, std::memory_order_relaxed);
    std::atomic_ref(state->bytes_total).store(now.bytes_total, std::memory_order_relaxed);
  };
}

void Progress::file_done(std::uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  ++files_done_;
  finished_bytes_ += size_bytes;
}

double Progress::seconds() const {
  return std::chrono::duration<double>(Clock::now() - begun_).count();
}

std::string Progress::bar() const {
  std::uint64_t done = finished_bytes_;
  std::uint64_t total = bytes_total_;
  for (const auto& each : transfers_) {
    const auto transfer = each.lock();
    if (!transfer) continue;
    done += std::atomic_ref(transfer->bytes_done).load(std::memory_order_relaxed);
    if (!total_given_) total += std::atomic_ref(transfer->bytes_total).load(std::memory_order_relaxed);
  }
  done = std::min(done, std::max(total, std::uint64_t{1}));
  const double share = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  const double rate = static_cast<double>(done) / std::max(seconds(), 0.001);
  std::string text = " " + human_bytes(done) + " of " + human_bytes(total);
  if (files_total_ > 1) text += "  " + std::to_string(files_done_) + "/" + std::to_string(files_total_);
  text += "  " + human_bytes(static_cast<std::uint64_t>(rate)) + "/s";
  if (done > 0) text += "  " + human_seconds(static_cast<double>(total - std::min(done, total)) / rate) + " left";
  const std::size_t columns = terminal_columns();
  if (columns < text.size() + 16) return text.substr(0, columns - 1);
  const std::size_t width = std::min<std::size_t>(columns - text.size() - 9, 40);
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
  char percent[8];
  std::snprintf(percent, sizeof percent, "%3d%%", static_cast<int>(share * 100));
  return "[" + std::string(filled, '=') + std::string(width - filled, ' ') + "] " + percent + text;
}

void Progress::redraw_until_closed() {
  std::unique_lock lock(mutex_);
  const auto closing = [this] { return closing_; };
  if (wake_.wait_for(lock, kPatience, closing)) return;
  while (true) {
    output_.draw_bar(bar());
    if (wake_.wait_for(lock, kRedraw, closing)) return;
  }
}

}  // namespace client
