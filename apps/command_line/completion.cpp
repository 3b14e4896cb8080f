#include "completion_parts.hpp"

namespace command_line {

std::string completion_script(const ProgramWords& program, std::string_view shell) {
  return shell == "bash" ? bash_script(program) : shell == "zsh" ? zsh_script(program) : fish_script(program);
}

}  // namespace command_line
