// Buckets: one of this node's catalog, whole, page by page; the hashes of another node's, from its answer.
#pragma once

#include "core/services.hpp"

namespace cloudp2p::core {

using BucketDone = Callback<void(Result<std::vector<CatalogEntry>>)>;

void read_bucket(Services& services, std::uint32_t bucket, BucketDone done);
/// The payload of a SyncHashesResult; nothing when it has another size.
[[nodiscard]] std::optional<BucketHashes> hashes_in(const Buffer& payload);

}  // namespace cloudp2p::core
