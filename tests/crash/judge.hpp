// Starts a real node on what a power loss left, and holds it to what it had told others.
//
// Thread: one judge, one thread; several judges work side by side.
#pragma once

#include "crash/disk_folder.hpp"
#include "crash/disk_log.hpp"

#include <cloudp2p/transport.hpp>

#include <set>
#include <span>

namespace crash {

struct Verdict {
  std::vector<std::string> faults;
  std::chrono::microseconds started_in{0};
};

class Judge {
 public:
  /// `peers`: of all nodes. Images in `deleted` need not be there once more than what was promised is known of them.
  Judge(std::vector<cloudp2p::PeerAddress> peers, std::set<cloudp2p::Digest> deleted)
      : peers_(std::move(peers)), deleted_(std::move(deleted)) {}

  [[nodiscard]] Verdict judge(cloudp2p::NodeId node, const DiskImage& image, std::span<const Promise> told);
  /// What it does to its disk when it starts on this one, and stops. One recording at a time.
  [[nodiscard]] DiskLog record_start(cloudp2p::NodeId node, const DiskImage& image);
  [[nodiscard]] bool disk_intact() const { return folder_.intact(); }

 private:
  const std::vector<cloudp2p::PeerAddress> peers_;
  const std::set<cloudp2p::Digest> deleted_;
  DiskFolder folder_;
};

}  // namespace crash
