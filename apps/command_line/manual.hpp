// Manual pages (roff, man macros) from what the programs' help and the configuration's keys say.
#pragma once

#include "words.hpp"

#include <cloudp2p/config_keys.hpp>

namespace command_line {

/// Where a page stands: cloud-p2p(8).
struct PageTitle {
  std::string name;
  unsigned section = 1;
  std::string version;  ///< "cloudp2p 0.1.0"
};

[[nodiscard]] std::string program_page(const ProgramWords& program, const PageTitle& title,
                                       const std::vector<std::string>& see_also);
/// cloud-p2p.json(5)
[[nodiscard]] std::string config_page(const std::vector<cloudp2p::ConfigKey>& keys, const PageTitle& title,
                                      const std::vector<std::string>& see_also);

}  // namespace command_line
