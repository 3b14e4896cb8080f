// A node that missed 10,000 images of 100 KiB catches up, while a client goes on uploading.
#pragma once

#include "options.hpp"
#include "report.hpp"

namespace bench {

void measure_repair(const Options& options, Report& report);

}  // namespace bench
