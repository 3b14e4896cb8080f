// Descriptors 0 to 2, whoever started the program.
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace command_line {

/// A program that was started without them would open its files and sockets under these numbers, and print into them.
/// What is written to this stand-in fails, as it does when they are closed.
inline void keep_standard_descriptors() {
  int opened = ::open("/dev/null", O_RDONLY);
  while (opened >= 0 && opened <= STDERR_FILENO)
    opened = ::open("/dev/null", O_RDONLY);
  if (opened > STDERR_FILENO) ::close(opened);
}

}  // namespace command_line
