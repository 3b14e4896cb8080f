#include "help.hpp"
#include "options.hpp"

namespace client {
namespace {

constexpr const char* kGlobal =
    "--config --peers --encryption-key-file --timeout --retries -o -q -v --no-color --no-progress --version --help";

std::string names() {
  std::string out;
  for (const CommandWords& command : command_words())
    out += (out.empty() ? "" : " ") + command.name;
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words)
    out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string bash() {
  std::string out =
      "_cloud_p2p_client() {\n  local cur=${COMP_WORDS[COMP_CWORD]} command= word\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case $word in\n";
  std::string alternatives;
  for (const CommandWords& command : command_words())
    alternatives += (alternatives.empty() ? "" : "|") + command.name;
  out += "      " + alternatives + ") command=$word; break ;;\n    esac\n  done\n  case $command in\n";
  out += std::string("    '') COMPREPLY=($(compgen -W '") + kGlobal + " " + names() + "' -- \"$cur\")) ;;\n";
  for (const CommandWords& command : command_words()) {
    const std::string words = command.name == "help" ? names() : joined(command.words);
    out += "    " + command.name + ") COMPREPLY=($(compgen -W '" + words + "' -- \"$cur\")";
    if (command.takes_paths) out += " $(compgen -f -- \"$cur\")";
    out += ") ;;\n";
  }
  return out + "  esac\n}\ncomplete -o filenames -F _cloud_p2p_client client cloud-p2p-client\n";
}

/// In single quotes, for zsh and fish.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string zsh() {
  std::string out = "#compdef client cloud-p2p-client\nlocal -a commands=(\n";
  for (const CommandHelp& command : command_help()) {
    std::string entry = command.name + ":" + command.summary;
    for (std::size_t at = command.name.size() + 1; (at = entry.find(':', at)) != std::string::npos; at += 2)
      entry.insert(at, "\\");
    out += "  " + quoted(entry) + "\n";
  }
  out += ")\nlocal command=${words[(r)(" + std::string("");
  std::string alternatives;
  for (const CommandWords& command : command_words())
    alternatives += (alternatives.empty() ? "" : "|") + command.name;
  out += alternatives + ")]}\ncase $command in\n  '') _describe command commands; compadd -- " + kGlobal + " ;;\n";
  for (const CommandWords& command : command_words()) {
    const std::string words = command.name == "help" ? names() : joined(command.words);
    out += "  " + command.name + ") " + (words.empty() ? "" : "compadd -- " + words + "; ") +
           (command.takes_paths ? "_files ;;\n" : ":;;\n");
  }
  return out + "esac\n";
}

std::string fish() {
  std::string out;
  for (const char* const program : {"client", "cloud-p2p-client"}) {
    const std::string start = std::string("complete -c ") + program;
    out += start + " -f\n";
    for (const CommandHelp& command : command_help())
      out += start + " -n __fish_use_subcommand -a " + command.name + " -d " + quoted(command.summary) + "\n";
    for (const CommandWords& command : command_words()) {
      const std::string seen = " -n '__fish_seen_subcommand_from " + command.name + "'";
      const std::string words = command.name == "help" ? names() : joined(command.words);
      if (!words.empty()) out += start + seen + " -a " + quoted(words) + "\n";
      if (command.takes_paths) out += start + seen + " -F\n";
    }
  }
  return out;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  return shell == "bash" ? bash() : shell == "zsh" ? zsh() : fish();
}

}  // namespace client
