// JsonWriter: JSON text, streamed into a string.
//
// Purpose:   what the programs print with `-o json`, and what `to_json` returns. Any bytes may be given as text: what
//            would act on a terminal is escaped and bytes that are not UTF-8 become U+FFFD, so that the result is always
//            valid, and harmless where it is shown.
// Thread:    a plain value. Ownership: refers to the caller's string, which outlives it, and only appends.
// Order:     one value at the top; inside an object `key` before each value (`field` does both); every begin has its end.
// Numbers:   integers exactly, doubles with the fewest digits that read back the same; NaN and infinities become null.
// Errors:    none; unbalanced calls are a bug of the caller and are asserted.
#pragma once

#include <cloudp2p/types.hpp>

#include <cassert>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace cloudp2p {

namespace detail {
/// What must not stand in a JSON text as it is, or would act on the terminal that shows it. `sequence` is well-formed.
inline void append_escaped(std::string& out, std::string_view sequence) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(sequence[at])); };
  switch (sequence[0]) {
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  unsigned code = byte(0);
  if (sequence.size() == 2) code = (byte(0) & 0x1f) << 6 | (byte(1) & 0x3f);
  if (sequence.size() == 3) code = (byte(0) & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
  out += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U})
    out += kHex[code >> shift & 0xf];
}
}  // namespace detail

/// Appends `text` as a JSON string, quotes included.
inline void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char first = text.front();
    const std::size_t length = detail::utf8_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (first == '"' || first == '\\') {
      out += '\\';
      out += first;
    } else if (detail::acts_on_terminal(text.substr(0, length))) {
      detail::append_escaped(out, text.substr(0, length));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

/// `text` in quotes and safe on a terminal, for messages; longer than `bytes_max` it is cut and ends in "...".
[[nodiscard]] inline std::string json_quoted(std::string_view text, std::size_t bytes_max = 80) {
  std::string out;
  if (text.size() <= bytes_max) {
    append_json_string(out, text);
    return out;
  }
  std::size_t cut = bytes_max;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80)
    --cut;
  append_json_string(out, text.substr(0, cut));
  out.insert(out.size() - 1, "...");
  return out;
}

/// Writes one JSON value, in pieces, to the end of a string.
class JsonWriter {
 public:
  /// How it is laid out.
  enum class Style : std::uint8_t {
    compact,   ///< One line.
    indented,  ///< Two spaces a level, for people.
  };
  /// `out` outlives the writer; what it holds already stays.
  explicit JsonWriter(std::string& out, Style style = Style::compact) : out_(out), style_(style) {}

  /// Fields follow, then `end_object`.
  JsonWriter& begin_object() { return begin('{'); }
  /// Ends the object begun last.
  JsonWriter& end_object() { return end('{', '}'); }
  /// Values follow, then `end_array`.
  JsonWriter& begin_array() { return begin('['); }
  /// Ends the array begun last.
  JsonWriter& end_array() { return end('[', ']'); }

  /// Inside an object, before each value. Nobody checks that it is unique.
  JsonWriter& key(std::string_view name) {
    assert(!levels_.empty() && levels_.back().bracket == '{' && !after_key_);
    separate();
    append_json_string(out_, name);
    out_ += style_ == Style::indented ? ": " : ":";
    after_key_ = true;
    return *this;
  }

  /// A bool, an integer, a floating-point number, nullptr, or anything that converts to std::string_view.
  template <class T>
  JsonWriter& value(const T& item) {
    before_value();
    if constexpr (std::is_same_v<T, bool>) {
      out_ += item ? "true" : "false";
    } else if constexpr (std::is_same_v<T, std::nullptr_t>) {
      out_ += "null";
    } else if constexpr (std::is_floating_point_v<T>) {
      std::isfinite(item) ? append_number(item) : void(out_ += "null");
    } else if constexpr (std::is_integral_v<T>) {
      static_assert(!std::is_same_v<T, char>, "a char is neither text nor a number here");
      append_number(item);
    } else {
      static_assert(std::is_convertible_v<const T&, std::string_view>, "not a JSON value");
      append_json_string(out_, std::string_view(item));
    }
    return *this;
  }

  /// `key`, then `value`.
  template <class T>
  JsonWriter& field(std::string_view name, const T& item) {
    return key(name).value(item);
  }

 private:
  struct Level {
    char bracket;
    bool empty = true;
  };

  JsonWriter& begin(char bracket) {
    before_value();
    out_ += bracket;
    levels_.push_back(Level{bracket});
    return *this;
  }

  JsonWriter& end([[maybe_unused]] char opened, char bracket) {
    assert(!levels_.empty() && levels_.back().bracket == opened && !after_key_);
    const bool empty = levels_.back().empty;
    levels_.pop_back();
    if (!empty) new_line();
    out_ += bracket;
    return *this;
  }

  void before_value() {
    assert(levels_.empty() || levels_.back().bracket == '[' || after_key_);
    if (!after_key_ && !levels_.empty()) separate();
    after_key_ = false;
  }

  void separate() {
    if (!levels_.back().empty) out_ += ',';
    levels_.back().empty = false;
    new_line();
  }

  void new_line() {
    if (style_ == Style::compact) return;
    out_ += '\n';
    out_.append(2 * levels_.size(), ' ');
  }

  template <class Number>
  void append_number(Number number) {
    char digits[64];
    const auto written = std::to_chars(digits, digits + sizeof digits, number);
    out_.append(digits, written.ptr);
  }

  std::string& out_;
  const Style style_;
  std::vector<Level> levels_;
  bool after_key_ = false;
};

}  // namespace cloudp2p
