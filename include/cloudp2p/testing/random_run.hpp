// random_run: one simulated life of a cluster, drawn from a seed: chaos first, then peace, then the reckoning.
//
// Purpose:   the seed draws which faults occur and how often; clients upload, delete and read meanwhile. Then, in some
//            lives, a majority is healed and owes uploads while the others stay in trouble. Then everything is healed and
//            the cluster owes a leader, a successful upload, equal catalogs and all bytes everywhere, in bounded time.
// Thread:    each run is independent; several may run in several threads.
// Ownership: values in, values out.
// Time:      virtual: at most `chaos_max` of chaos and, if the cluster never does what it owes, four to five minutes after.
// Errors:    whatever broke is in `violations`; `report` adds the last log lines and the command that replays the run.
//            Invalid options throw std::invalid_argument, as those of SimCluster do.
// Limits:    memory grows with what is uploaded: some megabytes a run.
#pragma once

#include <cloudp2p/testing/sim_cluster.hpp>

#include <map>
#include <optional>

namespace cloudp2p::testing {

/// How often each kind of fault struck; all kinds are there.
using FaultCounts = std::map<std::string, std::uint64_t>;

/// Which life to live, and how much to keep of it.
struct RandomRunOptions {
  std::uint64_t seed = 1;                         ///< Draws everything else.
  std::size_t nodes = 3;                          ///< Part of what the seed means.
  Duration chaos_min = std::chrono::seconds(10);  ///< When the faults end, in virtual time: drawn between this and the next.
  Duration chaos_max = std::chrono::seconds(18);  ///< As above.
  std::size_t log_lines_max = 0;                  ///< Kept for `report`; watching changes nothing in the run.
  std::string watched_image;                      ///< As in SimOptions.
  std::optional<Quorum> quorum;                   ///< Of the cluster; unless given, 6 of 100 lives have none.
  /// Stop at the first violation instead of living on.
  bool stop_at_violation = true;
};

/// What became of it.
struct RandomRunResult {
  std::vector<std::string> violations;  ///< Broken invariants and, after them, what the healed cluster still owed; one line each.
  std::string report;                   ///< Empty when nothing was violated.
  std::uint64_t trace_hash = 0;         ///< Equal for equal options.
  std::uint64_t events = 0;             ///< Steps of the simulator.
  Duration virtual_time{};              ///< From the first start to the reckoning.
  std::size_t uploads_acknowledged = 0;  ///< Acknowledgements by the nodes; those of deletes are counted too.
  std::size_t operations = 0;            ///< That clients began.
  std::size_t operations_failed = 0;     ///< Chaos makes some fail; that is no violation.
  FaultCounts faults;                    ///< By the name of the kind.
  /// Nothing was violated.
  [[nodiscard]] bool ok() const noexcept { return violations.empty(); }
};

/// Lives through it, in the calling thread.
[[nodiscard]] RandomRunResult random_run(const RandomRunOptions& options);
/// What to type to live through this run again, with its log.
[[nodiscard]] std::string replay_command(const RandomRunOptions& options);

}  // namespace cloudp2p::testing
