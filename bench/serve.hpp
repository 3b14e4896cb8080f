// This program as a node: `cloudp2p_bench --serve`, configured as `cloud-p2p` is, from the environment.
//
// SIGUSR1 prints one status line (see NodeLine), SIGTERM drains and ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bench {

struct NodeLine {
  std::uint64_t transactions = 0;
  std::uint64_t changes = 0;
};

int serve();
/// The last status line of a node's output.
[[nodiscard]] std::optional<NodeLine> last_status(const std::string& output, std::size_t from);

}  // namespace bench
