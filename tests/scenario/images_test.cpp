// Images that the cluster cannot take: the exit code and line of the contract, and no file left behind anywhere.
#include "scenario/cluster.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <algorithm>
#include <filesystem>

using namespace scenario;
using cloudp2p::Digest;
using cloudp2p::NodeId;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t partials_of(const Cluster& cluster, NodeId id) {
  return support::partial_files(cluster.images_of(id)).size();
}

/// Also nothing half-done: partial files are gone, or go when the node cleans up what nobody resumed.
bool holds_nothing(const Cluster& cluster) {
  bool none = true;
  for (const NodeId id : cluster.ids()) none = none && cluster.files_of(id).empty() && partials_of(cluster, id) == 0;
  return none;
}

/// Sends a file with these bytes by the program; it must fail with `exit_status`, name the file and say `why`.
void refuses(Cluster& cluster, const std::string& name, const std::string& bytes, int exit_status,
             const std::string& why) {
  const std::string path = cluster.path(name);
  support::write_file(path, bytes);
  const Finished sent = cluster.run_client({"send-image", path});
  CAPTURE(sent.err);
  CHECK(sent.exit_status == exit_status);
  CHECK(sent.out.empty());
  CHECK(sent.err.rfind("[Client] ✗ ", 0) == 0);
  CHECK(has(sent.err, name));
  CHECK(has(sent.err, why));
  CHECK(eventually([&] { return holds_nothing(cluster); }));
}

}  // namespace

TEST_CASE("what is empty, too large or no image is refused and leaves nothing behind") {
  Cluster cluster({.settings = R"("store":{"image_bytes_max":100000})"});
  refuses(cluster, "empty.jpg", "", 7, "empty");
  refuses(cluster, "large.jpg", picture(100'001, 1), 7, "the limit is 100000");
  refuses(cluster, "notes.jpg", "these are words, and words are not an image", 7, "not an image");
  refuses(cluster, "zeros.png", std::string(50'000, '\0'), 7, "not an image");
  CHECK(put(cluster, picture(100'000, 2)).has_value());
}

TEST_CASE("a file that is not there, a folder without -r and one without images are named, and nothing is sent") {
  Cluster cluster({.nodes = 1});
  const std::string missing = cluster.path("missing.jpg");
  const Finished absent = cluster.run_client({"send-image", missing});
  CHECK(absent.exit_status != 0);
  CHECK(has(absent.err, missing));
  const std::string folder = cluster.path("album");
  std::filesystem::create_directory(folder);
  const Finished plain = cluster.run_client({"send-image", folder});
  CHECK(plain.exit_status == 2);
  CHECK_MESSAGE(has(plain.err, "-r"), plain.err);
  const Finished empty = cluster.run_client({"send-image", "-r", folder});
  CHECK(empty.exit_status == 6);
  CHECK(has(empty.err, "no images"));
  CHECK(holds_nothing(cluster));
}

TEST_CASE("an unreadable file fails by name; of several, the others are stored and the exit status is 3") {
  Cluster cluster({.nodes = 1});
  const std::string good = cluster.path("good.jpg");
  const std::string unreadable = "/proc/self/mem";  // Opens, even for root, and cannot be read.
  support::write_file(good, picture(10'000, 1));
  const Finished sent = cluster.run_client({"send-image", unreadable, good});
  CHECK(sent.exit_status == 3);
  CHECK_MESSAGE(has(sent.err, unreadable), sent.err);
  CHECK(has(sent.out, "SUCCESS: Image " + short_id(digest_of(picture(10'000, 1)))));
  CHECK(cluster.everywhere({digest_of(picture(10'000, 1))}));
}

TEST_CASE("an upload whose client dies in the middle leaves no image, and a second attempt succeeds") {
  Cluster cluster;
  const std::string bytes = picture(60'000'000, 1);
  const std::string path = cluster.path("huge.jpg");
  support::write_file(path, bytes);
  Process client = cluster.begin_client({"send-image", path});
  REQUIRE(eventually([&] { return partials_of(cluster, NodeId{1}) > 0; }));
  client.signal(SIGKILL);
  REQUIRE(client.wait() == 128 + SIGKILL);
  for (const NodeId id : cluster.ids()) CHECK(cluster.files_of(id).empty());
  CHECK(cluster.run_client({"list"}).exit_status == 0);
  CHECK(cluster.run_client({"send-image", path}).exit_status == 0);
  REQUIRE(cluster.wait_until_complete(1));
  CHECK(cluster.everywhere({digest_of(bytes)}));
  for (const NodeId id : cluster.ids()) CHECK(eventually([&] { return partials_of(cluster, id) == 0; }));
}

TEST_CASE("names are data: they never become a path, a second line or a file that is too long") {
  Cluster cluster;
  const std::vector<std::string> names = {"../../etc/passwd.jpg", "/etc/shadow", "..", ".hidden.jpg", "two\nlines.jpg",
                                          "bell\x07.jpg", std::string("nul\0byte.jpg", 12), "-rf"};
  std::vector<Digest> stored;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto outcome = cluster.client().upload(source_of(names[i], picture(5'000, static_cast<unsigned>(i))));
    REQUIRE_MESSAGE(outcome.ok(), names[i]);
    stored.push_back(outcome->digest);
  }
  REQUIRE(cluster.wait_until_complete(names.size()));
  CHECK(cluster.everywhere(stored));
  for (const std::string& file : cluster.files_of(NodeId{1})) {
    CHECK(std::none_of(file.begin(), file.end(), [](unsigned char c) { return c < 0x20 || c == '/'; }));
    CHECK(file[cloudp2p::kShortIdDigits] == '-');
  }
  const Finished listed = cluster.run_client({"list"});
  CHECK(std::count(listed.out.begin(), listed.out.end(), '\n') <= static_cast<std::ptrdiff_t>(names.size()) + 2);
}

TEST_CASE("a name of 4 KB of UTF-8 is cut to what a directory takes, between two characters") {
  Cluster cluster({.nodes = 1});
  std::string name;
  while (name.size() < 4'096) name += "é";
  const auto outcome = cluster.client().upload(source_of(name + ".jpg", picture(5'000)));
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().text());
  CHECK(cluster.everywhere({outcome->digest}));
  const std::string file = cluster.files_of(NodeId{1}).front();
  CHECK(file.size() <= 255);
  const auto stored = cluster.client().info(outcome->digest.hex());
  REQUIRE(stored.ok());
  const std::string& kept = stored->record.name;
  CHECK(kept.size() <= cloudp2p::limits::kNameBytesMax);
  CHECK(name.rfind(kept.substr(0, kept.find('.')), 0) == 0);
  CHECK(kept.substr(0, kept.find('.')).size() % 2 == 0);
}
