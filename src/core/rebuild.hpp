// Rebuild: at start, when the catalog was lost: what lies in the image store becomes records again.
//
// A catalog may come back with records and without bytes (Catalog::open): their files are found by name and size, unread.
// A file that no record fits is identified, and gets a record under a stamp of term 0: below whatever a leader ever
// stamped, so that any record or tombstone of a living cluster wins over it. The node has begun a new incarnation; what
// only it knows reaches the leader as a stray, as ever.
#pragma once

#include "core/services.hpp"

namespace cloudp2p::core {

void rebuild(Services& services, Callback<void(const Status&)> done);

}  // namespace cloudp2p::core
