// Reads the prompt's lines: libedit with history and tab completion on a terminal, plain lines from anything else.
#pragma once

#include "completer.hpp"
#include "interrupts.hpp"

#include <memory>
#include <optional>
#include <string>

namespace client {

class LineReader {
 public:
  virtual ~LineReader() = default;
  /// nullopt at the end of the input. Ctrl-C gives an empty line.
  [[nodiscard]] virtual std::optional<std::string> next() = 0;
};

[[nodiscard]] std::unique_ptr<LineReader> terminal_reader(Interrupts& interrupts, IdLookup ids);
/// `prompt` may be empty.
[[nodiscard]] std::unique_ptr<LineReader> plain_reader(std::string prompt);

}  // namespace client
