// Reconcile: at start, before this node takes part, brings files and records together.
//
// A record that claims bytes whose file is gone loses that claim, so that repair fetches them. A file without a record was
// never acknowledged from here: it goes to the trash, where it stays for a day.
#pragma once

#include "core/services.hpp"

namespace cloudp2p::core {

void reconcile(Services& services, Callback<void(const Status&)> done);

}  // namespace cloudp2p::core
