// The environment as it was at the start.
//
// Purpose:   a reload reads the same variables again, but the key must not stay where /proc/PID/environ, a child
// process
//            or a core dump shows it: it is taken out of the process's environment and kept here.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace server {

class Environment {
 public:
  /// Call before any thread exists.
  Environment();
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  [[nodiscard]] std::optional<std::string> get(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

/// No core dumps, no debugger of another user: both would show keys.
void forbid_core_dumps();

}  // namespace server
