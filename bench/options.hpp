// What the benchmark was asked for.
#pragma once

#include <optional>
#include <set>
#include <string>

namespace bench {

struct Options {
  std::set<std::string> only;  ///< Empty: everything.
  bool quick = false;          ///< A tenth of the time; figures are rough.
  unsigned runs = 3;           ///< Rates are medians of this many.
  std::string json_file;
  std::string server;          ///< A `cloud-p2p` executable; empty: this program as a node.
  std::string folder;          ///< Where the nodes keep their images; must be on a disk.
  unsigned rest_seconds = 10;  ///< Before everything that writes much.
  bool keep = false;           ///< Leave the emptied files behind.
  unsigned client_hosts = 16;  ///< Clients share this many connections to the leader at most.
  bool nodes_talk = false;     ///< Their log lines go to stderr.

  [[nodiscard]] bool wants(const std::string& part) const { return only.empty() || only.contains(part); }
};

/// nullopt after printing help (status 0) or a usage error (status 2) into `exit_status`.
[[nodiscard]] std::optional<Options> parse_options(int argc, char** argv, int& exit_status);

}  // namespace bench
