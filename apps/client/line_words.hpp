// A line of the prompt as words, the way a shell reads it: blanks separate, quotes and backslashes keep them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace client {

/// nullopt when a quote is not closed. A leading "~/" becomes the home folder.
[[nodiscard]] std::optional<std::vector<std::string>> split_words(std::string_view line);
/// The last word of an unfinished line, for completion, and where it begins.
struct OpenWord {
  std::vector<std::string> before;
  std::string text;
  std::size_t begin = 0;
};
[[nodiscard]] OpenWord open_word(std::string_view line);
/// With backslashes where a shell would want them.
[[nodiscard]] std::string escaped(std::string_view word);

}  // namespace client
