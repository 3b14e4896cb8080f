#include "logging.hpp"

#include <cloudp2p/json_writer.hpp>

#include <spdlog/fmt/chrono.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>

namespace server {

using cloudp2p::LogLevel;

namespace {

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

/// UTC with milliseconds, as RFC 3339 writes it.
std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), ms);
}

/// A file name in a line must not be able to forge a second one, nor to act on the terminal.
std::string one_line(std::string_view line) {
  std::string out(line);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

std::string json_line(LogLevel level, std::string_view line) {
  std::string out;
  cloudp2p::JsonWriter json(out);
  json.begin_object().field("schema", 1).field("time", timestamp()).field("level", word(level));
  json.field("message", line).end_object();
  return out;
}

std::shared_ptr<spdlog::logger> make_logger(const std::string& file) {
  spdlog::sink_ptr sink;
  if (file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
  }
  auto logger = std::make_shared<spdlog::logger>("cloud-p2p", std::move(sink));
  logger->set_level(spdlog::level::trace);  // Lines that are not wanted do not come this far.
  logger->flush_on(spdlog::level::trace);
  logger->set_pattern("%v");
  logger->set_error_handler([](const std::string&) {});  // A full disk must not stop the node.
  return logger;
}

}  // namespace

Logging::Logging() : logger_(make_logger({})) {}
Logging::~Logging() = default;

cloudp2p::Status Logging::configure(const cloudp2p::Config& config) {
  try {
    auto logger = make_logger(config.log_file);
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
  const std::lock_guard lock(mutex_);
  const std::string safe = one_line(line);
  if (level == LogLevel::contract) {
    std::fprintf(stdout, "%s\n", safe.c_str());
    std::fflush(stdout);
    if (!to_file_) return;
  }
  if (level < level_) return;
  logger_->info(json_ ? json_line(level, line) : fmt::format("{} {} {}", timestamp(), word(level), safe));
}

}  // namespace server
