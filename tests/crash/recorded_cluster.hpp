// Real nodes in this process, on loopback, whose disks are recorded; and a client for them.
//
// Thread:    the test's. Each node has a thread of its own.
// Ends:      nodes that still run are stopped without a hand-over, as by a crash.
#pragma once

#include "crash/recorder.hpp"
#include "support/silent_log.hpp"
#include "support/temporary_folder.hpp"

#include <cloudp2p/host.hpp>

#include <functional>
#include <map>
#include <set>

namespace crash {

class RecordedNode;

class RecordedCluster {
 public:
  /// Nodes 1 to `nodes` may be started; the first `listed` are the members.
  RecordedCluster(unsigned nodes, unsigned listed);
  ~RecordedCluster();
  RecordedCluster(const RecordedCluster&) = delete;
  RecordedCluster& operator=(const RecordedCluster&) = delete;

  void start(unsigned node);
  void stop(unsigned node);
  /// Everybody lists 1 to `listed` from now on.
  void list(unsigned listed);

  /// The digest, once it is acknowledged.
  cloudp2p::Digest upload(std::size_t bytes, unsigned seed);
  /// All at once.
  void upload_together(std::size_t count, std::size_t bytes, unsigned first_seed);
  void remove(const cloudp2p::Digest& image);
  void step_down();
  /// A leader that serves, and that so many members and no change left; every one of `running` nodes holds all.
  void wait_until_whole(std::size_t members, std::size_t running);
  void wait_for_leader(unsigned node);

  /// Stops all. Then the folders are as the logs say they are.
  void end();
  [[nodiscard]] std::string disk_of(unsigned node) const { return folder_ / ("node" + std::to_string(node)); }
  /// A log for each node, once, after `end`.
  [[nodiscard]] std::vector<DiskLog> logs() { return Recorder::instance().end(); }
  [[nodiscard]] const std::set<cloudp2p::Digest>& deleted() const { return deleted_; }
  /// The address list of the first `listed` nodes.
  [[nodiscard]] std::vector<cloudp2p::PeerAddress> peers(unsigned listed) const;

 private:
  [[nodiscard]] cloudp2p::Config config(unsigned node) const;

  support::TemporaryFolder folder_;
  std::vector<unsigned> ports_;
  unsigned listed_;
  support::SilentLog silent_;
  std::map<unsigned, std::size_t> logs_;
  std::map<unsigned, std::unique_ptr<RecordedNode>> nodes_;
  std::unique_ptr<cloudp2p::ClientHost> client_;
  std::set<cloudp2p::Digest> deleted_;
};

}  // namespace crash
