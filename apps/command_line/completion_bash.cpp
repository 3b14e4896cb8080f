#include "completion_parts.hpp"

namespace command_line {
namespace {

std::string bash_candidates(const OptionWords& wanted, const ProgramWords& program) {
  const auto list = [](const std::string& words) {
    return "mapfile -t COMPREPLY < <(compgen -W " + shell_quoted(words) + " -- \"$cur\")";
  };
  switch (wanted.wants) {
    case Wants::file: return "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")";
    case Wants::folder: return "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")";
    case Wants::command: return list(command_names(program));
    case Wants::choice: return list(joined(wanted.choices));
    case Wants::image:
    case Wants::anything: break;
  }
  return ":";
}

/// What comes after an option that takes a value: `pattern` is matched with "command option".
std::string bash_values(const std::vector<OptionWords>& options, const std::string& command,
                        const ProgramWords& program) {
  std::string out;
  for (const OptionWords& option : options) {
    if (option.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : option.names)
      patterns.push_back(command + "' " + name + "'");
    out += "    " + joined(patterns, "|") + ") " + bash_candidates(option, program) + "; return ;;\n";
  }
  return out;
}

std::string bash_words(const CommandWords& command, const std::string& global, const ProgramWords& program) {
  const std::string options = joined(option_names(command.options)) + " " + global;
  const std::string arguments = command.arguments.empty() ? ":" : bash_candidates(command.arguments.front(), program);
  return "    " + command.name + ")\n      if [[ $cur == -* ]]; then mapfile -t COMPREPLY < <(compgen -W " +
         shell_quoted(options) + " -- \"$cur\")\n      else " + arguments + "\n      fi ;;\n";
}

}  // namespace

std::string bash_script(const ProgramWords& program) {
  std::vector<std::string> with_value;
  const auto collect = [&](const std::vector<OptionWords>& options) {
    for (const OptionWords& option : options)
      if (!option.value.empty()) with_value.insert(with_value.end(), option.names.begin(), option.names.end());
  };
  collect(program.options);
  for (const CommandWords& command : program.commands)
    collect(command.options);
  std::sort(with_value.begin(), with_value.end());
  with_value.erase(std::unique(with_value.begin(), with_value.end()), with_value.end());

  const std::string function = function_name(program);
  const std::string global = joined(option_names(program.options));
  std::string commands = command_names(program);
  std::string patterns = commands;
  std::replace(patterns.begin(), patterns.end(), ' ', '|');
  std::string out = "# bash completion of " + program.installed + "\n" + function + "() {\n" +
                    "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= value= word i\n"
                    "  COMPREPLY=()\n"
                    "  if [[ $cur == = ]]; then cur=\n"
                    "  elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}\n"
                    "  fi\n"
                    "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                    "    word=${COMP_WORDS[i]}\n"
                    "    if [[ $value && $word != = ]]; then value=; continue; fi\n"
                    "    case $word in\n      " +
                    joined(with_value, "|") + ") value=1 ;;\n";
  if (!commands.empty()) out += "      " + patterns + ") [[ $command ]] || command=$word ;;\n";
  out += "    esac\n  done\n  case \"$command $prev\" in\n";
  for (const CommandWords& command : program.commands)
    out += bash_values(command.options, command.name, program);
  out += bash_values(program.options, "*", program) + "  esac\n  case $command in\n";
  out += "    '') mapfile -t COMPREPLY < <(compgen -W " + shell_quoted(global + (commands.empty() ? "" : " " + commands)) +
         " -- \"$cur\") ;;\n";
  for (const CommandWords& command : program.commands)
    out += bash_words(command, global, program);
  return out + "  esac\n}\ncomplete -o filenames -F " + function + " " + program_names(program) + "\n";
}

}  // namespace command_line
