// One client that uploads one image after another, and notes when each succeeded and who took it.
#pragma once

#include "load.hpp"

#include <atomic>

namespace bench {

class SteadyClient {
 public:
  struct Habit {
    std::size_t image_bytes = 4 * 1024;
    std::chrono::milliseconds pause{0};  ///< After each upload.
  };
  SteadyClient(Cluster& cluster, Habit habit);
  ~SteadyClient();
  SteadyClient(const SteadyClient&) = delete;
  SteadyClient& operator=(const SteadyClient&) = delete;

  struct Successes {
    cloudp2p::NodeId leader = cloudp2p::kNobody;
    std::size_t by_leader = 0;
    double gap_ms = 0;  ///< From the last one on the leader before to the first one on this.
    std::size_t failures = 0;
    std::vector<double> latencies_ms;
  };
  [[nodiscard]] Successes successes();
  /// Of the uploads that succeeded since the last call.
  [[nodiscard]] std::vector<double> take_latencies_ms();

 private:
  void run();
  void note(const cloudp2p::Result<cloudp2p::UploadOutcome>& outcome, Instant begun, Instant& last);

  const Habit habit_;
  const std::unique_ptr<cloudp2p::ClientHost> host_;
  ImageMaker images_;
  std::mutex mutex_;
  Successes seen_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace bench
