// Reads one whole bucket of this node's catalog, page by page.
#pragma once

#include "core/services.hpp"

namespace cloudp2p::core {

using BucketDone = Callback<void(Result<std::vector<CatalogEntry>>)>;

void read_bucket(Services& services, std::uint32_t bucket, BucketDone done);

}  // namespace cloudp2p::core
