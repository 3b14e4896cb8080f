// Values as people read them.
#include "output.hpp"

#include <cmath>
#include <cstdio>
#include <ctime>

namespace client {
namespace {

std::string formatted(std::tm* (*split)(const std::time_t*, std::tm*), const char* format, std::int64_t time_ms) {
  const auto seconds = static_cast<std::time_t>(time_ms / 1'000);
  std::tm parts{};
  if (split(&seconds, &parts) == nullptr) return "?";
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

/// Characters, not bytes: continuation bytes take no column.
std::size_t width_of(const std::string& text) {
  std::size_t out = 0;
  for (const char c : text)
    out += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return out;
}

}  // namespace

std::string shown(std::string_view text) {
  return cloudp2p::printable(text);
}

std::string shown_lines(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += (at == 0 ? "" : "\n") + shown(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1'000) return std::to_string(bytes) + " B";
  double amount = static_cast<double>(bytes);
  const char* unit = "B";
  for (const char* next : {"kB", "MB", "GB", "TB", "PB"}) {
    if (amount < 999.95) break;
    amount /= 1'000;
    unit = next;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", amount, unit);
  return text;
}

std::string local_time(std::int64_t time_ms) {
  return formatted(::localtime_r, "%Y-%m-%d %H:%M:%S", time_ms);
}
std::string utc_time(std::int64_t time_ms) {
  return formatted(::gmtime_r, "%Y-%m-%dT%H:%M:%SZ", time_ms);
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(width_of(columns_[i].title));
    for (const auto& row : rows_)
      widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::vector<std::string> titles;
  for (const Column& column : columns_)
    titles.push_back(column.title);
  std::string out;
  const auto add_line = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      line += (i == 0 ? "" : "  ") + (columns_[i].right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += (out.empty() ? "" : "\n") + line;
  };
  add_line(titles);
  for (const auto& row : rows_)
    add_line(row);
  return out;
}

std::string human_seconds(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3'600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3'600) + " h " + std::to_string(whole % 3'600 / 60) + " min";
}

std::string date_or_dash(std::int64_t time_ms) {
  return time_ms == 0 ? "-" : local_time(time_ms);
}

}  // namespace client
