// LogSink: where log lines go. The library itself never prints.
//
// Purpose:   the embedder decides. `contract` lines are the ones that users' scripts wait for ("[Node 3] starting
//            heartbeat task") and that never change: the server app prints their text alone on stdout.
// Thread:    may be called from any thread; an implementation synchronises itself and does not call back.
// Errors:    none; a sink that fails drops the line.
// Limits:    lines quote paths and at most 1 KiB of what a peer said: a sink that needs a bound cuts them itself. Secrets
//            (keys, handshake data) are never logged.
// Names:     a line may hold what came from elsewhere (names of files, what a peer said): pass it through `printable`
//            before a person, a terminal or a file of lines gets it.
#pragma once

#include <cloudp2p/types.hpp>

#include <string_view>

namespace cloudp2p {

/// How much it matters; `contract` stands beside the others: lines that scripts rely on.
enum class LogLevel { debug, info, contract, warning, error };

/// Takes the lines; the header begins with its contract.
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// One line, without an end-of-line; good during the call only.
  virtual void log(LogLevel level, std::string_view line) = 0;
  /// The same, with what happened as a word that stays the same from version to version, such as "leader_lost"
  /// (docs/logs.md lists them). All lines of the library come here.
  virtual void log_event(LogLevel level, std::string_view event, std::string_view line) {
    (void)event;
    log(level, line);
  }
};

/// `text` on one line and harmless on a terminal: "?" for each control character, each mark that ends a line or turns the
/// direction of writing, and each byte that is not UTF-8.
[[nodiscard]] inline std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = detail::utf8_length(text);
    const bool harmless = length > 0 && !detail::acts_on_terminal(text.substr(0, length));
    out += harmless ? text.substr(0, length) : std::string_view("?");
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace cloudp2p
