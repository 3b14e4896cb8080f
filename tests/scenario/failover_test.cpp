// The deployment guide's scenarios: leaders that leave, vanish or stop, and clusters that lose nodes.
#include "scenario/cluster.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <filesystem>

using namespace scenario;
using cloudp2p::Digest;
using cloudp2p::kNobody;
using cloudp2p::NodeId;

namespace {

constexpr NodeId kThree{3};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Bytes of partial uploads on a node's disk.
std::uintmax_t arrived(const Cluster& cluster, NodeId id) {
  const std::filesystem::path incoming = cluster.images_of(id) + "/.cloudp2p/incoming";
  std::uintmax_t out = 0;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator(incoming, gone)) {
    const std::uintmax_t size = entry.file_size(gone);
    if (!gone) out += size;
  }
  return out;
}

/// The leader goes by `number`; uploads go on under the next-highest, and after its return every node holds everything.
void survives_the_loss_of_the_leader(Cluster& cluster, int number) {
  std::vector<Digest> stored{put(cluster, picture(300'000, 1)).value()};
  const NodeId leader = cluster.wait_for_leader();
  CHECK(leader == kThree);
  const int status = cluster.stop(leader, number);
  CHECK(status == (number == SIGKILL ? 128 + SIGKILL : 0));
  CHECK(cluster.wait_for_leader(leader) == NodeId{2});
  stored.push_back(put(cluster, picture(300'000, 2)).value());
  cluster.start(leader);
  REQUIRE(cluster.wait_until_complete(2));
  CHECK(cluster.everywhere(stored));
}

}  // namespace

TEST_CASE("three nodes elect the highest, and an image sent by the program lies on all of them") {
  Cluster cluster;
  const std::string bytes = picture(524'288, 1);
  support::write_file(cluster.path("photo.jpg"), bytes);
  const Finished sent = cluster.run_client({"send-image", cluster.path("photo.jpg")});
  CHECK(sent.exit_status == 0);
  const std::string id = short_id(digest_of(bytes));
  CHECK(sent.out == "[Client] ✓ Sent image " + id + " to leader (node 3) — 524288 bytes\n" +
                        "[Client] ✓ SUCCESS: Image " + id + " was accepted by the server\n");
  REQUIRE(cluster.wait_until_complete(1));
  for (const NodeId node : cluster.ids()) CHECK(cluster.files_of(node) == std::vector{id + "-photo.jpg"});
  CHECK(cluster.everywhere({digest_of(bytes)}));
  const Finished got = cluster.run_client({"get", id, "-O", "-"});
  CHECK(got.exit_status == 0);
  CHECK(got.out == bytes);
  CHECK(has(cluster.log(kThree),
            "[Node 3] no higher nodes -> becoming coordinator\n[Node 3] starting heartbeat task\n"));
  CHECK(eventually([&] { return has(cluster.log(NodeId{1}), "[Node 1] Coordinator announced: 3\n"); }));
}

TEST_CASE("a client that knows one address, and not whose, finds the leader and its successor") {
  Cluster cluster;
  REQUIRE(cluster.wait_for_leader() == kThree);
  const std::string anyone = "0=127.0.0.1:" + std::to_string(cluster.port(NodeId{1}));
  support::write_file(cluster.path("photo.jpg"), picture(300'000, 1));
  const auto through_it = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--peers", anyone});
    return cluster.run_client(std::move(arguments));
  };
  CHECK(through_it({"discover"}).out == "[Client] Leader discovered: Node 3\n");
  CHECK(through_it({"send-image", cluster.path("photo.jpg")}).exit_status == 0);
  CHECK(cluster.stop(kThree) == 0);
  REQUIRE(cluster.wait_for_leader(kThree) == NodeId{2});
  CHECK(through_it({"-q", "send-image", cluster.path("photo.jpg")}).exit_status == 0);
  CHECK(through_it({"list"}).out.find("photo.jpg") != std::string::npos);
  CHECK(cluster.stop(NodeId{1}) == 0);
  const Finished refused = through_it({"--retries", "1", "discover"});
  CHECK(refused.exit_status == 5);
  CHECK(refused.err.find("whoever answers at 127.0.0.1:") != std::string::npos);
}

TEST_CASE("Ctrl-C for the leader hands over, and nothing is lost") {
  Cluster cluster;
  survives_the_loss_of_the_leader(cluster, SIGINT);
}

TEST_CASE("SIGTERM for the leader hands over, and nothing is lost") {
  Cluster cluster;
  survives_the_loss_of_the_leader(cluster, SIGTERM);
}

TEST_CASE("kill -9 for the leader: the next-highest leads, and nothing is lost") {
  Cluster cluster;
  survives_the_loss_of_the_leader(cluster, SIGKILL);
  CHECK(has(cluster.log(NodeId{2}), "[Node 2] no Ok received -> becoming coordinator\n"));
}

TEST_CASE("a leader stopped and continued steps down, follows and loses nothing") {
  Cluster cluster({.settings = "\"takeover\":\"never\""});
  std::vector<Digest> stored{put(cluster, picture(300'000, 1)).value()};
  cluster.signal(kThree, SIGSTOP);
  CHECK(cluster.wait_for_leader(kThree) == NodeId{2});
  stored.push_back(put(cluster, picture(300'000, 2)).value());
  cluster.signal(kThree, SIGCONT);
  CHECK(eventually([&] { return has(cluster.log(kThree), "[Node 3] Coordinator announced: 2\n"); }));
  stored.push_back(put(cluster, picture(300'000, 3)).value());
  CHECK(cluster.client().discover()->leader == NodeId{2});
  REQUIRE(cluster.wait_until_complete(3));
  CHECK(cluster.everywhere(stored));
}

TEST_CASE("a returning higher node takes over politely: uploads see no failure") {
  Cluster cluster({.settings = R"("election":{"takeover_delay_ms":100})"});
  cluster.kill(kThree);
  CHECK(cluster.wait_for_leader(kThree) == NodeId{2});
  cluster.start(kThree);
  std::vector<Digest> stored;
  const bool returned = eventually([&] {
    const std::optional<Digest> digest = put(cluster, picture(20'000'000, static_cast<unsigned>(stored.size())));
    REQUIRE(digest);
    stored.push_back(*digest);
    const auto leader = cluster.client().discover();
    return leader.ok() && leader->leader == kThree;
  });
  CHECK(returned);
  CHECK(has(cluster.log(kThree), "[Node 3] no higher nodes -> becoming coordinator\n"));
  REQUIRE(cluster.wait_until_complete(stored.size()));
  CHECK(cluster.everywhere(stored));
}

TEST_CASE("a follower that is stopped takes no places of uploads from others, and catches up") {
  Cluster cluster({.client_settings = R"("client":{"timeout_ms":5000})"});
  cluster.signal(NodeId{1}, SIGSTOP);
  const unsigned count = 2 * cloudp2p::limits::kUploadsMax;
  for (unsigned seed = 0; seed < count; ++seed) REQUIRE(put(cluster, picture(20'000, seed)));
  cluster.signal(NodeId{1}, SIGCONT);
  CHECK(cluster.wait_until_complete(count));
}

TEST_CASE("a follower that was behind when the leader died in mid-upload gets what it lacks from the client") {
  Cluster cluster;
  const std::string bytes = picture(60'000'000);
  const std::string path = support::write_file(cluster.path("large.jpg"), bytes);
  Process client = cluster.begin_client({"-o", "json", "send-image", path});
  REQUIRE(eventually([&] { return arrived(cluster, NodeId{1}) > 0; }));
  cluster.signal(NodeId{1}, SIGSTOP);
  REQUIRE(eventually([&] { return arrived(cluster, NodeId{2}) > arrived(cluster, NodeId{1}); }));
  cluster.kill(kThree);
  cluster.signal(NodeId{1}, SIGCONT);
  CHECK(client.wait() == 0);
  CHECK_MESSAGE(has(client.out(), "\"leader\":2,"), client.out() << client.err());
  cluster.start(kThree);
  REQUIRE(cluster.wait_until_complete(1));
  CHECK(cluster.everywhere({digest_of(bytes)}));
}

TEST_CASE("all nodes die at once and return: everything is there") {
  Cluster cluster;
  std::vector<Digest> stored;
  for (unsigned seed = 0; seed < 10; ++seed)
    stored.push_back(put(cluster, picture(100'000 * (seed + 1), seed)).value());
  for (const NodeId id : cluster.ids()) cluster.signal(id, SIGKILL);
  for (const NodeId id : cluster.ids()) cluster.kill(id);
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != kNobody);
  REQUIRE(cluster.wait_until_complete(stored.size()));
  CHECK(cluster.everywhere(stored));
  CHECK(cluster.run_client({"verify", "--all"}).exit_status == 0);
}

TEST_CASE("one of three alone takes no image and says why; with a second one uploads go on") {
  Cluster cluster({.client_settings = R"("client":{"timeout_ms":3000})"});
  const Digest before = put(cluster, picture(100'000, 1)).value();
  REQUIRE(cluster.wait_until_complete(1));
  cluster.kill(kThree);
  cluster.kill(NodeId{2});
  support::write_file(cluster.path("late.jpg"), picture(100'000, 2));
  const std::string late = cluster.path("late.jpg");
  const Finished refused = cluster.run_client({"send-image", late});
  CHECK(refused.exit_status == 5);
  CHECK(refused.out.empty());
  CHECK_MESSAGE(has(refused.err, "no quorum: 1 of 3 reachable"), refused.err);
  CHECK(cluster.files_of(NodeId{1}).size() == 1);
  cluster.start(NodeId{2});
  REQUIRE(cluster.wait_for_leader() != kNobody);
  CHECK(cluster.run_client({"send-image", late}).exit_status == 0);
  cluster.start(kThree);
  REQUIRE(cluster.wait_until_complete(2));
  CHECK(cluster.everywhere({before, digest_of(picture(100'000, 2))}));
}
