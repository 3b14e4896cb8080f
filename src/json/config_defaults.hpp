// What holds when neither PEERS nor the file names any peer.
#pragma once

#include <cloudp2p/config.hpp>

namespace cloudp2p::json {

/// Three nodes on this machine.
[[nodiscard]] inline std::vector<PeerAddress> loopback_peers() {
  return {{NodeId{1}, {"127.0.0.1", 7001}}, {NodeId{2}, {"127.0.0.1", 7002}}, {NodeId{3}, {"127.0.0.1", 7003}}};
}

}  // namespace cloudp2p::json
