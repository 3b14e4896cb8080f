// The names of events are a contract: each one that the sources log is in docs/logs.md, and none that they do not.
#include "source_file.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace {

using Names = std::set<std::string>;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void collect(const std::string& text, const std::regex& pattern, Names& out) {
  for (auto at = std::sregex_iterator(text.begin(), text.end(), pattern); at != std::sregex_iterator(); ++at)
    out.insert((*at)[1]);
}

/// A level, or an expression that chooses one, then the name.
Names logged() {
  const std::regex call(R"re(\blog(?:_event)?\((?:[^;{}"]*LogLevel::\w+|level),\s*"([a-z_]+)")re");
  Names out;
  for (const layers::SourceFile& file : layers::read_tree(SOURCE_DIR)) {
    if (file.path.rfind("src/", 0) == 0 || file.path.rfind("apps/cloud-p2p/", 0) == 0)
      collect(text_of(std::filesystem::path(SOURCE_DIR) / file.path), call, out);
  }
  return out;
}

/// In the first column of the table.
Names documented() {
  Names out;
  std::istringstream text(text_of(std::filesystem::path(SOURCE_DIR) / "docs/logs.md"));
  for (std::string line; std::getline(text, line);) {
    if (line.rfind("| `", 0) == 0) collect(line.substr(0, line.find('|', 1)), std::regex("`([a-z_]+)`"), out);
  }
  return out;
}

}  // namespace

TEST_CASE("every event that is logged is documented, and the other way round") {
  const Names in_code = logged();
  const Names in_words = documented();
  CHECK(in_code.size() > 40);
  for (const std::string& name : in_code)
    CHECK_MESSAGE(in_words.contains(name), name);
  for (const std::string& name : in_words)
    CHECK_MESSAGE(in_code.contains(name), name);
}
