// One bar for all transfers of a command: bytes, rate, time left. On a terminal, after half a second.
//
// Thread:    `add` and the callbacks of `track` from any thread; a thread of its own redraws ten times a second.
#pragma once

#include "output.hpp"

#include <cloudp2p/client.hpp>

#include <atomic>
#include <condition_variable>
#include <thread>

namespace client {

class Progress {
 public:
  /// `bytes_total` 0: not known yet, taken from the transfers.
  Progress(Output& output, std::size_t files_total, std::uint64_t bytes_total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// What one transfer reports to. It may go back: a retry may begin again.
  [[nodiscard]] cloudp2p::ProgressCallback track();
  void file_done(std::uint64_t size_bytes);

  [[nodiscard]] double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;
  void redraw_until_closed();
  [[nodiscard]] std::string bar() const;

  Output& output_;
  const std::size_t files_total_;
  const Clock::time_point begun_ = Clock::now();
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  bool total_given_ = false;
  std::uint64_t bytes_total_ = 0;
  std::uint64_t finished_bytes_ = 0;
  std::size_t files_done_ = 0;
  std::vector<std::weak_ptr<cloudp2p::TransferProgress>> transfers_;
  std::thread thread_;
};

}  // namespace client
