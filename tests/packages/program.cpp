// Somebody's program: builds with what the packages bring.
#include <cloudp2p/host.hpp>

#include <iostream>

int main() {
  cloudp2p::Config config;
  config.node_id = cloudp2p::NodeId{1};
  config.peers = *cloudp2p::parse_peers("1=127.0.0.1:7001");
  std::cout << cloudp2p::version() << '\n';
  return cloudp2p::Host::check(config).ok() ? 0 : 1;
}
