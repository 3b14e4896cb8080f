// Your program against a cluster that crashes: in virtual time, in milliseconds, and the same way every time.
//
// The "program" here sends a picture a second and must not lose one. Link cloudp2p::testing.
#include <cloudp2p/testing/sim_cluster.hpp>

#include <iostream>

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

int main() {
  SimOptions options;
  options.nodes = 3;
  options.seed = 2024;  // another seed, another life
  SimCluster cluster(options);

  std::vector<SimResult<UploadOutcome>> sent;
  for (std::uint64_t second = 0; second < 30; ++second) {
    sent.push_back(cluster.put(make_image(second, 40'000)));
    if (second == 5) cluster.crash(cluster.leader());
    if (second == 12) cluster.restart(NodeId{3});
    if (second == 15) cluster.cut(NodeId{1}, Direction::kBoth);
    if (second == 20) cluster.heal();
    cluster.run_for(1s);
  }
  const bool converged = cluster.converges(60s);

  std::size_t accepted = 0;
  for (const auto& upload : sent)
    accepted += upload.ok() ? 1 : 0;
  std::cout << accepted << " of " << sent.size() << " pictures accepted, "
            << (converged ? "all of them on all disks" : "the disks differ") << '\n';
  if (!cluster.ok()) std::cout << cluster.report();
  return cluster.ok() && converged && accepted == sent.size() ? 0 : 1;
}
