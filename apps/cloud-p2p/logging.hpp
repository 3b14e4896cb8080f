// Where the node's log lines go.
//
// Purpose:   contract lines go as bare text to stdout, one flush each, at every level and format: scripts read them.
//            All others go to stderr or to the log file, as text or JSON; a log file gets the contract lines too.
// Thread:    any.
#pragma once

#include <cloudp2p/config.hpp>

#include <memory>
#include <mutex>

namespace spdlog {
class logger;
}

namespace server {

class Logging final : public cloudp2p::LogSink {
 public:
  Logging();
  ~Logging() override;

  /// Takes level, format and file from `config`; opens the file anew (that is how a log is rotated). On an error
  /// everything stays as it was.
  [[nodiscard]] cloudp2p::Status configure(const cloudp2p::Config& config);
  void log(cloudp2p::LogLevel level, std::string_view line) override;

 private:
  std::mutex mutex_;
  std::shared_ptr<spdlog::logger> logger_;
  cloudp2p::LogLevel level_ = cloudp2p::LogLevel::info;
  bool json_ = false;
  bool to_file_ = false;
};

}  // namespace server
