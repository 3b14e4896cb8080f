#include "line_words.hpp"

#include <cstdlib>

namespace client {
namespace {

struct Scan {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  std::size_t begin = 0;  ///< Of the last word.
};

Scan scan(std::string_view line) {
  Scan out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool blank = c == ' ' || c == '\t';
    if (out.quote == 0 && blank) {
      out.in_word = false;
      continue;
    }
    if (!out.in_word) {
      out.in_word = true;
      out.begin = i;
      out.words.emplace_back();
    }
    if (out.quote == 0 && (c == '"' || c == '\'')) {
      out.quote = c;
    } else if (out.quote != 0 && c == out.quote) {
      out.quote = 0;
    } else if (c == '\\' && out.quote != '\'' && i + 1 < line.size()) {
      out.words.back() += line[++i];
    } else {
      out.words.back() += c;
    }
  }
  return out;
}

void expand_home(std::string& word) {
  const char* const home = std::getenv("HOME");
  if (home != nullptr && (word == "~" || word.rfind("~/", 0) == 0)) word.replace(0, 1, home);
}

}  // namespace

std::optional<std::vector<std::string>> split_words(std::string_view line) {
  Scan scanned = scan(line);
  if (scanned.quote != 0) return std::nullopt;
  for (std::string& word : scanned.words)
    expand_home(word);
  return std::move(scanned.words);
}

OpenWord open_word(std::string_view line) {
  Scan scanned = scan(line);
  OpenWord out;
  out.begin = line.size();
  if (scanned.in_word) {
    out.text = std::move(scanned.words.back());
    out.begin = scanned.begin;
    scanned.words.pop_back();
  }
  out.before = std::move(scanned.words);
  return out;
}

std::string escaped(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (std::string_view(" \t\\'\"").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace client
