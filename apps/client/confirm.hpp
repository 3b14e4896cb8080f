// Asking before something is deleted.
#pragma once

#include "session.hpp"

namespace client {

/// There is a terminal to ask at.
[[nodiscard]] bool can_ask();
/// `QUESTION [y/N] `; what an interrupt or the end of the input leaves is no yes.
[[nodiscard]] bool confirmed(Session& session, const std::string& question);

}  // namespace client
