// Tally: what the records add up to, kept by adding differences.
//
// Purpose:   counters and bucket hashes that never need a second scan.
// Thread:    TallyChange is computed where the record is written; Tally belongs to the node's thread.
// Units:     all sums are modulo 2^64, so that a difference is an addition too.
#pragma once

#include <cloudp2p/catalog.hpp>

namespace cloudp2p::store {

/// What one record's change does to the sums.
struct TallyChange {
  std::size_t bucket = 0;
  std::uint64_t hash = 0;
  std::uint64_t images = 0;
  std::uint64_t tombstones = 0;
  std::uint64_t missing = 0;
  std::uint64_t unburied = 0;
  std::uint64_t image_bytes = 0;
  Stamp newest;

  /// `before` is null for a record that was not held.
  [[nodiscard]] static TallyChange of(const CatalogEntry* before, const CatalogEntry& after);
};

class Tally {
 public:
  void apply(const TallyChange& change);
  void count_transaction() { ++summary_.transactions; }
  void count_change() { ++summary_.changes; }

  [[nodiscard]] const CatalogSummary& summary() const;
  [[nodiscard]] const BucketHashes& buckets() const { return buckets_; }

 private:
  BucketHashes buckets_{};
  // The root runs over all buckets: it is computed when somebody looks, not with each change.
  mutable CatalogSummary summary_;
  mutable bool root_is_stale_ = true;
};

}  // namespace cloudp2p::store
