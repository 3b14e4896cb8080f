// random_run: one simulated life of a cluster, drawn from a seed: chaos first, then peace, then the reckoning.
//
// Purpose:   the seed draws which faults occur and how often; clients upload, delete and read meanwhile. Then everything
//            is healed and the cluster owes a leader, a successful upload, equal catalogs and all bytes everywhere, in
//            bounded time.
// Thread:    each run is independent; several may run in several threads.
// Ownership: values in, values out.
// Time:      virtual: at most `chaos_max` of chaos and some two minutes after it.
// Errors:    whatever broke is in `violations`; `report` adds the last log lines and the command that replays the run.
//            Invalid options throw std::invalid_argument, as those of SimCluster do.
// Limits:    memory grows with what is uploaded: some megabytes a run.
#pragma once

#include <cloudp2p/testing/sim_cluster.hpp>

#include <map>

namespace cloudp2p::testing {

/// How often each kind of fault struck; all kinds are there.
using FaultCounts = std::map<std::string, std::uint64_t>;

struct RandomRunOptions {
  std::uint64_t seed = 1;
  std::size_t nodes = 3;  ///< Part of what the seed means.
  Duration chaos_min = std::chrono::seconds(10);
  Duration chaos_max = std::chrono::seconds(18);
  std::size_t log_lines_max = 0;  ///< Kept for `report`; watching changes nothing in the run.
  std::string watched_image;  ///< As in SimOptions.
  /// Stop at the first violation instead of living on.
  bool stop_at_violation = true;
};

struct RandomRunResult {
  std::vector<std::string> violations;
  std::string report;  ///< Empty when nothing was violated.
  std::uint64_t trace_hash = 0;  ///< Equal for equal options.
  std::uint64_t events = 0;
  Duration virtual_time{};
  std::size_t uploads_acknowledged = 0;
  std::size_t operations = 0;         ///< That clients began.
  std::size_t operations_failed = 0;  ///< Chaos makes some fail; that is no violation.
  FaultCounts faults;
  [[nodiscard]] bool ok() const noexcept { return violations.empty(); }
};

[[nodiscard]] RandomRunResult random_run(const RandomRunOptions& options);
/// What to type to live through this run again, with its log.
[[nodiscard]] std::string replay_command(const RandomRunOptions& options);

}  // namespace cloudp2p::testing
