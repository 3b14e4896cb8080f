// This build beside the release before it; run by the test `upgrade`, which builds that release.
#include "scenario/crowd.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace scenario;
using cloudp2p::kNobody;

namespace {

/// The server of the release before; empty: not built.
std::string previous_server() {
  const char* const folder = std::getenv("CLOUDP2P_PREVIOUS");
  return folder == nullptr ? std::string() : std::string(folder) + "/cloud-p2p";
}

/// Stopped as an operator stops it, and started as another build once the others go on.
void replace(Cluster& cluster, NodeId id, const std::string& server, Crowd& crowd) {
  const auto stored_more = [&crowd, before = crowd.count()] { return crowd.count() >= before + 10; };
  REQUIRE(cluster.stop(id) == 0);
  REQUIRE(eventually(stored_more));
  cluster.install(id, server);
  cluster.start(id);
  REQUIRE(eventually([&] { return cluster.client().ping(id).ok(); }));
}

}  // namespace

TEST_CASE("upgrade: node by node from the release before, under load, and one of them back again") {
  if (previous_server().empty()) {
    MESSAGE("skipped: CLOUDP2P_PREVIOUS names no folder with the release before; the test `upgrade` builds it");
    return;
  }
  Cluster cluster({.start = false});
  for (const NodeId id : cluster.ids()) cluster.install(id, previous_server());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != kNobody);

  Crowd crowd(cluster, 4);
  for (const NodeId id : cluster.ids()) replace(cluster, id, CLOUD_P2P_EXE, crowd);
  replace(cluster, NodeId{1}, previous_server(), crowd);
  crowd.stop();

  for (const std::string& failure : crowd.failures()) MESSAGE("client failed: " << failure);
  CHECK(crowd.failures().empty());
  REQUIRE(cluster.wait_until_complete(crowd.count()));
  CHECK(cluster.everywhere(crowd.acknowledged()));
  CHECK(cluster.run_client({"verify", "--all"}).exit_status == 0);
}
