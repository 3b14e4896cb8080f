// A program started for a test: its environment, its output, its end.
//
// Ownership: kills (SIGKILL, by id) and reaps what still runs when it goes out of scope; nothing else is ever touched.
// Waiting:   by polling for a condition, with a bound that only a broken program reaches.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace support {

/// Nothing here takes this long on a machine that works, however busy.
inline constexpr std::chrono::seconds kGenerous{60};

/// Polls until `reached()`; false when `bound` passed first.
template <class Condition>
[[nodiscard]] bool eventually(Condition&& reached, std::chrono::milliseconds bound = kGenerous);

struct Launch {
  std::string program;
  std::vector<std::string> arguments;
  /// Added to an environment that has only PATH, HOME, TMPDIR and the sanitizers' options.
  std::map<std::string, std::string> environment;
  std::string folder = ".";      ///< The working directory.
  std::string input;             ///< All that standard input gives.
  bool keep_input_open = false;  ///< `write_input` gives more; otherwise the input ends.
};

class Process {
 public:
  explicit Process(Launch launch);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  [[nodiscard]] pid_t pid() const;
  [[nodiscard]] bool running();
  void signal(int number);
  void write_input(const std::string& text);
  void close_input();

  /// Everything so far.
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;
  /// Waits for a whole line on stdout. Lines that were there before count as well.
  [[nodiscard]] bool wait_for_line(const std::string& line, std::chrono::milliseconds bound = kGenerous);
  /// Waits for text anywhere in stdout.
  [[nodiscard]] bool wait_for_text(const std::string& text, std::chrono::milliseconds bound = kGenerous);
  /// The exit status, or 128 + the signal; nullopt when it goes on running.
  [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds bound = kGenerous);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct Finished {
  int exit_status = -1;  ///< -1: did not end in time.
  std::string out;
  std::string err;
};
/// Runs to the end.
[[nodiscard]] Finished run(Launch launch, std::chrono::milliseconds bound = kGenerous);

[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);
[[nodiscard]] bool has_line(const std::string& text, const std::string& line);

}  // namespace support

#include "support/process_waiting.hpp"
