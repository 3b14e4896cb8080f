// Durations and points in time as people type them.
#include "options.hpp"

#include <charconv>
#include <ctime>

namespace client {
namespace {

struct Quantity {
  std::int64_t number = 0;
  std::string_view unit;
};

std::optional<Quantity> parse_quantity(std::string_view text) {
  Quantity out;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out.number);
  constexpr std::int64_t kLargest = 1'000'000'000;
  if (parsed.ec != std::errc() || out.number < 0 || out.number > kLargest) return std::nullopt;
  out.unit = text.substr(static_cast<std::size_t>(parsed.ptr - text.data()));
  return out;
}

std::optional<std::int64_t> unit_ms(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit == "s" || unit.empty()) return 1'000;
  if (unit == "m") return 60'000;
  if (unit == "h") return 3'600'000;
  if (unit == "d") return 86'400'000;
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const std::optional<Quantity> quantity = parse_quantity(text);
  if (!quantity || quantity->number == 0) return std::nullopt;
  const std::optional<std::int64_t> factor = unit_ms(quantity->unit);
  constexpr std::int64_t kLongestMs = std::int64_t{100} * 365 * 24 * 3'600 * 1'000;  // A clock counts nanoseconds.
  if (!factor || quantity->number > kLongestMs / *factor) return std::nullopt;
  return std::chrono::milliseconds(quantity->number * *factor);
}

std::optional<std::int64_t> parse_since(const std::string& text) {
  if (const auto age = parse_duration(text); age && !text.empty() && text.back() >= 'a') {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - *age).count();
  }
  for (const char* format : {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"}) {
    std::tm parts{};
    const char* const end = ::strptime(text.c_str(), format, &parts);
    if (end == nullptr) continue;
    const std::string_view rest(end);
    if (!rest.empty() && rest != "Z") continue;
    parts.tm_isdst = -1;
    return std::int64_t{rest == "Z" ? ::timegm(&parts) : ::mktime(&parts)} * 1'000;
  }
  return std::nullopt;
}

}  // namespace client
