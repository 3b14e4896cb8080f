// Calls into the compiled library, so that a missing dependency of the static library shows at link time.
#include <cloudp2p/config.hpp>

#include <iostream>

int main() {
  const auto peers = cloudp2p::parse_peers("1=127.0.0.1:7001,2=127.0.0.1:7002,3=127.0.0.1:7003");
  if (!peers) {
    std::cerr << peers.error().text() << '\n';
    return 1;
  }
  cloudp2p::Config config;
  config.peers = *peers;
  config.node_id = cloudp2p::NodeId{3};
  if (const auto status = cloudp2p::validate(config, true); !status) {
    std::cerr << status.error().text() << '\n';
    return 1;
  }
  const std::size_t members = config.peers.size();
  std::cout << cloudp2p::majority_of(members) << " of " << members << " make a majority\n";
}
