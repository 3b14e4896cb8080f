// LogSink: where log lines go. The library itself never prints.
//
// Purpose:   the embedder decides. `contract` lines are the ones that PRODUCT pins byte for byte ("[Node 3] starting
//            heartbeat task"): the server app prints their text alone on stdout.
// Thread:    may be called from any thread; an implementation synchronises itself and does not call back.
// Errors:    none; a sink that fails drops the line.
// Limits:    a line is at most 4 KiB; secrets (keys, handshake data) are never logged.
#pragma once

#include <string_view>

namespace cloudp2p {

enum class LogLevel { debug, info, contract, warning, error };

class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void log(LogLevel level, std::string_view line) = 0;
};

}  // namespace cloudp2p
