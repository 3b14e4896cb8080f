#include "mutation/life.hpp"

namespace cloudp2p::testing {
namespace {

using namespace std::chrono_literals;

void mend(SimCluster& sim) {
  sim.heal();
  for (std::uint32_t id = 1; id <= sim.size(); ++id) {
    sim.slow_disk(NodeId{id}, 1);
    sim.resume(NodeId{id});
    sim.restart(NodeId{id});
  }
}

std::string lived(SimCluster& sim, const Script& script, std::uint64_t seed) {
  const std::string complaint = script.run(sim, seed);
  if (!sim.ok()) return sim.violations().front();
  if (!complaint.empty()) return complaint;
  mend(sim);
  const bool converged = sim.converges(30s);
  if (!sim.ok()) return sim.violations().front();
  return converged ? "" : "I13 (convergence) violated";
}

}  // namespace

LifeOf random_life(std::size_t nodes, std::optional<Quorum> quorum) {
  return [nodes, quorum](std::uint64_t seed) {
    RandomRunOptions options;
    options.seed = seed;
    options.nodes = nodes;
    options.quorum = quorum;
    const RandomRunResult result = random_run(options);
    return Life{result.ok() ? "" : result.violations.front(), result.virtual_time};
  };
}

LifeOf scripted(Script script) {
  return [script = std::move(script)](std::uint64_t seed) {
    SimOptions options;
    options.seed = seed;
    options.takeover = Takeover::never;
    options.disk.sync = 100us;
    options.client_timeout = 5s;
    if (script.options) script.options(options);
    SimCluster sim(options);
    const std::string complaint = lived(sim, script, seed);
    return Life{complaint, sim.now()};
  };
}

}  // namespace cloudp2p::testing
