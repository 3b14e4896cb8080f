// LogSink: where log lines go. The library itself never prints.
//
// Purpose:   the embedder decides. `contract` lines are the ones that users' scripts wait for ("[Node 3] starting
//            heartbeat task") and that never change: the server app prints their text alone on stdout.
// Thread:    may be called from any thread; an implementation synchronises itself and does not call back.
// Errors:    none; a sink that fails drops the line.
// Limits:    lines quote paths and at most 1 KiB of what a peer said: a sink that needs a bound cuts them itself. Secrets
//            (keys, handshake data) are never logged.
#pragma once

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
};

}  // namespace cloudp2p
