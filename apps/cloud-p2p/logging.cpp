#include "logging.hpp"

#include <cloudp2p/json_writer.hpp>

#include <spdlog/fmt/chrono.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace server {

using cloudp2p::Config;
using cloudp2p::LogLevel;

namespace {

constexpr std::size_t kLineBytesMax = 4'096;  ///< A peer's words may be longer.

const char* word(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info:
    case LogLevel::contract: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: break;
  }
  return "error";
}

/// As sd-daemon(3) has it.
const char* syslog_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "<7>";
    case LogLevel::info: return "<6>";
    case LogLevel::contract: return "<5>";
    case LogLevel::warning: return "<4>";
    case LogLevel::error: break;
  }
  return "<3>";
}

/// UTC with milliseconds, as RFC 3339 writes it.
std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), ms);
}

std::string json_line(LogLevel level, std::string_view event, std::string_view line) {
  std::string out;
  cloudp2p::JsonWriter json(out);
  json.begin_object().field("schema", 1).field("time", timestamp()).field("level", word(level));
  json.field("event", event).field("message", line).end_object();
  return out;
}

spdlog::sink_ptr make_sink(const Config& config) {
  if (config.log_file.empty()) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  if (config.log_file_bytes_max == 0) return std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.log_file);
  return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(config.log_file, config.log_file_bytes_max,
                                                                config.log_files_kept);
}

std::shared_ptr<spdlog::logger> make_logger(const Config& config) {
  auto logger = std::make_shared<spdlog::logger>("cloud-p2p", make_sink(config));
  logger->set_level(spdlog::level::trace);  // Lines that are not wanted do not come this far.
  logger->flush_on(spdlog::level::trace);
  logger->set_pattern("%v");
  logger->set_error_handler([](const std::string&) {});  // A full disk must not stop the node.
  return logger;
}

}  // namespace

bool stderr_is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

void say_on_stderr(LogLevel level, std::string_view line) {
  std::fprintf(stderr, "%s%s\n", stderr_is_journal() ? syslog_prefix(level) : "", cloudp2p::printable(line).c_str());
}

Logging::Logging() : journal_(stderr_is_journal()), logger_(make_logger({})) {}
Logging::~Logging() = default;

cloudp2p::Status Logging::configure(const Config& config) {
  try {
    auto logger = make_logger(config);
    const std::lock_guard lock(mutex_);
    logger_ = std::move(logger);
    level_ = config.log_level;
    json_ = config.log_json;
    to_file_ = !config.log_file.empty();
    return {};
  } catch (const spdlog::spdlog_ex& error) {
    return cloudp2p::Error{cloudp2p::Errc::bad_config, "log file " + config.log_file + ": " + error.what()};
  }
}

void Logging::log(LogLevel level, std::string_view line) {
  log_event(level, "other", line);
}

void Logging::log_event(LogLevel level, std::string_view event, std::string_view line) {
  line = line.substr(0, kLineBytesMax);
  const std::string safe = cloudp2p::printable(line);
  const std::lock_guard lock(mutex_);
  if (level == LogLevel::contract) {
    std::fprintf(stdout, "%s\n", safe.c_str());
    std::fflush(stdout);
    if (!to_file_) return;
  }
  if (level < level_) return;
  const bool to_journal = journal_ && !to_file_;
  std::string text = json_        ? json_line(level, event, line)
                     : to_journal ? safe
                                  : fmt::format("{} {} {}", timestamp(), word(level), safe);
  if (to_journal) text.insert(0, syslog_prefix(level));
  logger_->info(text);
}

}  // namespace server
