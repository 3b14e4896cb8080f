// A log that nobody reads.
#pragma once

#include <cloudp2p/log_sink.hpp>

namespace support {

class SilentLog final : public cloudp2p::LogSink {
 public:
  void log(cloudp2p::LogLevel, std::string_view) override {}
};

}  // namespace support
