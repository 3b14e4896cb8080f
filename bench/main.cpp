// cloudp2p_bench: parses, measures, prints.
#include "capacity.hpp"
#include "failover.hpp"
#include "machine.hpp"
#include "million.hpp"
#include "options.hpp"
#include "probe.hpp"
#include "repair.hpp"
#include "report.hpp"
#include "serve.hpp"
#include "straggler.hpp"
#include "transfer.hpp"

#include <sodium.h>

#include <cstdio>
#include <stdexcept>
#include <string_view>

namespace {

struct Part {
  const char* name;
  void (*measure)(const bench::Options&, bench::Report&);
  bool by_default = true;
};

constexpr Part kParts[] = {
    {"machine", bench::measure_machine}, {"transfer", bench::measure_transfers},
    {"memory", bench::measure_memory},   {"catalog", bench::measure_catalog_groups},
    {"startup", bench::measure_startup}, {"kill", bench::measure_kills},
    {"stop", bench::measure_stops},      {"straggler", bench::measure_stragglers},
    {"repair", bench::measure_repair},   {"million", bench::measure_million},
    {"ratio", bench::measure_ratios, false},
};

int measure(const bench::Options& options) {
  bench::Report report;
  report.note("three nodes, their clients and the probe share this machine; no process is pinned to a core");
  bool failed = false;
  for (const Part& part : kParts) {
    if (!options.wants(part.name) || (options.only.empty() && !part.by_default)) continue;
    try {
      part.measure(options, report);
    } catch (const std::exception& error) {
      report.note(std::string(part.name) + " FAILED: " + error.what());
      failed = true;
    }
  }
  report.print_targets();
  if (!options.json_file.empty()) report.write_json(options.json_file);
  if (failed) return 1;
  return report.all_met() ? 0 : 3;
}

/// What this program is when it started itself.
int run_child(std::string_view role, int argc, char** argv) {
  if (role == "--serve") return bench::serve();
  if (role == "--probe-leader") return bench::probe_leader(argc, argv);
  return role == "--probe-source" ? bench::probe_source(argc, argv) : bench::probe_follower(argc, argv);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    // Without it libsodium takes its slowest code, which would flatter us: the probe and the machine's limits use it
    // bare.
    if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start");
    const std::string_view role = argc > 1 ? argv[1] : "";
    if (role == "--serve" || role.starts_with("--probe-")) {
      return run_child(role, argc - 2, argv + 2);
    }
    int exit_status = 0;
    const std::optional<bench::Options> options = bench::parse_options(argc, argv, exit_status);
    return options ? measure(*options) : exit_status;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cloudp2p_bench: %s\n", error.what());
    return 1;
  }
}
