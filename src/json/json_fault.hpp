// Where and why a text is not JSON. simdjson says neither line nor column; this scanner runs only after it has refused.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cloudp2p::json {

inline constexpr std::size_t kDepthMax = 32;  ///< Nesting; a configuration needs four.

struct JsonFault {
  std::size_t line = 1;    ///< From 1.
  std::size_t column = 1;  ///< From 1, in characters.
  std::string what;        ///< "expected ',' or '}'"
};

/// The first fault, or nullopt when the text is JSON.
[[nodiscard]] std::optional<JsonFault> find_json_fault(std::string_view text);

}  // namespace cloudp2p::json
