// This build beside the release before it, which the test `previous_release` builds; run by the test `upgrade`.
#include "scenario/crowd.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

using namespace scenario;
using cloudp2p::kNobody;

namespace {

/// A program of the release before; empty: not built.
std::string previous(const std::string& program) {
  const char* const folder = std::getenv("CLOUDP2P_PREVIOUS");
  if (folder == nullptr || !std::filesystem::exists(std::string(folder) + "/commit")) return {};
  return std::string(folder) + "/" + program;
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
  const std::string previous_server = previous("cloud-p2p");
  if (previous_server.empty()) {
    MESSAGE("skipped: the release before is in no folder that CLOUDP2P_PREVIOUS names; the test `previous_release` builds it");
    return;
  }
  Cluster cluster({.start = false});
  for (const NodeId id : cluster.ids()) cluster.install(id, previous_server);
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != kNobody);

  Crowd crowd(cluster, 4);
  for (const NodeId id : cluster.ids()) replace(cluster, id, CLOUD_P2P_EXE, crowd);
  replace(cluster, NodeId{1}, previous_server, crowd);
  crowd.stop();

  for (const std::string& failure : crowd.failures()) MESSAGE("client failed: " << failure);
  CHECK(crowd.failures().empty());
  REQUIRE(cluster.wait_until_complete(crowd.count()));
  CHECK(cluster.everywhere(crowd.acknowledged()));
  CHECK(cluster.run_client({"verify", "--all"}).exit_status == 0);

  // Its client, among nodes of which all but one are of this build.
  const std::string previous_client = previous("client");
  const std::string picture = support::picture(300'000, 77);
  support::write_file(cluster.path("picture.jpg"), picture);
  CHECK(cluster.run_client({"send-image", cluster.path("picture.jpg")}, previous_client).exit_status == 0);
  CHECK(cluster.run_client({"get", digest_of(picture).hex(), "-O", cluster.path("got.jpg")}, previous_client).exit_status == 0);
  CHECK(support::read_file(cluster.path("got.jpg")) == picture);
  CHECK(cluster.run_client({"verify", "--all"}, previous_client).exit_status == 0);
  CHECK(cluster.run_client({"members"}, previous_client).exit_status == 0);
  CHECK(cluster.run_client({"rm", "-y", digest_of(picture).hex()}, previous_client).exit_status == 0);
}
