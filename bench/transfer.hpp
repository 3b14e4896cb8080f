// Uploads and reads: rates, latencies, the share of the probe's rate, and what it costs each process.
#pragma once

#include "options.hpp"
#include "report.hpp"

namespace bench {

void measure_transfers(const Options& options, Report& report);
/// Of those only what is compared with the probe: 100 KiB and 1 MiB by 16 clients.
void measure_ratios(const Options& options, Report& report);
/// How many changes share one transaction of the leader's catalog while 64 clients upload small images.
void measure_catalog_groups(const Options& options, Report& report);

}  // namespace bench
