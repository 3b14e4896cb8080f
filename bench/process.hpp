// Processes that the benchmark starts, and what the kernel says about them.
//
// Ownership: a ChildProcess is killed and reaped with its owner; should the benchmark itself be killed, the kernel
//            kills its children.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace bench {

struct Usage {
  double cpu_seconds = 0;  ///< User and system.
  double system_seconds = 0;
  double peak_mib = 0;  ///< VmHWM.
};

class ChildProcess {
 public:
  struct Command {
    std::vector<std::string> arguments;  ///< The first one is the executable.
    std::map<std::string, std::string> environment;
    std::string output_file;  ///< Standard output and error, appended; empty: inherited.
  };
  ChildProcess() = default;
  explicit ChildProcess(const Command& command);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  [[nodiscard]] bool running();
  void signal(int number) const;
  /// Waits for its end; returns the exit status, or 128 + signal.
  int wait();
  void kill_now();
  [[nodiscard]] Usage usage() const;

 private:
  pid_t pid_ = -1;
};

[[nodiscard]] Usage own_usage();
[[nodiscard]] std::string own_path();

}  // namespace bench
