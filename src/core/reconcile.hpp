// Reconcile: at start, before this node takes part, brings files and records together.
//
// A record that claims bytes whose file is gone loses that claim, so that repair fetches them. A file without a record was
// never acknowledged from here: it goes to the trash, where it stays for a day. While what is stored can not be read it is
// tried again: a node that took part as it is would say that it has what it lacks, and keep what is deleted.
#pragma once

#include "core/services.hpp"

namespace cloudp2p::core {

/// Of a directory that is shared: calls back only while this node leads the same term.
void reconcile(Services& services, Callback<void()> done);

}  // namespace cloudp2p::core
