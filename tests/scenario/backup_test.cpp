// client backup and restore: incremental, verified, and good enough to lose every node.
#include "scenario/cluster.hpp"
#include "scenario/disk.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>

using namespace scenario;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// What the summary of `-o json`, the last line, says of `field`.
std::string told(const Finished& run, const std::string& field) {
  const std::string line = support::lines_of(run.out).empty() ? "" : support::lines_of(run.out).back();
  const std::size_t at = line.find("\"" + field + "\":");
  if (at == std::string::npos) return "nothing";
  const std::size_t begin = at + field.size() + 3;
  return line.substr(begin, line.find_first_of(",}", begin) - begin);
}

std::string send(Cluster& cluster, const std::string& name, std::size_t size, unsigned seed) {
  const std::string path = cluster.path(name);
  support::write_file(path, picture(size, seed));
  const Finished sent = cluster.run_client({"-q", "send-image", path});
  REQUIRE_MESSAGE(sent.exit_status == 0, sent.err);
  return sent.out.substr(0, 16);
}

std::vector<std::string> image_files(const std::string& folder) {
  std::vector<std::string> out = support::visible_files(folder);
  std::erase(out, "manifest.jsonl");
  return out;
}

std::string file_of(const std::string& folder, const std::string& id) {
  for (const std::string& name : image_files(folder))
    if (name.rfind(id, 0) == 0) return folder + "/" + name;
  return {};
}

}  // namespace

TEST_CASE("all nodes are lost, and come back empty: the backup restores every image, its name and its time") {
  Cluster cluster;
  const std::string folder = cluster.path("backup");
  std::vector<std::string> ids;
  for (unsigned i = 1; i <= 6; ++i)
    ids.push_back(send(cluster, "picture " + std::to_string(i) + ".jpg", 20'000 * i, i));
  const Finished first = cluster.run_client({"-o", "json", "backup", folder});
  REQUIRE_MESSAGE(first.exit_status == 0, first.err);
  CHECK(told(first, "fetched") == "6");

  REQUIRE(cluster.run_client({"rm", "-y", ids[0], ids[1]}).exit_status == 0);
  ids.push_back(send(cluster, "größer.jpg", 700'000, 7));
  const Finished second = cluster.run_client({"-o", "json", "backup", folder});
  CHECK_MESSAGE(second.exit_status == 0, second.err);
  CHECK(told(second, "fetched") == "1");
  CHECK(told(second, "already") == "4");
  CHECK(told(second, "deleted_kept") == "2");
  CHECK(image_files(folder).size() == 7);
  CHECK(support::read_file(file_of(folder, ids[6])) == picture(700'000, 7));
  const std::string listed = cluster.run_client({"-o", "json", "list", "--limit", "0"}).out;

  for (const NodeId id : cluster.ids()) {
    cluster.kill(id);
    fs::remove_all(cluster.images_of(id));
  }
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != cloudp2p::kNobody);
  const Finished restored = cluster.run_client({"-o", "json", "restore", folder});
  REQUIRE_MESSAGE(restored.exit_status == 0, restored.err);
  CHECK(told(restored, "stored") == "5");
  CHECK(told(restored, "deleted_left_out") == "2");
  CHECK(cluster.run_client({"-o", "json", "list", "--limit", "0"}).out == listed);
  REQUIRE(cluster.wait_until_complete(5));
  const Finished verified = cluster.run_client({"verify", "--all"});
  CHECK_MESSAGE(verified.exit_status == 0, verified.out);
  const std::string copy = cluster.path("copy.jpg");
  CHECK(cluster.run_client({"get", ids[6], "-O", copy}).exit_status == 0);
  CHECK(support::read_file(copy) == picture(700'000, 7));

  SUBCASE("a second restore stores nothing, and what had been deleted comes when it is asked for") {
    CHECK(told(cluster.run_client({"-o", "json", "restore", folder}), "already_stored") == "5");
    CHECK(told(cluster.run_client({"-o", "json", "restore", folder, "--deleted"}), "stored") == "2");
  }
  SUBCASE("the restored cluster is another one: its backup does not go into that folder unasked") {
    const Finished refused = cluster.run_client({"backup", folder});
    CHECK(refused.exit_status == 1);
    CHECK_MESSAGE(has(refused.err, "--adopt"), refused.err);
    const Finished adopted = cluster.run_client({"-o", "json", "backup", folder, "--adopt", "--prune", "-y"});
    CHECK_MESSAGE(adopted.exit_status == 0, adopted.err);
    CHECK(told(adopted, "fetched") == "0");
    CHECK(told(adopted, "deleted_removed") == "2");
    CHECK(image_files(folder).size() == 5);
  }
}

TEST_CASE("a backup reads from followers: a leader with nothing but damaged copies does not disturb it") {
  Cluster cluster;
  for (unsigned i = 1; i <= 4; ++i)
    (void)send(cluster, std::to_string(i) + ".jpg", 50'000, i);
  REQUIRE(cluster.wait_until_complete(4));
  const NodeId leader = cluster.wait_for_leader();
  for (const NodeId id : cluster.ids()) {  // Only the leader has damaged copies: a reader of it would go elsewhere.
    if (id != leader) continue;
    for (const std::string& name : cluster.files_of(id))
      support::write_file(cluster.images_of(id) + "/" + name, std::string(50'000, 'x'));
  }
  const std::string folder = cluster.path("backup");
  const Finished run = cluster.run_client({"-v", "backup", folder});
  CHECK_MESSAGE(run.exit_status == 0, run.err);
  CHECK_FALSE(has(run.err, "reading elsewhere"));
  CHECK(image_files(folder).size() == 4);
}

TEST_CASE("a backup that was cut short goes on: what came whole is not fetched again") {
  Cluster cluster({.nodes = 1});
  const std::string folder = cluster.path("backup");
  std::vector<std::string> ids;
  for (unsigned i = 1; i <= 3; ++i)
    ids.push_back(send(cluster, std::to_string(i) + ".jpg", 30'000, i));
  REQUIRE(cluster.run_client({"backup", folder}).exit_status == 0);
  // As a kill leaves it: no manifest yet, one image whole, one with a hole, one begun.
  fs::remove(folder + "/manifest.jsonl");
  support::write_file(file_of(folder, ids[1]), std::string(30'000, '\0'));
  fs::rename(file_of(folder, ids[2]), file_of(folder, ids[2]) + ".part");
  const Finished early = cluster.run_client({"restore", folder});
  CHECK(early.exit_status == 2);
  CHECK_MESSAGE(has(early.err, "its first backup has not ended"), early.err);
  const Finished again = cluster.run_client({"-o", "json", "backup", folder});
  CHECK_MESSAGE(again.exit_status == 0, again.err);
  CHECK(told(again, "fetched") == "2");
  CHECK(cluster.run_client({"restore", folder, "--check"}).exit_status == 0);
  CHECK(image_files(folder).size() == 3);
}

TEST_CASE("damaged and missing files of a backup are named, checked without a cluster, and not sent") {
  Cluster cluster({.nodes = 1});
  const std::string folder = cluster.path("backup");
  std::vector<std::string> ids;
  for (unsigned i = 1; i <= 3; ++i)
    ids.push_back(send(cluster, std::to_string(i) + ".jpg", 30'000, i));
  REQUIRE(cluster.run_client({"backup", folder}).exit_status == 0);
  REQUIRE(cluster.run_client({"rm", "-y", ids[0], ids[1], ids[2]}).exit_status == 0);
  std::string bytes = picture(30'000, 1);
  bytes[20'000] ^= 1;
  support::write_file(file_of(folder, ids[0]), bytes);
  fs::remove(file_of(folder, ids[1]));
  const Finished restored = cluster.run_client({"-o", "json", "restore", folder});
  CHECK(restored.exit_status == 8);
  CHECK(told(restored, "stored") == "1");
  CHECK(told(restored, "damaged") == "1");
  CHECK(told(restored, "missing") == "1");
  CHECK(cluster.run_client({"-q", "list"}).out == ids[2] + "\n");
  cluster.kill(NodeId{1});
  const Finished checked = cluster.run_client({"restore", folder, "--check"});
  CHECK(checked.exit_status == 8);
  CHECK_MESSAGE(has(checked.err, ids[0]), checked.err);
  CHECK_MESSAGE(has(checked.err, ids[1]), checked.err);
  CHECK_MESSAGE(has(checked.err, "1 damaged, 1 missing"), checked.err);
}

TEST_CASE("a damaged file of a backup that is deleted, as the error says, is fetched again by the next run") {
  Cluster cluster({.nodes = 1});
  const std::string folder = cluster.path("backup");
  const std::string id = send(cluster, "a.jpg", 30'000, 1);
  REQUIRE(cluster.run_client({"backup", folder}).exit_status == 0);
  std::string bytes = picture(30'000, 1);
  bytes[20'000] ^= 1;
  support::write_file(file_of(folder, id), bytes);
  const Finished damaged = cluster.run_client({"restore", folder, "--check"});
  CHECK(damaged.exit_status == 8);
  CHECK_MESSAGE(has(damaged.err, "delete the file and run `backup` again"), damaged.err);
  fs::remove(file_of(folder, id));
  const Finished missing = cluster.run_client({"restore", folder, "--check"});
  CHECK_MESSAGE(has(missing.err, "run `backup` again"), missing.err);
  CHECK(told(cluster.run_client({"-o", "json", "backup", folder}), "fetched") == "1");
  CHECK(cluster.run_client({"restore", folder, "--check"}).exit_status == 0);
}

TEST_CASE("a damaged manifest is noticed, and the next backup makes a new one from the files") {
  Cluster cluster({.nodes = 1});
  const std::string folder = cluster.path("backup");
  (void)send(cluster, "holiday.jpg", 30'000, 1);
  REQUIRE(cluster.run_client({"backup", folder}).exit_status == 0);
  const std::string manifest = folder + "/manifest.jsonl";
  std::string text = support::read_file(manifest);
  text[text.find("holiday.jpg\",\"size")] = 'H';
  support::write_file(manifest, text);
  for (const std::vector<std::string>& command : {std::vector<std::string>{"restore", folder}, {"backup", folder}}) {
    const Finished refused = cluster.run_client(command);
    CHECK(refused.exit_status == 8);
    CHECK_MESSAGE(has(refused.err, manifest), refused.err);
  }
  fs::remove(manifest);
  CHECK(told(cluster.run_client({"-o", "json", "backup", folder}), "fetched") == "0");
}

TEST_CASE("Ctrl-C ends a backup, and the next one goes on") {
  Cluster cluster({.nodes = 1});
  const std::string folder = cluster.path("backup");
  constexpr std::size_t kImages = 12;
  for (unsigned i = 1; i <= kImages; ++i)
    (void)send(cluster, std::to_string(i) + ".jpg", 6'000'000, i);
  Process first = cluster.begin_client({"backup", "-j", "1", folder});
  REQUIRE(eventually([&] { return image_files(folder).size() > 1; }));  // One is whole, the next has begun.
  first.signal(SIGINT);
  REQUIRE(first.wait() == 130);
  CHECK(image_files(folder).size() < kImages);
  const Finished again = cluster.run_client({"-o", "json", "backup", folder});
  CHECK_MESSAGE(again.exit_status == 0, again.err);
  CHECK(told(again, "already") != "0");
  CHECK(told(again, "images") == std::to_string(kImages));
  CHECK(cluster.run_client({"restore", folder, "--check"}).exit_status == 0);
}

TEST_CASE("a backup that fills its disk says so once, keeps what it has, and goes on when there is room") {
  Cluster cluster({.nodes = 1});
  const std::string folder = cluster.path("backup");
  fs::create_directory(folder);
  const Disk disk(folder, 4);
  if (!disk.ok()) {
    MESSAGE("skipped: " << disk.problem());
    return;
  }
  for (unsigned i = 1; i <= 8; ++i)
    (void)send(cluster, std::to_string(i) + ".jpg", 1'000'000, i);
  const Finished full = cluster.run_client({"-o", "json", "backup", "-j", "1", folder});
  CHECK(full.exit_status == 3);
  CHECK_MESSAGE(has(full.err, "No space left on device"), full.err);
  CHECK(support::lines_of(full.err).size() == 1);
  CHECK(told(full, "fetched") == "4");
  CHECK(told(full, "not_tried") == "3");
  CHECK(cluster.run_client({"restore", folder, "--check"}).exit_status == 0);
  support::Launch grow;
  grow.program = "/usr/bin/mount";
  grow.arguments = {"-o", "remount,size=40m", folder};
  REQUIRE(support::run(std::move(grow)).exit_status == 0);
  const Finished again = cluster.run_client({"-o", "json", "backup", folder});
  CHECK_MESSAGE(again.exit_status == 0, again.err);
  CHECK(told(again, "fetched") == "4");
}

TEST_CASE("a folder that holds something else, is being written to, or can not be made is refused") {
  Cluster cluster({.nodes = 1});
  const std::string folder = cluster.path("things");
  fs::create_directory(folder);
  support::write_file(folder + "/letter.txt", "words");
  const Finished foreign = cluster.run_client({"backup", folder});
  CHECK(foreign.exit_status == 2);
  CHECK_MESSAGE(has(foreign.err, "letter.txt"), foreign.err);
  CHECK(support::visible_files(folder).size() == 1);
  CHECK(cluster.run_client({"restore", folder}).exit_status == 2);
  const Finished nowhere = cluster.run_client({"backup", folder + "/no/where"});
  CHECK(nowhere.exit_status == 1);
  CHECK_MESSAGE(has(nowhere.err, "does its folder exist?"), nowhere.err);
  CHECK(cluster.run_client({"backup", folder, "--prune"}).exit_status == 2);  // No terminal, no -y.

  const std::string busy = cluster.path("busy");
  REQUIRE(cluster.run_client({"backup", busy}).exit_status == 0);
  const int lock = ::open((busy + "/.cloudp2p-backup").c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(::flock(lock, LOCK_EX | LOCK_NB) == 0);
  const Finished second = cluster.run_client({"backup", busy});
  CHECK(second.exit_status == 1);
  CHECK_MESSAGE(has(second.err, "another backup"), second.err);
  CHECK(cluster.run_client({"restore", busy}).exit_status == 1);
  ::close(lock);
}
