// What this machine can do at most, measured in the same run as everything else.
#pragma once

#include "options.hpp"
#include "report.hpp"

namespace bench {

void measure_machine(const Options& options, Report& report);

}  // namespace bench
