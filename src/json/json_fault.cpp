#include "json/json_fault.hpp"

#include <cloudp2p/json_writer.hpp>

#include <charconv>
#include <cstdint>

namespace cloudp2p::json {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Recursive descent over RFC 8259. Each function returns false once `fault_` is set, with `at_` at the fault.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool document() {
    skip_blank();
    if (at_ == text_.size()) return fail("expected '{', got nothing");
    if (!value(0)) return false;
    skip_blank();
    return at_ == text_.size() || fail("expected the end of the file");
  }

  [[nodiscard]] JsonFault fault() const {
    JsonFault out;
    out.what = fault_;
    for (std::size_t i = 0; i < at_ && i < text_.size(); ++i) {
      const bool continues = (static_cast<unsigned char>(text_[i]) & 0xc0) == 0x80;
      if (text_[i] == '\n') {
        ++out.line;
        out.column = 1;
      } else if (!continues) {
        ++out.column;
      }
    }
    return out;
  }

 private:
  bool fail(const char* what) {
    fault_ = what;
    return false;
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[nodiscard]] bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }
  void skip_blank() {
    while (next_is(' ') || next_is('\t') || next_is('\n') || next_is('\r'))
      ++at_;
  }

  bool value(std::size_t depth) {
    if (depth > kDepthMax) return fail("nested too deeply");
    switch (peek()) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      case '/': return fail("JSON has no comments");
      case '\'': return fail("expected a value: strings stand in double quotes");
      default: return is_digit(peek()) || peek() == '-' ? number() : fail("expected a value");
    }
  }

  bool object(std::size_t depth) {
    ++at_;
    skip_blank();
    if (take('}')) return true;
    while (true) {
      if (!next_is('"')) return fail("expected a key in double quotes");
      if (!string()) return false;
      skip_blank();
      if (!take(':')) return fail("expected ':' after the key");
      skip_blank();
      if (!value(depth + 1)) return false;
      skip_blank();
      if (take('}')) return true;
      if (!take(',')) return fail("expected ',' or '}'");
      skip_blank();
      if (next_is('}')) return fail("expected another key after ','");
    }
  }

  bool array(std::size_t depth) {
    ++at_;
    skip_blank();
    if (take(']')) return true;
    while (true) {
      if (!value(depth + 1)) return false;
      skip_blank();
      if (take(']')) return true;
      if (!take(',')) return fail("expected ',' or ']'");
      skip_blank();
      if (next_is(']')) return fail("expected another value after ','");
    }
  }

  bool string() {
    const std::size_t opened = at_++;
    while (at_ < text_.size()) {
      if (take('"')) return true;
      if (next_is('\\')) {
        if (!escape()) return false;
        continue;
      }
      if (static_cast<unsigned char>(peek()) < 0x20) {
        const bool line_end = next_is('\n') || next_is('\r');
        if (line_end) at_ = opened;
        return fail(line_end ? "this string is not closed on its line" : "control character in a string");
      }
      const std::size_t length = detail::utf8_length(text_.substr(at_));
      if (length == 0) return fail("not UTF-8");
      at_ += length;
    }
    at_ = opened;
    return fail("this string is never closed");
  }

  bool escape() {
    const std::size_t begin = at_++;
    constexpr std::string_view kSingle = "\"\\/bfnrt";
    if (at_ < text_.size() && kSingle.find(text_[at_]) != std::string_view::npos) {
      ++at_;
      return true;
    }
    unsigned code = 0;
    if (!take('u') || !hex4(code)) return fail_at(begin, "unknown escape in a string");
    if (code < 0xd800 || code > 0xdfff) return true;
    unsigned low = 0;
    const bool paired = code < 0xdc00 && take('\\') && take('u') && hex4(low) && low >= 0xdc00 && low <= 0xdfff;
    return paired || fail_at(begin, "half of a surrogate pair in a string");
  }

  bool fail_at(std::size_t at, const char* what) {
    at_ = at;
    return fail(what);
  }

  bool hex4(unsigned& code) {
    const std::string_view digits = text_.substr(at_, 4);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 4 || parsed.ec != std::errc() || parsed.ptr != digits.data() + 4) return false;
    at_ += 4;
    return true;
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return fail("expected a value");
    at_ += expected.size();
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) return fail("expected a digit");
    while (is_digit(peek()))
      ++at_;
    return true;
  }

  bool number() {
    const std::size_t begin = at_;
    bool whole = true;
    take('-');
    if (take('0')) {
      if (is_digit(peek())) return fail_at(begin, "a number does not begin with 0");
    } else if (!digits()) {
      return false;
    }
    if (take('.')) {
      whole = false;
      if (!digits()) return false;
    }
    if (take('e') || take('E')) {
      whole = false;
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    return fits(text_.substr(begin, at_ - begin), whole) || fail_at(begin, "this number is out of range");
  }

  static bool fits(std::string_view token, bool whole) {
    const char* const end = token.data() + token.size();
    std::int64_t negative = 0;
    std::uint64_t positive = 0;
    double real = 0;
    if (!whole) return std::from_chars(token.data(), end, real).ec == std::errc();
    if (token.front() == '-') return std::from_chars(token.data(), end, negative).ec == std::errc();
    return std::from_chars(token.data(), end, positive).ec == std::errc();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const char* fault_ = "";
};

}  // namespace

std::optional<JsonFault> find_json_fault(std::string_view text) {
  Scanner scanner(text);
  if (scanner.document()) return std::nullopt;
  return scanner.fault();
}

}  // namespace cloudp2p::json
