#include "completion_parts.hpp"

namespace command_line {
namespace {

std::string zsh_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("[]:\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const OptionWords& wanted, const ProgramWords& program) {
  switch (wanted.wants) {
    case Wants::file: return "_files";
    case Wants::folder: return "_files -/";
    case Wants::command: return "(" + command_names(program) + ")";
    case Wants::choice: return "(" + joined(wanted.choices) + ")";
    case Wants::image:
    case Wants::anything: break;
  }
  return " ";
}

std::string zsh_option(const OptionWords& option, const ProgramWords& program) {
  std::string rest = "[" + zsh_escaped(option.help) + "]";
  if (!option.value.empty()) rest += ":" + zsh_escaped(option.value) + ":" + zsh_action(option, program);
  if (option.names.size() == 1) return shell_quoted(option.names.front() + rest);
  return shell_quoted("(" + joined(option.names) + ")") + "{" + joined(option.names, ",") + "}" + shell_quoted(rest);
}

std::string zsh_specs(const std::vector<OptionWords>& options, const ProgramWords& program) {
  std::string out;
  for (const OptionWords& option : options)
    out += " \\\n      " + zsh_option(option, program);
  return out;
}

std::string zsh_arguments(const CommandWords& command, const ProgramWords& program) {
  std::string out;
  for (const OptionWords& argument : command.arguments) {
    const std::string start = argument.many ? "*" : argument.required ? "1" : "1:";
    out += " \\\n      " + shell_quoted(start + ":" + argument.value + ":" + zsh_action(argument, program));
  }
  return out;
}

}  // namespace

std::string zsh_script(const ProgramWords& program) {
  const std::string function = "_" + program.installed;  // Also the name of the file that it is loaded from.
  std::string out = "#compdef " + program_names(program) + "\n" + function + "() {\n  local state line\n" +
                    "  local -a global commands\n  global=(" + zsh_specs(program.options, program) + ")\n";
  if (program.commands.empty()) {
    return out + "  _arguments -s -S $global\n}\nif [[ $funcstack[1] == " + function + " ]]; then " + function +
           " \"$@\"; else compdef " + function + " " + program_names(program) + "; fi\n";
  }
  out += "  commands=(\n";
  for (const CommandWords& command : program.commands)
    out += "    " + shell_quoted(zsh_escaped(command.name) + ":" + zsh_escaped(command.summary)) + "\n";
  out +=
      "  )\n  _arguments -C -s -S $global '1: :->command' '*::: :->rest' && return\n"
      "  [[ $state == command ]] && _describe command commands && return\n"
      "  words=(\"$line[1]\" \"${words[@]}\")\n  (( CURRENT += 1 ))\n  case $line[1] in\n";
  for (const CommandWords& command : program.commands)
    out += "    " + command.name + ") _arguments -s -S $global" + zsh_specs(command.options, program) +
           zsh_arguments(command, program) + " ;;\n";
  return out + "  esac\n}\nif [[ $funcstack[1] == " + function + " ]]; then " + function + " \"$@\"; else compdef " +
         function + " " + program_names(program) + "; fi\n";
}

}  // namespace command_line
