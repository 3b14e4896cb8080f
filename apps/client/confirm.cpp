#include "confirm.hpp"

#include <poll.h>
#include <unistd.h>

namespace client {

bool can_ask() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

bool confirmed(Session& session, const std::string& question) {
  const std::string text = question + " [y/N] ";
  (void)!::write(STDERR_FILENO, text.data(), text.size());
  std::string answer;
  while (!session.interrupts.interrupted()) {
    constexpr int kLookForInterruptsMs = 100;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char byte = 0;
    if (::poll(&input, 1, kLookForInterruptsMs) <= 0) continue;
    if (::read(STDIN_FILENO, &byte, 1) != 1 || byte == '\n') break;
    answer += byte;
  }
  if (session.interrupts.interrupted()) (void)!::write(STDERR_FILENO, "\n", 1);  // The line that Ctrl-C left.
  return !session.interrupts.interrupted() && (answer == "y" || answer == "Y" || answer == "yes");
}

}  // namespace client
