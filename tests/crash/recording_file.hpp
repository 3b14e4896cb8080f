// A recording in a file, so that one state of it can be made again. Read by the build that wrote it.
#pragma once

#include "crash/disk_log.hpp"

#include <cloudp2p/transport.hpp>

#include <set>

namespace crash {

/// What a cluster did, and what must be known to judge it.
struct Recording {
  std::vector<DiskLog> logs;  ///< Of node 1, 2, …
  std::vector<cloudp2p::PeerAddress> peers;
  std::set<cloudp2p::Digest> deleted;
};

void save(const Recording& recording, const std::string& path);
/// Throws when it is not a recording.
[[nodiscard]] Recording load(const std::string& path);

}  // namespace crash
