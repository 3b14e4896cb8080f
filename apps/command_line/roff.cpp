#include "roff.hpp"

#include <cctype>

namespace command_line {

std::string inner(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\e"; break;
      case '-': out += "\\-"; break;
      case '\'': out += "\\(aq"; break;
      case '`': out += "\\(ga"; break;
      case '^': out += "\\(ha"; break;
      case '~': out += "\\(ti"; break;
      case '"': out += "\\(dq"; break;
      default: out += c;
    }
  }
  return out;
}

std::string whole(std::string_view text) {
  const std::string out = inner(text);
  return out.starts_with('.') ? "\\&" + out : out;
}

std::string bold(std::string_view text) {
  return "\\fB" + inner(text) + "\\fR";
}
std::string italic(std::string_view text) {
  return "\\fI" + inner(text) + "\\fR";
}

std::string upper(std::string text) {
  for (char& c : text)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string capitalised(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

std::string as_typed(const std::vector<std::string>& lines) {
  std::string out = ".PP\n.nf\n";
  for (const std::string& line : lines)
    out += whole(line) + "\n";
  return out + ".fi\n";
}

std::string filled(const std::vector<std::string>& lines) {
  std::string out = ".PP\n";
  for (const std::string& line : lines)
    out += whole(line) + "\n";
  return out;
}

}  // namespace command_line
