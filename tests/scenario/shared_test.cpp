// Three real nodes on one directory: the leader alone writes to it.
#include "scenario/cluster.hpp"

#include <doctest/doctest.h>

#include <signal.h>

using namespace scenario;
using cloudp2p::ClusterView;
using cloudp2p::Digest;
using cloudp2p::kNobody;
using cloudp2p::NodeId;
using cloudp2p::Result;

namespace {

constexpr NodeId kTwo{2};
constexpr NodeId kThree{3};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Started, and one of them serves.
class Sharing {
 public:
  explicit Sharing(const std::string& more = "") : cluster({.settings = settings(more), .start = false}) {
    for (const NodeId id : cluster.ids()) cluster.keep_images_at(id, cluster.path("images"));
    cluster.start_all();
    REQUIRE(cluster.wait_for_leader() == kThree);
  }
  /// All of these are listed, read back whole, and lie there as the only files.
  void holds(const std::vector<Digest>& digests) {
    const Result<cloudp2p::ListPage> page = cluster.client().list({});
    REQUIRE(page.ok());
    CHECK(page->entries.size() == digests.size());
    CHECK(cluster.everywhere(digests));
    for (const Digest& digest : digests) {
      const Finished got = cluster.run_client({"get", short_id(digest), "-O", "-"});
      CHECK(digest_of(got.out) == digest);
    }
  }

  Cluster cluster;

 private:
  static std::string settings(const std::string& more) { return R"("shared":true)" + (more.empty() ? "" : "," + more); }
};

}  // namespace

TEST_CASE("nodes that share a directory: kill -9 for one leader after the other loses nothing, and restarts serve it all") {
  Sharing shared;
  Cluster& cluster = shared.cluster;
  std::vector<Digest> stored{put(cluster, picture(300'000, 1)).value()};
  cluster.kill(kThree);
  CHECK(cluster.wait_for_leader(kThree) == kTwo);
  shared.holds(stored);
  stored.push_back(put(cluster, picture(300'000, 2)).value());
  cluster.start(kThree);
  REQUIRE(eventually([&] { return has(cluster.log(kThree), "[Node 3] Coordinator announced: 2\n"); }));
  cluster.kill(kTwo);
  CHECK(cluster.wait_for_leader(kTwo) == kThree);
  stored.push_back(put(cluster, picture(300'000, 3)).value());
  shared.holds(stored);
  for (const NodeId id : {NodeId{1}, kThree}) CHECK(cluster.stop(id) == 0);
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != kNobody);
  shared.holds(stored);
  const Finished verified = cluster.run_client({"verify", "--all"});
  CHECK_MESSAGE(verified.exit_status == 0, verified.out << verified.err);
}

TEST_CASE("nodes that share a directory: the screens say so, and count one copy") {
  Sharing shared;
  Cluster& cluster = shared.cluster;
  support::write_file(cluster.path("photo.jpg"), picture(50'000, 1));
  const Finished sent = cluster.run_client({"-o", "json", "send-image", cluster.path("photo.jpg")});
  CHECK(sent.exit_status == 0);
  CHECK_MESSAGE(has(sent.out, "\"copies\":1,\"members\":1"), sent.out);
  const Finished members = cluster.run_client({"members"});
  CHECK_MESSAGE(has(members.out, "One directory, shared by all nodes. Images without their one copy: 0\n"), members.out);
  const Finished json = cluster.run_client({"-o", "json", "status"});
  CHECK_MESSAGE(has(json.out, "\"copies_wanted\":1,\"shared\":true,\"under_replicated\":0"), json.out);
}

TEST_CASE("nodes that share a directory: a stopped leader keeps it till it goes on; its successor says for whom it waits") {
  Sharing shared(R"("takeover":"never")");
  Cluster& cluster = shared.cluster;
  std::vector<Digest> stored{put(cluster, picture(300'000, 1)).value()};
  cluster.signal(kThree, SIGSTOP);
  REQUIRE(eventually([&] { return has(cluster.log(kTwo), "waiting for node 3 to let go of the directory"); }));
  CHECK(eventually([&] {
    const Result<ClusterView> waiting = cluster.client().members();
    return waiting.ok() && waiting->change == "waiting for node 3 to let go of the directory";
  }));
  const Finished check = cluster.run_client({"status", "--check"});
  CHECK(check.exit_status == 5);
  CHECK_MESSAGE(has(check.out, "down: node 2 leads and does not serve yet; "), check.out);
  support::write_file(cluster.path("late.jpg"), picture(300'000, 2));
  Process client = cluster.begin_client({"send-image", cluster.path("late.jpg")});
  cluster.signal(kThree, SIGCONT);
  CHECK(client.wait() == 0);
  stored.push_back(digest_of(picture(300'000, 2)));
  CHECK(cluster.client().discover()->leader == kTwo);
  shared.holds(stored);
  stored.push_back(put(cluster, picture(300'000, 3)).value());
  shared.holds(stored);
}

TEST_CASE("nodes that share a directory: a stopped leader that is killed loses nothing, and its successor goes on") {
  Sharing shared;
  Cluster& cluster = shared.cluster;
  std::vector<Digest> stored{put(cluster, picture(300'000, 1)).value()};
  cluster.signal(kThree, SIGSTOP);
  REQUIRE(eventually([&] { return has(cluster.log(kTwo), "waiting for node 3 to let go of the directory"); }));
  cluster.kill(kThree);
  CHECK(cluster.wait_for_leader(kThree) == kTwo);
  stored.push_back(put(cluster, picture(300'000, 2)).value());
  shared.holds(stored);
}

TEST_CASE("a directory that one node had to itself becomes that of all, and nothing in it is lost") {
  Cluster cluster;
  std::vector<Digest> stored{put(cluster, picture(300'000, 1)).value(), put(cluster, picture(300'000, 2)).value()};
  cluster.kill(kThree);
  REQUIRE(cluster.wait_for_leader(kThree) == kTwo);
  stored.push_back(put(cluster, picture(300'000, 3)).value());
  for (const NodeId id : {NodeId{1}, kTwo}) CHECK(cluster.stop(id) == 0);
  for (const NodeId id : cluster.ids()) cluster.keep_images_at(id, cluster.path("node2"));
  cluster.write_config(R"("shared":true)");
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != kNobody);
  CHECK(cluster.run_client({"rm", "-y", short_id(stored.back())}).exit_status == 0);
  stored.pop_back();
  stored.push_back(put(cluster, picture(300'000, 4)).value());
  CHECK(cluster.client().list({})->entries.size() == stored.size());
  CHECK(eventually([&] { return cluster.everywhere(stored); }));
}

TEST_CASE("a node that mounts another directory than the others, or does not say that it shares, never joins") {
  Sharing shared;
  Cluster& cluster = shared.cluster;
  cluster.kill(NodeId{1});
  cluster.keep_images_at(NodeId{1}, cluster.path("elsewhere"));
  cluster.start(NodeId{1});
  CHECK(eventually([&] { return has(cluster.log(kThree), "node 1 does not share the directory " + cluster.path("images")); }));
  cluster.kill(NodeId{1});
  cluster.write_config("");
  cluster.start(NodeId{1});
  CHECK(eventually([&] { return has(cluster.log(NodeId{1}), "runs with another \"quorum\" or \"shared\" setting"); }));
  cluster.kill(NodeId{1});
  cluster.keep_images_at(NodeId{1}, cluster.path("images"));
  cluster.start(NodeId{1});
  CHECK(cluster.node(NodeId{1}).wait() == 1);
  CHECK_MESSAGE(has(cluster.log(NodeId{1}), "is in use by nodes that share it"), cluster.log(NodeId{1}));
  CHECK(put(cluster, picture(1'000, 1)));
}
