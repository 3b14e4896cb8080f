// The options and arguments that each command has of its own.
#pragma once

#include "options.hpp"

#include <CLI/CLI.hpp>

namespace client {

/// An option with a value that is kept as it was typed.
void add_text(CLI::App& app, const char* name, std::optional<std::string>& out, const char* type, const char* help);
void add_options_of(CLI::App& sub, const std::string& name, Command& command);

}  // namespace client
