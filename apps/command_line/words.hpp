// A program's command line as plain data, read from its parser: what completion and the manual are made from.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace command_line {

/// What a value is, as far as its label tells: FILE, PATH, DIR, ID, COMMAND, or a choice "text|json".
enum class Wants { anything, file, folder, image, command, choice };

struct OptionWords {
  std::vector<std::string> names;  ///< "-j", "--jobs"; of an argument its label alone: "PATH".
  std::string value;               ///< Label of the value; empty for a flag.
  std::string help;
  Wants wants = Wants::anything;
  std::vector<std::string> choices;
  bool required = false;
  bool many = false;
};

struct CommandWords {
  std::string name;
  std::string summary;
  std::string details;
  std::vector<OptionWords> options;
  std::vector<OptionWords> arguments;
};

struct ProgramWords {
  std::string name;       ///< "client"
  std::string installed;  ///< "cloud-p2p-client"
  std::string about;
  std::string footer;  ///< Of the help: paragraphs, "Title:" and indented lines.
  std::vector<OptionWords> options;
  std::vector<CommandWords> commands;
};

/// Hidden options (of no group) are left out.
[[nodiscard]] ProgramWords words_of(const CLI::App& app, const std::string& installed);

}  // namespace command_line
