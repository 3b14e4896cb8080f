#include "json/json_reader.hpp"

#include <cloudp2p/json_writer.hpp>

#include <numeric>

namespace cloudp2p::json {
namespace {

constexpr std::size_t kPathKeyBytesMax = 60;
constexpr std::size_t kWarningsMax = 20;

/// One step of a JSON pointer, fit for a message: control characters escaped, long keys cut.
std::string pointer_step(std::string_view key) {
  const std::string quoted = json_quoted(key, kPathKeyBytesMax);
  std::string out = "/";
  for (const char c : std::string_view(quoted).substr(1, quoted.size() - 2)) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::string describe(Value value) {
  using simdjson::dom::element_type;
  switch (value.type()) {
    case element_type::ARRAY: return "an array";
    case element_type::OBJECT: return "an object";
    case element_type::NULL_VALUE: return "null";
    case element_type::BOOL: return value.get_bool().value_unsafe() ? "true" : "false";
    case element_type::INT64: return std::to_string(value.get_int64().value_unsafe());
    case element_type::UINT64: return std::to_string(value.get_uint64().value_unsafe());
    case element_type::STRING: return json_quoted(value.get_string().value_unsafe());
    case element_type::DOUBLE: {
      std::string out;
      JsonWriter(out).value(value.get_double().value_unsafe());
      return out;
    }
  }
  return "something else";
}

/// Lower case without separators, so that "sharedDir" and "shared-dir" are recognised at once.
std::string folded(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '_' || c == '-' || c == ' ' || c == '.') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

/// Levenshtein distance, in one row.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

std::string_view nearest(std::string_view key, const std::vector<std::string_view>& known) {
  constexpr std::size_t kKeyBytesMax = 40;  // Nobody mistypes a known key into something longer.
  if (key.size() > kKeyBytesMax) return {};
  const std::string wanted = folded(key);
  std::string_view best;
  std::size_t best_distance = 3;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(wanted, folded(candidate));
    if (distance >= best_distance || 2 * distance >= candidate.size()) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

}  // namespace

Place Place::member(std::string_view key, Value of) const {
  return {of, path + pointer_step(key), warnings};
}
Place Place::item(std::size_t index, Value of) const {
  return {of, path + "/" + std::to_string(index), warnings};
}
Error Place::error(const std::string& what) const {
  return {Errc::bad_config, path.empty() ? what : path + ": " + what};
}
Error Place::expected(const std::string& what) const {
  return error("expected " + what + ", got " + describe(value));
}

Status read(const Place& at, std::string& out) {
  std::string_view text;
  if (at.value.get_string().get(text) != simdjson::SUCCESS) return at.expected("a string");
  out = text;
  return {};
}

Status read(const Place& at, std::uint64_t& out, Range range) {
  std::uint64_t number = 0;
  const bool whole = at.value.get_uint64().get(number) == simdjson::SUCCESS;
  if (!whole || number < range.min || number > range.max) {
    if (range.min == range.max) return at.expected(std::to_string(range.min));
    return at.expected("a whole number from " + std::to_string(range.min) + " to " + std::to_string(range.max));
  }
  out = number;
  return {};
}

Status read_text(const Place& at, std::string& out, const char* what) {
  std::string_view text;
  const bool is_text = at.value.get_string().get(text) == simdjson::SUCCESS;
  if (!is_text || text.empty() || text.find('\0') != std::string_view::npos) return at.expected(what);
  out = text;
  return {};
}

void warn_of_unknown_key(const Place& at, std::string_view key, const std::vector<std::string_view>& known) {
  if (at.warnings->size() >= kWarningsMax) return;
  const std::string_view meant = nearest(key, known);
  std::string advice = "did you mean \"" + std::string(meant) + "\"?";
  if (meant.empty()) {
    advice = "known here are ";
    for (const std::string_view each : known)
      advice += (each == known.front() ? "" : ", ") + std::string(each);
  }
  at.warnings->push_back(at.error("unknown key, ignored: " + advice).message);
}

}  // namespace cloudp2p::json
