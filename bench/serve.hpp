// This program as a node: `cloudp2p_bench --serve`, configured as `cloud-p2p` is, from the environment.
//
// Every line that it prints begins with the time. SIGUSR1 prints one status line (see NodeLine), SIGTERM drains and ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bench {

struct NodeLine {
  std::uint64_t transactions = 0;
  std::uint64_t changes = 0;
  std::uint64_t images = 0;
  std::uint64_t missing = 0;
  std::uint64_t repairs = 0;
  std::uint64_t bytes_in = 0;  ///< Frames from and to everybody.
  std::uint64_t bytes_out = 0;
};

int serve();
/// The last status line of a node's output.
[[nodiscard]] std::optional<NodeLine> last_status(const std::string& output, std::size_t from);
/// When the last line with these words was printed, in seconds of this machine's steady clock.
[[nodiscard]] std::optional<double> time_of_line(const std::string& output, const std::string& words);

}  // namespace bench
