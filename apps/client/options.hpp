// The client's command line: settings of the whole run, and one command.
#pragma once

#include "command_line/words.hpp"

#include <cloudp2p/config.hpp>

#include <optional>

namespace client {

struct Settings {
  cloudp2p::ConfigFlags flags;
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<unsigned> retries;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_color = false;
  bool no_progress = false;
};

/// What to do; which members count depends on the command.
struct Command {
  std::string name;                    ///< Empty: the interactive prompt.
  std::vector<std::string> arguments;  ///< Paths, ids, a topic.
  bool recursive = false;
  unsigned jobs = 4;
  std::optional<std::string> output;
  std::size_t limit = 100;  ///< 0: everything.
  std::string after;
  std::int64_t since_ms = 0;
  bool all = false;
  bool yes = false;
  bool repair = false;
  bool stop = false;
  bool prune = false;
  bool adopt = false;
  bool check = false;
  bool deleted = false;
};

/// What parsing came to: a command to run, or an exit code because everything has been said.
using Parsed = std::optional<int>;

/// The words after the program's name.
[[nodiscard]] Parsed parse_command_line(std::vector<std::string> words, Settings& settings, Command& command);
/// One line of the prompt: a command with its own options, and `-o`.
[[nodiscard]] Parsed parse_prompt_line(std::vector<std::string> words, Settings& settings, Command& command);
/// The help of everything, or of one command; nullopt for an unknown one.
[[nodiscard]] std::optional<std::string> help_text(const std::string& topic);
/// All commands, options and arguments: for completion and the manual.
[[nodiscard]] const command_line::ProgramWords& program_words();

/// "500ms", "30s", "2m", "1h"; a bare number is seconds.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// "2024-05-01", "2024-05-01T12:00", with "Z" for UTC, or an age: "7d", "2h".
[[nodiscard]] std::optional<std::int64_t> parse_since(const std::string& text);

}  // namespace client
