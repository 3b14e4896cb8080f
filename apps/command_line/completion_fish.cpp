#include "completion_parts.hpp"

namespace command_line {
namespace {

/// fish knows no way out of single quotes but backslashes.
std::string fish_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_value(const OptionWords& wanted, const ProgramWords& program) {
  switch (wanted.wants) {
    case Wants::file: return " -F";
    case Wants::folder: return " -a '(__fish_complete_directories (commandline -ct))'";
    case Wants::command: return " -a " + fish_quoted(command_names(program));
    case Wants::choice: return " -a " + fish_quoted(joined(wanted.choices));
    case Wants::image:
    case Wants::anything: break;
  }
  return "";
}

std::string fish_option(const std::string& start, const OptionWords& option, const ProgramWords& program) {
  std::string out = start;
  for (const std::string& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!option.value.empty()) out += (option.wants == Wants::file ? " -r" : " -x") + fish_value(option, program);
  return out + " -d " + fish_quoted(option.help) + "\n";
}

}  // namespace

std::string fish_script(const ProgramWords& program) {
  std::string out = "# fish completion of " + program.installed + "\n";
  std::vector<std::string> names{program.installed};
  if (program.name != program.installed) names.push_back(program.name);
  for (const std::string& name : names) {
    const std::string start = "complete -c " + name;
    out += start + " -f\n";
    for (const OptionWords& option : program.options)
      out += fish_option(start, option, program);
    for (const CommandWords& command : program.commands) {
      out += start + " -n __fish_use_subcommand -a " + command.name + " -d " + fish_quoted(command.summary) + "\n";
      const std::string seen = start + " -n '__fish_seen_subcommand_from " + command.name + "'";
      for (const OptionWords& option : command.options)
        out += fish_option(seen, option, program);
      for (const OptionWords& argument : command.arguments)
        if (const std::string value = fish_value(argument, program); !value.empty()) out += seen + value + "\n";
    }
  }
  return out;
}

}  // namespace command_line
