// A cluster that holds a million records: what its memory is, what an upload costs, how long a takeover takes.
#pragma once

#include "options.hpp"
#include "report.hpp"

namespace bench {

void measure_million(const Options& options, Report& report);

}  // namespace bench
