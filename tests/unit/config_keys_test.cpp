// The table of keys that the parser reads by is what the manual prints; docs/configuration.md has the same rows.
#include <cloudp2p/config.hpp>
#include <cloudp2p/config_keys.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

using namespace cloudp2p;

namespace {

std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> out;
  std::istringstream in(row.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) {
    std::erase(cell, '`');
    const std::size_t first = cell.find_first_not_of(' ');
    out.push_back(first == std::string::npos ? "" : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
  }
  return out;
}

/// Key and default of each row of the tables below "## File".
std::map<std::string, std::string> documented() {
  std::ifstream in(SOURCE_DIR "/docs/configuration.md");
  std::map<std::string, std::string> out;
  std::string prefix = "outside";
  std::size_t default_column = 0;
  for (std::string line; std::getline(in, line);) {
    if (line == "## File") prefix = "";
    if (line == "### election") prefix = "election.";
    if (line.starts_with("### store")) prefix = "";
    if (line == "## Keys") break;
    if (prefix == "outside" || !line.starts_with("| ")) continue;
    const std::vector<std::string> cells = cells_of(line);
    if (cells[0] == "key") {
      default_column = static_cast<std::size_t>(std::find(cells.begin(), cells.end(), "default") - cells.begin());
    } else {
      out[prefix + cells[0]] = cells.at(default_column);
    }
  }
  return out;
}

std::string without(std::string text, const std::string& part) {
  for (std::size_t at; (at = text.find(part)) != std::string::npos;)
    text.erase(at, part.size());
  return text;
}

}  // namespace

TEST_CASE("configuration: docs/configuration.md has a row for each key that the parser knows, with its default, and no other") {
  std::map<std::string, std::string> rows = documented();
  for (const ConfigKey& key : config_keys()) {
    if (key.type == "object") continue;  // A heading there.
    const auto row = rows.find(key.path);
    REQUIRE_MESSAGE(row != rows.end(), key.path << " is not documented");
    if (!row->second.empty() && key.path != "store.accept")
      CHECK_MESSAGE(without(row->second, "\"") == without(key.fallback, "\""), key.path);
    rows.erase(row);
  }
  for (const auto& [key, fallback] : rows)
    FAIL_CHECK(key << " is documented, and unknown");
}

TEST_CASE("configuration: the defaults that the manual tells are those in force") {
  const std::string printed = to_json(*parse_config("{}", "none"));
  for (const ConfigKey& key : config_keys()) {
    if (key.type != "number" || key.fallback.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string leaf = key.path.substr(key.path.rfind('.') + 1);
    CHECK_MESSAGE(printed.find("\"" + leaf + "\": " + key.fallback) != std::string::npos, key.path);
  }
}

TEST_CASE("configuration: every key of the table is known to the parser") {
  for (const ConfigKey& key : config_keys()) {
    if (key.path.find('.') != std::string::npos) continue;
    const auto parsed = parse_config("{\"" + key.path + "\": {\"?\": 1}}", "c");
    if (key.type == "object") {
      REQUIRE(parsed.ok());
      REQUIRE(parsed->warnings.size() == 1);
      CHECK_MESSAGE(parsed->warnings[0].find("/" + key.path + "/?: unknown key") != std::string::npos, parsed->warnings[0]);
    } else {
      REQUIRE_FALSE(parsed.ok());
      CHECK_MESSAGE(parsed.error().message.find("/" + key.path) != std::string::npos, parsed.error().message);
    }
  }
}
