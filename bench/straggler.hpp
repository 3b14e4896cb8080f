// What a follower that gets little of the processor, or none, costs those who upload.
#pragma once

#include "options.hpp"
#include "report.hpp"

namespace bench {

void measure_stragglers(const Options& options, Report& report);

}  // namespace bench
