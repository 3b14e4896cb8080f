// Typed reading of a JSON document, with messages that name the place: "/peers/1/address: expected …, got …".
#pragma once

#include <cloudp2p/error.hpp>

#include "json/config_names.hpp"

#include <simdjson.h>

#include <set>
#include <span>

namespace cloudp2p::json {

using Value = simdjson::dom::element;

/// A value and its JSON pointer (RFC 6901).
struct Place {
  Value value;
  std::string path;
  std::vector<std::string>* warnings;  ///< Of the document: what is in it and not read.

  [[nodiscard]] Place member(std::string_view key, Value of) const;
  [[nodiscard]] Place item(std::size_t index, Value of) const;
  /// bad_config at this place.
  [[nodiscard]] Error error(const std::string& what) const;
  /// "expected …, got …", the value itself shown when it is short and plain.
  [[nodiscard]] Error expected(const std::string& what) const;
};

struct Range {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
};

[[nodiscard]] Status read(const Place& at, std::string& out);
[[nodiscard]] Status read(const Place& at, std::uint64_t& out, Range range);
/// A string that must not be empty and holds no NUL, such as a path; `what` names it in the message.
[[nodiscard]] Status read_text(const Place& at, std::string& out, const char* what);

template <class T, std::size_t N>
[[nodiscard]] Status read_choice(const Place& at, T& out, const std::array<Named<T>, N>& names) {
  std::string_view name;
  const bool text = at.value.get_string().get(name) == simdjson::SUCCESS;
  const std::optional<T> chosen = text ? value_of(names, name) : std::nullopt;
  if (!chosen) return at.expected(choices(names));
  out = *chosen;
  return {};
}

/// What people are told about a key (see ConfigKey).
struct KeyText {
  const char* type;
  const char* fallback;
  const char* about;
};

/// One key that an object may have, and how it is read into a T.
template <class T>
struct Field {
  std::string_view key;
  Status (*read)(const Place& at, T& out);
  KeyText text;
};

/// Notes a key that nobody reads, with the known key that was probably meant.
void warn_of_unknown_key(const Place& at, std::string_view key, const std::vector<std::string_view>& known);

/// Reads an object: no key twice, unknown ones noted. `seen` (optional) collects the keys that were there.
template <class T>
[[nodiscard]] Status read_object(const Place& at, T& out, std::span<const Field<T>> fields,
                                 std::set<std::string_view>* seen = nullptr) {
  simdjson::dom::object object;
  if (at.value.get_object().get(object) != simdjson::SUCCESS) return at.expected("an object");
  std::set<std::string_view> keys;
  for (const auto& [key, value] : object) {
    const Place place = at.member(key, value);
    const std::string_view name = key;
    const auto field = std::find_if(fields.begin(), fields.end(), [name](const auto& f) { return f.key == name; });
    if (!keys.insert(key).second) return place.error("this key is given twice");
    if (field == fields.end()) {
      std::vector<std::string_view> known;
      for (const Field<T>& each : fields)
        known.push_back(each.key);
      warn_of_unknown_key(place, key, known);
      continue;
    }
    if (Status status = field->read(place, out); !status) return status;
  }
  if (seen != nullptr) *seen = std::move(keys);
  return {};
}

/// Calls `read_item(place)` for each item of an array.
template <class F>
[[nodiscard]] Status read_array(const Place& at, F&& read_item) {
  simdjson::dom::array array;
  if (at.value.get_array().get(array) != simdjson::SUCCESS) return at.expected("an array");
  std::size_t index = 0;
  for (const Value value : array) {
    if (Status status = read_item(at.item(index++, value)); !status) return status;
  }
  return {};
}

}  // namespace cloudp2p::json
