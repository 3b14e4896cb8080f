// Real processes whose catalogs are gone, and a backup that rsync made of a live node.
#include "scenario/cluster.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <thread>

using namespace scenario;
using cloudp2p::Digest;
using cloudp2p::kNobody;
using cloudp2p::NodeId;

namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string name_of(unsigned seed) { return "holiday " + std::to_string(seed) + ".jpg"; }

Digest store(Cluster& cluster, unsigned seed) {
  const auto outcome = cluster.client().upload(source_of(name_of(seed), picture(60'000, seed)));
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().text());
  return outcome->digest;
}

void remove(Cluster& cluster, const Digest& digest) {
  const Finished removed = cluster.run_client({"rm", "-y", digest.hex()});
  REQUIRE_MESSAGE(removed.exit_status == 0, removed.err);
}

/// What people see of all images: ids, sizes, names and times.
std::string listing(Cluster& cluster) {
  const Finished listed = cluster.run_client({"list", "--limit", "200"});
  REQUIRE_MESSAGE(listed.exit_status == 0, listed.err);
  return listed.out;
}

void lose_catalog(Cluster& cluster, NodeId id) {
  for (const char* end : {"", "-wal"}) fs::remove(cluster.images_of(id) + "/.cloudp2p/catalog.sqlite" + end);
}

void verify_all(Cluster& cluster) {
  const Finished verified = cluster.run_client({"verify", "--all"});
  CHECK_MESSAGE(verified.exit_status == 0, verified.out << verified.err);
}

void stop_all(Cluster& cluster) {
  for (const NodeId id : cluster.ids()) cluster.kill(id);
}

int rsync(const std::string& from, const std::string& to) {
  support::Launch launch;
  launch.program = "/usr/bin/rsync";
  launch.arguments = {"-a", from + "/", to + "/"};
  Process copying(std::move(launch));
  return copying.wait().value_or(-1);
}

}  // namespace

TEST_CASE("a node whose catalog was deleted enters its own files again, and takes part as before") {
  Cluster cluster;
  for (unsigned seed = 1; seed <= 5; ++seed) (void)store(cluster, seed);
  REQUIRE(cluster.wait_until_complete(5));
  cluster.stop(NodeId{1});
  lose_catalog(cluster, NodeId{1});
  (void)store(cluster, 6);
  cluster.start(NodeId{1});
  REQUIRE(cluster.wait_until_complete(6));
  CHECK_MESSAGE(has(cluster.log(NodeId{1}), "the catalog is rebuilt: 5 files by their records, 0 by their bytes, 0 damaged"),
                cluster.log(NodeId{1}));
  verify_all(cluster);
}

TEST_CASE("the catalogs of all nodes are deleted, one of them damaged: everything is listed as before") {
  Cluster cluster;
  std::vector<Digest> stored;
  for (unsigned seed = 1; seed <= 8; ++seed) stored.push_back(store(cluster, seed));
  remove(cluster, stored[2]);
  REQUIRE(cluster.wait_until_complete(7));
  const std::string before = listing(cluster);
  stop_all(cluster);
  for (const NodeId id : {NodeId{1}, NodeId{2}}) lose_catalog(cluster, id);
  const std::string catalog = cluster.images_of(NodeId{3}) + "/.cloudp2p/catalog.sqlite";
  fs::remove(catalog + "-wal");
  support::write_file(catalog, std::string(9'000, 'x'));
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != kNobody);
  REQUIRE(cluster.wait_until_complete(7));
  CHECK(listing(cluster) == before);
  verify_all(cluster);
  CHECK(fs::exists(cluster.images_of(NodeId{3}) + "/.cloudp2p/quarantine/catalog.sqlite"));
  (void)store(cluster, 3);  // what was deleted, once more
  (void)store(cluster, 9);
  REQUIRE(cluster.wait_until_complete(9));
}

TEST_CASE("nothing is left but image files: they are listed under the names and times of the files") {
  Cluster cluster({.nodes = 1});
  const Digest digest = store(cluster, 1);
  stop_all(cluster);
  fs::remove_all(cluster.images_of(NodeId{1}) + "/.cloudp2p");
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != kNobody);
  CHECK_MESSAGE(has(listing(cluster), "holiday 1.jpg"), listing(cluster));
  CHECK(cluster.everywhere({digest}));
  verify_all(cluster);
}

TEST_CASE("of two files of one image one is entered, and the other goes to the trash") {
  Cluster cluster({.nodes = 1});
  const Digest digest = store(cluster, 1);
  stop_all(cluster);
  const auto files = [&] {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(cluster.images_of(NodeId{1}))) {
      if (entry.is_regular_file() && entry.path().extension() == ".jpg") out.push_back(entry.path());
    }
    return out;
  };
  REQUIRE(files().size() == 1);
  fs::copy_file(files().front(), cluster.images_of(NodeId{1}) + "/" + digest.hex().substr(0, 16) + "-copy.jpg");
  fs::remove_all(cluster.images_of(NodeId{1}) + "/.cloudp2p");
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != kNobody);
  CHECK(files().size() == 1);
  CHECK(cluster.everywhere({digest}));
  verify_all(cluster);
}

TEST_CASE("rsync of a live node under load is a backup: put back on one node, or on all, it brings the images back") {
  for (const bool everywhere : {false, true}) {
    CAPTURE(everywhere);
    Cluster cluster;
    std::vector<Digest> stored;
    for (unsigned seed = 1; seed <= 20; ++seed) stored.push_back(store(cluster, seed));
    remove(cluster, stored.back());
    stored.pop_back();
    REQUIRE(cluster.wait_until_complete(stored.size()));
    // The file of what was deleted goes a moment after the image has.
    REQUIRE(eventually([&] { return support::visible_files(cluster.images_of(NodeId{2})).size() == stored.size(); }));

    std::atomic<bool> enough{false};
    (void)cluster.client();
    std::thread load([&] {
      for (unsigned seed = 100; !enough; ++seed)
        (void)cluster.client().upload(source_of(name_of(seed), picture(200'000, seed)));
    });
    const std::string backup = cluster.path("backup");
    const int status = rsync(cluster.images_of(NodeId{2}), backup);
    enough = true;
    load.join();
    CHECK((status == 0 || status == 24));  // 24: a file left while it was at work

    stop_all(cluster);
    for (const NodeId id : cluster.ids()) fs::remove_all(cluster.images_of(id));
    for (const NodeId id : cluster.ids()) {
      if (everywhere || id == NodeId{2}) REQUIRE(rsync(backup, cluster.images_of(id)) == 0);
    }
    cluster.start_all();
    REQUIRE(cluster.wait_for_leader() != kNobody);
    CHECK(eventually([&] {
      const std::string listed = listing(cluster);
      return std::all_of(stored.begin(), stored.end(), [&](const Digest& each) { return has(listed, short_id(each)); });
    }));
    CHECK_FALSE(has(listing(cluster), short_id(digest_of(picture(60'000, 20)))));
    const std::string log = cluster.log(NodeId{2});
    CHECK_MESSAGE(has(log, "is a copy of a store"), log);
    const std::size_t images = support::visible_files(cluster.images_of(NodeId{2})).size();
    REQUIRE(cluster.wait_until_complete(images));
    verify_all(cluster);
    (void)store(cluster, 999);
  }
}
