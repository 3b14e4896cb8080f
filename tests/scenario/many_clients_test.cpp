// Sixteen clients, twenty leaders killed under them.
#include "scenario/crowd.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <set>

using namespace scenario;
using cloudp2p::Digest;
using cloudp2p::kNobody;
using cloudp2p::NodeId;

namespace {

/// How many nodes hold the whole image with this content: its file is there under its name and its bytes match.
std::map<Digest, unsigned> copies_on_disk(const Cluster& cluster) {
  std::map<Digest, unsigned> out;
  for (const NodeId id : cluster.ids()) {
    std::set<Digest> held;
    for (const std::string& name : cluster.files_of(id))
      held.insert(digest_of(support::read_file(cluster.images_of(id) + "/" + name)));
    for (const Digest& digest : held) ++out[digest];
  }
  return out;
}

}  // namespace

TEST_CASE("16 clients, 20 leader kills: no failure, every acknowledged image on a majority, then on all nodes") {
  Cluster cluster({.settings = R"("election":{"takeover_delay_ms":1000})"});
  Crowd crowd(cluster, 16);
  for (int kills = 0; kills < 20; ++kills) {
    const std::size_t before = crowd.count();
    REQUIRE(eventually([&] { return crowd.count() >= before + 40; }));
    const NodeId leader = cluster.wait_for_leader();
    REQUIRE(leader != kNobody);
    cluster.kill(leader);
    REQUIRE(cluster.wait_for_leader(leader) != kNobody);
    cluster.start(leader);
  }
  crowd.stop();
  const std::vector<Digest> acknowledged = crowd.acknowledged();
  for (const std::string& failure : crowd.failures()) MESSAGE("client failed: " << failure);
  CHECK(crowd.failures().empty());

  for (const NodeId id : cluster.ids()) cluster.signal(id, SIGSTOP);  // Nothing moves while we count.
  std::map<Digest, unsigned> copies = copies_on_disk(cluster);
  std::size_t below_majority = 0;
  for (const Digest& digest : acknowledged) below_majority += copies[digest] < 2 ? 1 : 0;
  CHECK(below_majority == 0);
  for (const NodeId id : cluster.ids()) cluster.signal(id, SIGCONT);
  REQUIRE(cluster.wait_for_leader() != kNobody);
  REQUIRE(cluster.wait_until_complete(acknowledged.size()));
  CHECK(cluster.everywhere(acknowledged));
  MESSAGE(acknowledged.size() << " images acknowledged through 20 kills");
}
