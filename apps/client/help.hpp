// What the client says about itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace client {

struct CommandHelp {
  std::string name;
  std::string summary;
  std::string details;  ///< Examples and fine print.
};

extern const char* const kAbout;
extern const char* const kFooter;
/// In the order in which they are listed.
[[nodiscard]] const std::vector<CommandHelp>& command_help();
[[nodiscard]] std::string usage_error_json(const std::string& text);

}  // namespace client
