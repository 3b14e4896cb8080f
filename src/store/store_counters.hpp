// Counters of the image store, for status and metrics.
//
// Purpose:   commits divided by syncs is the size of a commit group.
// Thread:    cells are written by the store's threads; `read` may be called from any.
#pragma once

#include <atomic>
#include <cstdint>

namespace cloudp2p::store {

/// Counted since the store was opened.
struct StoreCounters {
  std::uint64_t commits = 0;          ///< Images made durable; kept duplicates included.
  std::uint64_t duplicates_kept = 0;  ///< Commits answered by a file that was already there.
  std::uint64_t syncs = 0;            ///< Syncs of image bytes, of one file or of a group.
  std::uint64_t directory_syncs = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t integrity_failures = 0;  ///< Commits and verifications whose bytes did not match.
  std::uint64_t commits_waiting = 0;     ///< At the moment: verified, not yet taken by a sync.
};

struct StoreCounterCells {
  std::atomic<std::uint64_t> commits{0}, duplicates_kept{0}, syncs{0}, directory_syncs{0}, bytes_written{0},
      integrity_failures{0}, commits_waiting{0};

  [[nodiscard]] StoreCounters read() const {
    return {commits, duplicates_kept, syncs, directory_syncs, bytes_written, integrity_failures, commits_waiting};
  }
};

}  // namespace cloudp2p::store
