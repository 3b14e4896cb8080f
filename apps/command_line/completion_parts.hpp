// What the scripts for the shells have in common.
#pragma once

#include "completion.hpp"

#include <algorithm>

namespace command_line {

/// In single quotes, as every shell here reads them.
inline std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

inline std::string joined(const std::vector<std::string>& words, const char* between = " ") {
  std::string out;
  for (const std::string& word : words)
    out += (out.empty() ? "" : between) + word;
  return out;
}

inline std::string command_names(const ProgramWords& program) {
  std::vector<std::string> out;
  for (const CommandWords& command : program.commands)
    out.push_back(command.name);
  return joined(out);
}

inline std::vector<std::string> option_names(const std::vector<OptionWords>& options) {
  std::vector<std::string> out;
  for (const OptionWords& option : options)
    out.insert(out.end(), option.names.begin(), option.names.end());
  return out;
}

/// "client cloud-p2p-client"; one name if both are the same.
inline std::string program_names(const ProgramWords& program) {
  return program.name == program.installed ? program.name : program.name + " " + program.installed;
}

inline std::string function_name(const ProgramWords& program) {
  std::string out = "_" + program.installed;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

[[nodiscard]] std::string bash_script(const ProgramWords& program);
[[nodiscard]] std::string zsh_script(const ProgramWords& program);
[[nodiscard]] std::string fish_script(const ProgramWords& program);

}  // namespace command_line
