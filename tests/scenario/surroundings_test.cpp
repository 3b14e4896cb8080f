// Keys, ports, directories, disks and settings: what is wrong is named, and the running cluster does not notice.
#include "scenario/cluster.hpp"
#include "scenario/disk.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <filesystem>

using namespace scenario;
using cloudp2p::ClusterView;
using cloudp2p::kNobody;
using cloudp2p::NodeId;
using cloudp2p::Result;

namespace {

constexpr NodeId kOne{1};
constexpr NodeId kTwo{2};
constexpr NodeId kThree{3};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

bool reachable(Cluster& cluster, NodeId id) {
  const Result<ClusterView> view = cluster.client().members();
  if (!view.ok()) return false;
  for (const cloudp2p::MemberView& member : view->members)
    if (member.id == id) return member.reachable;
  return false;
}

/// Starts one more process as `id`; it must end with `exit_status` and say `why` on stderr.
void fails_to_start(Cluster& cluster, NodeId id, int exit_status, const std::string& why) {
  cluster.start(id);
  const std::optional<int> status = cluster.node(id).wait();
  REQUIRE(status.has_value());
  CHECK(*status == exit_status);
  CHECK_MESSAGE(has(cluster.node(id).err(), why), cluster.node(id).err());
}

}  // namespace

TEST_CASE("a node with another key never joins; both logs say why, and the others go on") {
  Cluster cluster({.start = false});
  REQUIRE(cloudp2p::generate_key_file(cluster.path("other.key")).ok());
  cluster.start(kOne, {"--encryption-key-file", cluster.path("other.key")});
  cluster.start(kTwo);
  cluster.start(kThree);
  REQUIRE(cluster.wait_for_leader() == kThree);
  CHECK(put(cluster, picture(50'000)).has_value());
  CHECK(eventually([&] { return has(cluster.log(kOne), "holds a different key"); }));
  CHECK(eventually([&] { return has(cluster.log(kThree), "holds a different key"); }));
  CHECK_FALSE(reachable(cluster, kOne));
  CHECK(cluster.files_of(kOne).empty());
}

TEST_CASE("a client with another key is told so, exit status 4") {
  Cluster cluster;
  REQUIRE(cloudp2p::generate_key_file(cluster.path("other.key")).ok());
  const Finished asked = cluster.run_client({"--encryption-key-file", cluster.path("other.key"), "discover"});
  CHECK(asked.exit_status == 4);
  CHECK_MESSAGE(has(asked.err, "key"), asked.err);
  cluster.kill(kOne);
  CHECK(cluster.run_client({"--encryption-key-file", cluster.path("other.key"), "discover"}).exit_status == 4);
  CHECK(cluster.run_client({"--encryption-key-file", cluster.path("none.key"), "discover"}).exit_status == 4);
  std::filesystem::permissions(cluster.path("other.key"), std::filesystem::perms(0644));
  CHECK(cluster.run_client({"--encryption-key-file", cluster.path("other.key"), "discover"}).exit_status == 4);
}

TEST_CASE("a port in use is named, and the node that has it goes on") {
  Cluster cluster;
  cluster.kill(kOne);
  cluster.keep_images_at(kOne, cluster.path("elsewhere"));
  const std::string taken = "127.0.0.1:" + std::to_string(cluster.port(kTwo));
  cluster.start(kOne, {"--listen", taken});
  REQUIRE(cluster.node(kOne).wait() == 1);
  CHECK_MESSAGE(has(cluster.node(kOne).err(), "another process listens on " + taken), cluster.node(kOne).err());
  CHECK(put(cluster, picture(50'000)).has_value());
}

TEST_CASE("an address that this machine has not yet is no error of the configuration: whoever starts the node tries again") {
  Cluster cluster;
  cluster.kill(kOne);
  cluster.start(kOne, {"--listen", "192.0.2.7:7001"});
  REQUIRE(cluster.node(kOne).wait() == 1);
  CHECK_MESSAGE(has(cluster.node(kOne).err(), "192.0.2.7:7001 is not an address of this machine"), cluster.node(kOne).err());
}

TEST_CASE("a directory that another node holds is refused, and that node goes on") {
  Cluster cluster;
  cluster.kill(kOne);
  cluster.keep_images_at(kOne, cluster.images_of(kTwo));
  fails_to_start(cluster, kOne, 1, cluster.images_of(kTwo) + " is in use by");
  CHECK(put(cluster, picture(50'000)).has_value());
  CHECK(reachable(cluster, kTwo));
}

TEST_CASE("a directory is created; one that cannot be is named") {
  Cluster cluster({.nodes = 1, .start = false});
  cluster.keep_images_at(kOne, cluster.path("new/deep"));
  cluster.start(kOne);
  REQUIRE(cluster.wait_for_leader() == kOne);
  CHECK(put(cluster, picture(50'000)).has_value());
  CHECK(cluster.stop(kOne) == 0);
  support::write_file(cluster.path("file"), "not a folder");
  cluster.keep_images_at(kOne, cluster.path("file"));
  fails_to_start(cluster, kOne, 1, cluster.path("file"));
}

TEST_CASE("one node's disk is full: the others take the images, and it catches up when there is room") {
  Cluster cluster({.settings = R"("store":{"free_bytes_min":1000000})", .start = false});
  const Disk disk(cluster.images_of(kOne), 12);
  if (!disk.ok()) {
    MESSAGE("skipped: this machine does not allow it: " << disk.problem());
    return;
  }
  const std::string filler = cluster.images_of(kOne) + "/.filler";
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == kThree);
  support::write_file(filler, std::string(10'500'000, 'x'));
  std::vector<cloudp2p::Digest> stored;
  for (unsigned seed = 0; seed < 5; ++seed) stored.push_back(put(cluster, picture(500'000, seed)).value());
  CHECK(eventually([&] { return cluster.client().members()->under_replicated > 0; }));
  CHECK(cluster.node(kOne).running());
  std::filesystem::remove(filler);
  REQUIRE(cluster.wait_until_complete(stored.size()));
  CHECK(cluster.everywhere(stored));
}

TEST_CASE("all disks full: the upload is refused as full, nothing is left behind, reads go on") {
  Cluster cluster({.nodes = 1, .settings = R"("store":{"free_bytes_min":1000000})", .start = false});
  const Disk disk(cluster.images_of(kOne), 12);
  if (!disk.ok()) {
    MESSAGE("skipped: this machine does not allow it: " << disk.problem());
    return;
  }
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == kOne);
  const cloudp2p::Digest kept = put(cluster, picture(500'000)).value();
  support::write_file(cluster.path("big.jpg"), picture(20'000'000, 2));
  const Finished sent = cluster.run_client({"send-image", cluster.path("big.jpg")});
  CHECK_MESSAGE(sent.exit_status == 7, sent.err);
  CHECK(cluster.everywhere({kept}));
  CHECK(cluster.run_client({"get", short_id(kept), "-O", "-"}).out == picture(500'000));
}

TEST_CASE("all nodes down: exit status 5, and each node's answer is told") {
  Cluster cluster({.start = false, .client_settings = R"("client":{"timeout_ms":2000})"});
  const Finished asked = cluster.run_client({"discover"});
  CHECK(asked.exit_status == 5);
  for (const NodeId id : cluster.ids()) {
    const std::string address = "127.0.0.1:" + std::to_string(cluster.port(id));
    CHECK_MESSAGE(has(asked.err, "node " + to_string(id) + " at " + address), asked.err);
  }
  CHECK_MESSAGE(has(asked.err, "refused the connection: is it running?"), asked.err);
}

TEST_CASE("one of three up: exit status 5, and who is missing is told") {
  Cluster cluster({.start = false, .client_settings = R"("client":{"timeout_ms":2000})"});
  cluster.start(kTwo);
  REQUIRE(eventually([&] { return cluster.client().ping(kTwo).ok(); }));
  const Finished asked = cluster.run_client({"discover"});
  CHECK(asked.exit_status == 5);
  CHECK_MESSAGE(has(asked.err, "1 of 3 reachable"), asked.err);
  CHECK_MESSAGE(has(asked.err, "node 1 at 127.0.0.1:"), asked.err);
  CHECK_MESSAGE(has(asked.err, "node 3 at 127.0.0.1:"), asked.err);
}

TEST_CASE("a client pointed at a wrong port names the address that refused it") {
  Cluster cluster;
  const std::string wrong = "127.0.0.1:9";
  const Finished asked = cluster.run_client({"--timeout", "2s", "--peers", "1=" + wrong, "discover"});
  CHECK(asked.exit_status == 5);
  CHECK_MESSAGE(has(asked.err, wrong), asked.err);
}

TEST_CASE("SIGHUP changes the limit of a running node; a bad file changes nothing and is reported") {
  Cluster cluster({.nodes = 1});
  CHECK(put(cluster, picture(50'000, 1)).has_value());
  cluster.write_config(R"("store":{"image_bytes_max":10000})");
  cluster.signal(kOne, SIGHUP);
  REQUIRE(eventually([&] { return has(cluster.log(kOne), "reloaded"); }));
  CHECK_FALSE(put(cluster, picture(50'000, 2)).has_value());
  cluster.write_config(R"("store":{"image_bytes_max":"many"})");
  cluster.signal(kOne, SIGHUP);
  REQUIRE(eventually([&] { return has(cluster.log(kOne), "reload refused"); }));
  CHECK(has(cluster.log(kOne), "/store/image_bytes_max"));
  CHECK(put(cluster, picture(9'000, 3)).has_value());
}
