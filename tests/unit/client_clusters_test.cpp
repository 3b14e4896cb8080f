// Nodes of several clusters in one list of peers: most of the listed nodes have to agree.
#include "client_fixture.hpp"

using namespace client_test;

namespace {

void put_alone(ScriptedNode& node, NodeId self) {
  node.cluster = cluster_of(2);
  node.leader = self;
  node.term = 9;
}

}  // namespace

TEST_CASE("client: the leader of another cluster is not believed, though it answers first and has the higher term") {
  World world;
  put_alone(world.cluster.nodes[kOne], kOne);
  CHECK(world.discover()->leader == kThree);
  const Result<UploadOutcome> outcome = world.upload(1'000);
  REQUIRE(outcome.ok());
  CHECK(outcome->leader == kThree);
  auto [answer, done] = World::expect<ClusterView>();
  world.client->members(std::move(done));
  CHECK(world.wait(answer)->answered_by == kThree);
  CHECK(world.cluster.seen<wire::Upload>(kOne).empty());
}

TEST_CASE("client: one node of each cluster answers, so nobody is believed, and both are named") {
  World world;
  put_alone(world.cluster.nodes[kOne], kOne);
  world.cluster.nodes[kThree].down = true;
  world.cluster.nodes[kTwo].leader = kTwo;
  const Result<UploadOutcome> outcome = world.upload(1'000);
  REQUIRE_FALSE(outcome.ok());
  const std::string text = outcome.error().text();
  CHECK_MESSAGE(text.find("node 1 at 127.0.0.1:7001 belongs to cluster 02020202, node 2 at 127.0.0.1:7002 to 01010101") !=
                    std::string::npos,
                text);
  CHECK(world.cluster.seen<wire::Upload>(kOne).empty());
  CHECK(world.cluster.seen<wire::Upload>(kTwo).empty());
}

TEST_CASE("client: who is alone with its cluster is believed once the others had their time to contradict") {
  World world;
  put_alone(world.cluster.nodes[kOne], kOne);
  for (const NodeId node : {kTwo, kThree}) world.cluster.nodes[node].lost = true;
  const TimePoint before = world.time.now();
  CHECK(world.discover()->leader == kOne);
  CHECK(world.time.now() - before >= world.config.timing.failure_timeout / 2);
}

TEST_CASE("client: a node that was mended is believed again") {
  World world;
  put_alone(world.cluster.nodes[kOne], kOne);
  REQUIRE(world.discover()->leader == kThree);
  world.cluster.kill(kOne);
  world.cluster.nodes[kOne] = ScriptedNode{};
  world.cluster.elect(kOne, 12);
  CHECK(world.discover()->leader == kOne);
}
