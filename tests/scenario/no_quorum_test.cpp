// "quorum": "none" on two real nodes: either goes on alone, what both took in meets again, and the screens say what that is
// worth.
#include "scenario/cluster.hpp"

#include <doctest/doctest.h>

#include <signal.h>

using namespace scenario;
using cloudp2p::Digest;
using cloudp2p::NodeId;

namespace {

constexpr NodeId kOne{1}, kTwo{2};
constexpr const char* kNone = R"("quorum":"none")";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string sent(Cluster& cluster, const std::string& bytes, const std::vector<std::string>& options = {}) {
  support::write_file(cluster.path("photo.jpg"), bytes);
  std::vector<std::string> arguments = options;
  arguments.insert(arguments.end(), {"send-image", cluster.path("photo.jpg")});
  const Finished done = cluster.run_client(arguments);
  CHECK_MESSAGE(done.exit_status == 0, done.out << done.err);
  return done.out;
}

}  // namespace

TEST_CASE("without a quorum: one of two goes on alone, the screens say so, and the other catches up") {
  Cluster cluster({.nodes = 2, .settings = kNone});
  CHECK(has(cluster.log(kOne), "quorum \"none\": both sides of a partition lead and store images"));
  const std::string first = picture(200'000, 1), second = picture(300'000, 2), third = picture(1'000, 3);
  (void)sent(cluster, first);
  REQUIRE(cluster.wait_until_complete(1));
  cluster.kill(kTwo);
  REQUIRE(cluster.wait_for_leader(kTwo) == kOne);
  CHECK(has(sent(cluster, second), "Stored on 1 of 2 nodes so far"));
  CHECK(has(sent(cluster, third, {"-o", "json"}), "\"copies\":1,\"members\":2"));
  CHECK(has(cluster.run_client({"status", "--check"}).out, ", 3 images, quorum none"));
  for (const char* screen : {"status", "members"}) CHECK(has(cluster.run_client({screen}).out, "quorum \"none\""));
  cluster.start(kTwo);
  CHECK(cluster.wait_until_complete(3));
  CHECK(cluster.everywhere({digest_of(first), digest_of(second), digest_of(third)}));
}

TEST_CASE("without a quorum: what two nodes took in that never met becomes one cluster, without a loss") {
  Cluster cluster({.nodes = 2, .settings = kNone, .start = false});
  std::vector<Digest> stored;
  for (const NodeId id : {kOne, kTwo}) {
    cluster.start(id);
    REQUIRE(cluster.wait_for_leader() == id);
    for (unsigned i = 0; i < 3; ++i) {
      const std::string bytes = picture(50'000, 10 * value(id) + i);
      (void)sent(cluster, bytes);
      stored.push_back(digest_of(bytes));
    }
    cluster.kill(id);
  }
  cluster.start_all();
  CHECK(cluster.wait_until_complete(stored.size()));
  CHECK(cluster.everywhere(stored));
  const Finished verified = cluster.run_client({"verify", "--all"});
  CHECK_MESSAGE(verified.exit_status == 0, verified.out << verified.err);
}

TEST_CASE("without a quorum: a member that is stopped is named in the leader's log, and no more when it goes on") {
  Cluster cluster({.nodes = 2, .settings = kNone});
  REQUIRE(cluster.wait_for_leader() == kTwo);
  cluster.signal(kOne, SIGSTOP);
  CHECK(eventually([&] { return has(cluster.log(kTwo), "node 1 is connected and has not answered for "); }));
  cluster.signal(kOne, SIGCONT);
  CHECK(eventually([&] { return cluster.run_client({"status", "--check"}).exit_status == 0; }));
}

TEST_CASE("without a quorum: who has another setting is refused, and told why") {
  Cluster cluster({.nodes = 2, .settings = kNone});
  cluster.kill(kOne);
  cluster.write_config("");
  cluster.start(kOne);
  for (const auto& [id, other] : {std::pair(kOne, "2"), std::pair(kTwo, "1")}) {
    const std::string line = "node " + std::string(other) + " runs with another \"quorum\" or \"shared\" setting";
    CHECK(eventually([&, id = id] { return has(cluster.log(id), line); }));
  }
}
