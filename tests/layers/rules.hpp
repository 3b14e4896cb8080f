// The rules of docs/architecture: who includes whom, and what may not be written where.
#pragma once

#include "source_file.hpp"

#include <string>
#include <vector>

namespace layers {

struct Finding {
  std::string path;
  int line = 0;
  std::string rule;  ///< Short and stable: "layer", "determinism", "length", "marker", "co_await", "vendor", "shadow".
  std::string text;
};

inline constexpr std::size_t kLinesMax = 450;

[[nodiscard]] std::vector<Finding> check(const std::vector<SourceFile>& files);
/// "path:line: [rule] text"
[[nodiscard]] std::string to_string(const Finding& finding);

}  // namespace layers
