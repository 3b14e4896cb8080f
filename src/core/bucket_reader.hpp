// Buckets: one of this node's catalog, whole, page by page; the hashes of another node's, from its answer; and how one
// bucket differs from another node's, told by the hashes of its records instead of the records.
#pragma once

#include "core/services.hpp"

namespace cloudp2p::core {

using BucketDone = Callback<void(Result<std::vector<CatalogEntry>>)>;

void read_bucket(Services& services, std::uint32_t bucket, BucketDone done);
/// The payload of a SyncHashesResult; nothing when it has another size.
[[nodiscard]] std::optional<BucketHashes> hashes_in(const Buffer& payload);

/// One hash for each record, as a payload; empty when there are none, or so many that they do not fit.
[[nodiscard]] Buffer record_hashes(const std::vector<CatalogEntry>& entries);
/// Sorted. Nothing when the payload is malformed.
[[nodiscard]] std::optional<std::vector<std::uint64_t>> record_hashes_in(const Buffer& payload);

/// What a bucket holds beside what another node holds of it.
struct BucketDifference {
  std::vector<CatalogEntry> only_here;  ///< In the order of their digests.
  std::vector<std::uint64_t> only_there;
};
[[nodiscard]] BucketDifference difference(std::vector<CatalogEntry> here, const std::vector<std::uint64_t>& there_sorted);
[[nodiscard]] Buffer as_payload(const std::vector<std::uint64_t>& hashes);

}  // namespace cloudp2p::core
