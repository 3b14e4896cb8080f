// client: parses, then runs one command or the prompt.
#include "command_line/standard_descriptors.hpp"
#include "commands.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <exception>
#include <iostream>

namespace {

/// Core dumps would hold the key.
void forbid_core_dumps() {
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int run(std::vector<std::string> words) {
  client::Settings settings;
  client::Command command;
  if (const client::Parsed done = client::parse_command_line(std::move(words), settings, command)) {
    if (!std::cout.flush()) client::output_lost(errno);  // Help and such.
    return *done;
  }
  forbid_core_dumps();
  const bool at_prompt = command.name.empty();
  client::Session session(std::move(settings), at_prompt);
  if (!at_prompt) return run_command(session, command);
  // A configuration that cannot work is said at once, not at the first command.
  if (const auto config = session.config(); !config) return session.out.failure(config.error());
  return run_prompt(session);
}

}  // namespace

int main(int argc, char** argv) {
  command_line::keep_standard_descriptors();
  std::setlocale(LC_CTYPE, "");
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "[Client] ✗ %s\n", client::shown(error.what()).c_str());
    return 1;
  }
}
