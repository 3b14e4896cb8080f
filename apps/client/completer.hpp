// What Tab does at the prompt: commands, their words, and files.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace client {

struct Completion {
  std::string insert;                ///< What can be added without a doubt; may end in a blank.
  std::vector<std::string> choices;  ///< To be shown when nothing can.
};
/// The ids of stored images that begin like this.
using IdLookup = std::function<std::vector<std::string>(const std::string& typed)>;
/// `line` up to the cursor.
[[nodiscard]] Completion complete_line(std::string_view line, const IdLookup& ids);
/// For a terminal; ends in a newline.
[[nodiscard]] std::string in_columns(const std::vector<std::string>& choices);

}  // namespace client
