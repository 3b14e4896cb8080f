// Where the node's log lines go.
//
// Purpose:   contract lines go as bare text to stdout, one flush each, at every level and format: scripts read them.
//            All others go to stderr or to the log file, as text or JSON; a log file gets the contract lines too.
//            On stderr that is the system's journal a line begins with its syslog level, `<4>`, and a text line has no
//            time of its own.
// Names:     whatever a line holds from elsewhere can neither begin another line nor act on a terminal.
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

  /// Takes level, format, file and its limits from `config`; opens the file anew (other programs may have moved it
  /// away). On an error everything stays as it was.
  [[nodiscard]] cloudp2p::Status configure(const cloudp2p::Config& config);
  void log(cloudp2p::LogLevel level, std::string_view line) override;
  void log_event(cloudp2p::LogLevel level, std::string_view event, std::string_view line) override;

 private:
  const bool journal_;
  std::mutex mutex_;
  std::shared_ptr<spdlog::logger> logger_;
  cloudp2p::LogLevel level_ = cloudp2p::LogLevel::info;
  bool json_ = false;
  bool to_file_ = false;
};

/// Whether stderr is the journal's: systemd says of which socket it is (JOURNAL_STREAM), and stderr may have been sent
/// elsewhere since.
[[nodiscard]] bool stderr_is_journal();
/// A line that stands alone, before there is a log or beside it: on stderr, made harmless.
void say_on_stderr(cloudp2p::LogLevel level, std::string_view line);

}  // namespace server
