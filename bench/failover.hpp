// How long a client waits when its leader dies (kill -9) or stops (SIGSTOP).
#pragma once

#include "options.hpp"
#include "report.hpp"

namespace bench {

void measure_kills(const Options& options, Report& report);
void measure_stops(const Options& options, Report& report);

}  // namespace bench
