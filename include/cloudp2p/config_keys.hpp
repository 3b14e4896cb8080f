// Every key of the configuration file, from the table that the parser reads by.
//
// Purpose:   for manuals and other programs that explain or edit the file. Thread: any.
#pragma once

#include <string>
#include <vector>

namespace cloudp2p {

struct ConfigKey {
  std::string path;      ///< "store.scrub_days"; "[]" stands for each item of an array: "peers[].id".
  std::string type;      ///< "number", "boolean", "path", "array", "object", or what the string is.
  std::string fallback;  ///< What is in force without it; "none"; "required"; empty for objects.
  std::string about;
};

/// In the order in which docs/configuration.md has them. Objects are followed by their members.
[[nodiscard]] const std::vector<ConfigKey>& config_keys();

}  // namespace cloudp2p
