#include "source_file.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

namespace layers {

namespace {

/// Blanks [from, to) but keeps the line breaks, so that positions and line numbers stay.
void blank(std::string& text, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < std::min(to, text.size()); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

std::size_t end_of(const std::string& text, const std::string& terminator, std::size_t from) {
  const std::size_t at = text.find(terminator, from);
  return at == std::string::npos ? text.size() : at + terminator.size();
}

/// The end of the literal whose opening quote is at `open`.
std::size_t end_of_literal(const std::string& text, std::size_t open) {
  if (text[open] == '"' && open > 0 && text[open - 1] == 'R') {
    const std::size_t parenthesis = text.find('(', open);
    if (parenthesis == std::string::npos) return text.size();
    return end_of(text, ")" + text.substr(open + 1, parenthesis - open - 1) + "\"", parenthesis);
  }
  std::size_t at = open + 1;
  while (at < text.size() && text[at] != text[open] && text[at] != '\n')
    at += text[at] == '\\' ? 2 : 1;
  return std::min(at + 1, text.size());
}

/// An apostrophe after a digit or letter separates digits (65'536); it opens no character literal.
bool is_digit_separator(const std::string& text, std::size_t at) {
  return text[at] == '\'' && at > 0 && std::isxdigit(static_cast<unsigned char>(text[at - 1])) != 0;
}

std::string without_comments_and_literals(std::string text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at + 1;
    if (text.compare(at, 2, "//") == 0) {
      end = std::min(text.find('\n', at), text.size());
      blank(text, at, end);
    } else if (text.compare(at, 2, "/*") == 0) {
      end = end_of(text, "*/", at + 2);
      blank(text, at, end);
    } else if ((text[at] == '"' || text[at] == '\'') && !is_digit_separator(text, at)) {
      end = end_of_literal(text, at);
      blank(text, at + 1, end - 1);
    }
    at = end;
  }
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

SourceFile parse(std::string path, const std::string& text) {
  static const std::regex directive(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  SourceFile out{std::move(path), lines_of(text), without_comments_and_literals(text), {}};
  const std::vector<std::string> code_lines = lines_of(out.code);
  for (std::size_t i = 0; i < out.lines.size(); ++i) {
    // The code tells whether it is a directive or commented out; the line as written still has the quoted path.
    if (i >= code_lines.size() || code_lines[i].find("include") == std::string::npos) continue;
    std::smatch match;
    if (std::regex_search(out.lines[i], match, directive)) {
      out.includes.push_back({match[2], match[1] == "\"", static_cast<int>(i) + 1});
    }
  }
  return out;
}

std::vector<SourceFile> read_tree(const std::filesystem::path& root) {
  namespace fs = std::filesystem;
  std::vector<fs::path> paths;
  for (const auto* folder : {"include", "src", "apps", "examples", "bench", "tests"}) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const fs::path extension = entry.path().extension();
      if (entry.is_regular_file() && (extension == ".hpp" || extension == ".cpp")) paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<SourceFile> out;
  for (const fs::path& path : paths)
    out.push_back(parse(path.lexically_relative(root).generic_string(), content_of(path)));
  return out;
}

int line_at(const std::string& text, std::size_t position) {
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
}

}  // namespace layers
