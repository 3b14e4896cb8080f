// JsonWriter: JSON text, streamed into a string.
//
// Purpose:   what the programs print with `-o json`, and what `to_json` returns. Any bytes may be given as text:
// control
//            characters are escaped and bytes that are not UTF-8 become U+FFFD, so that the result is always valid.
// Thread:    a plain value. Ownership: refers to the caller's string, which outlives it, and only appends.
// Order:     one value at the top; inside an object `key` before each value (`field` does both); every begin has its
// end. Numbers:   integers exactly, doubles with the fewest digits that read back the same; NaN and infinities become
// null. Errors:    none; unbalanced calls are a bug of the caller and are asserted.
#pragma once

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
/// Length of the well-formed UTF-8 sequence that `text` begins with (Unicode 15, table 3-7); 0 when there is none.
[[nodiscard]] inline std::size_t utf8_sequence_bytes(std::string_view text) noexcept {
  const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
  const auto within = [&](std::size_t at, unsigned low, unsigned high) { return byte(at) >= low && byte(at) <= high; };
  const auto tail = [&](std::size_t at) { return within(at, 0x80, 0xbf); };
  if (text.empty()) return 0;
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;   // No overlong forms,
    const unsigned high = first == 0xed ? 0x9f : 0xbf;  // no surrogates.
    return within(1, low, high) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;  // Nothing above U+10FFFF.
    return within(1, low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

inline void append_escaped_control(std::string& out, char control) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (control) {
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto code = static_cast<unsigned char>(control);
  out += "\\u00";
  out += kHex[code >> 4];
  out += kHex[code & 0xf];
}
}  // namespace detail

/// Appends `text` as a JSON string, quotes included.
inline void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char first = text.front();
    const std::size_t length = detail::utf8_sequence_bytes(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (first == '"' || first == '\\') {
      out += '\\';
      out += first;
    } else if (static_cast<unsigned char>(first) < 0x20 || first == 0x7f) {
      detail::append_escaped_control(out, first);
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
