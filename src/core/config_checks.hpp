// Checks of single settings that the loader and the host share with `validate`.
#pragma once

#include <cloudp2p/config.hpp>

#include <string>
#include <string_view>

namespace cloudp2p::core {

/// What is wrong with a 256-bit key in hex ("expected 64 hex digits, got 10 characters"); empty when nothing is. Never
/// quotes the key: messages end up in logs.
[[nodiscard]] std::string key_fault(std::string_view hex);

/// "9 is not among the peers 1, 2, 3"; empty when node_id is, or is not set.
[[nodiscard]] std::string node_id_fault(const Config& config);

/// Who takes part must know whom it talks to; a client may say 0: whoever answers at that address.
[[nodiscard]] Status validate_named(const Config& config);

}  // namespace cloudp2p::core
