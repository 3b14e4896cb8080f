// Scripts that teach a shell to complete a program's command line.
#pragma once

#include "words.hpp"

#include <string_view>

namespace command_line {

/// For bash, zsh or fish. It serves both names of the program.
[[nodiscard]] std::string completion_script(const ProgramWords& program, std::string_view shell);

}  // namespace command_line
