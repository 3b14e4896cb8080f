// Peak memory under large uploads, and the start of nodes that hold many images.
#pragma once

#include "options.hpp"
#include "report.hpp"

namespace bench {

void measure_memory(const Options& options, Report& report);
void measure_startup(const Options& options, Report& report);

}  // namespace bench
