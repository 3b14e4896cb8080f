// The server's command line.
#pragma once

#include <cloudp2p/config.hpp>

#include <optional>

namespace server {

/// PRODUCT's table of exit codes.
enum Exit : int { kOk = 0, kFailure = 1, kUsage = 2, kBadConfig = 78 };

struct Options {
  cloudp2p::ConfigFlags flags;
  bool check_config = false;
  bool print_config = false;
};

/// Fills `options`; an exit code when there is nothing left to run (help, version, a mistake), the text printed.
[[nodiscard]] std::optional<int> parse(int argc, char** argv, Options& options);

}  // namespace server
