// Every key of the configuration file, from the table that the parser reads by.
//
// Purpose:   for manuals and other programs that explain or edit the file. Thread: any.
#pragma once

#include <cloudp2p/export.hpp>

#include <string>
#include <vector>

namespace cloudp2p {

/// One key, as a manual explains it.
struct ConfigKey {
  std::string path;      ///< "store.scrub_days"; "[]" stands for each item of an array: "peers[].id".
  std::string type;      ///< "number", "boolean", "path", "array", "object", or what the string is.
  std::string fallback;  ///< What is in force without it; "none"; "required"; empty for objects.
  std::string about;     ///< What it sets and what the rules are, in a few words; empty where the name says it all.
};

/// In the order in which docs/configuration.md has them. Objects are followed by their members.
[[nodiscard]] CLOUDP2P_API const std::vector<ConfigKey>& config_keys();

}  // namespace cloudp2p
