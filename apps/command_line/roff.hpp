// Text as roff takes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace command_line {

/// For the middle of a line: what roff would take for its own, and the dashes and quotes that must stay as typed.
[[nodiscard]] std::string inner(std::string_view text);
/// For a line of its own.
[[nodiscard]] std::string whole(std::string_view text);
[[nodiscard]] std::string bold(std::string_view text);
[[nodiscard]] std::string italic(std::string_view text);
[[nodiscard]] std::string upper(std::string text);
[[nodiscard]] std::string capitalised(std::string text);
/// A paragraph whose lines stay as they are, and one that is filled.
[[nodiscard]] std::string as_typed(const std::vector<std::string>& lines);
[[nodiscard]] std::string filled(const std::vector<std::string>& lines);

}  // namespace command_line
