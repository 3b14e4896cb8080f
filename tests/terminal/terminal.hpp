// A terminal (tmux) of its own socket, with one program in it: keys go in, the screen is read.
//
// Ends:      destruction ends this tmux and what runs in it.
#pragma once

#include "support/process.hpp"
#include "support/temporary_folder.hpp"

#include <map>
#include <string>

namespace terminal {

class Terminal {
 public:
  struct Size {
    unsigned columns = 90;
    unsigned rows = 30;
  };
  /// Runs `program` with `environment` in `folder`. Its home is `folder` too.
  Terminal(const std::string& folder, const std::string& program, std::map<std::string, std::string> environment,
           Size size);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] static bool available();

  /// As typed; UTF-8.
  void type(const std::string& text);
  /// "Enter", "Tab", "Up", "C-c": as tmux names them.
  void press(const std::string& key);
  /// Without the blanks and lines at the end that hold nothing.
  [[nodiscard]] std::string screen() const;
  [[nodiscard]] bool shows(const std::string& text) const;
  /// The last line with anything in it, which holds the cursor, becomes this.
  [[nodiscard]] bool comes_to(const std::string& last_line) const;
  /// What ran in it has ended.
  [[nodiscard]] bool ended() const;

 private:
  [[nodiscard]] support::Finished tmux(std::vector<std::string> arguments) const;

  const std::string socket_;
};

}  // namespace terminal
