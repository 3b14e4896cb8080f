// The contract table on real processes: the servers' lines, the client's lines, the stored file, failover, exit codes.
#include "fixture.hpp"

#include <signal.h>

#include <filesystem>

namespace golden {
namespace {

std::string id_of(const std::string& client_out) {
  return between(client_out, "SUCCESS: Image ", " was accepted");
}

std::string leader_line(const char* start, unsigned node) {
  return std::string("[Client] ") + start + ": Node " + std::to_string(node);
}

/// `b2sum -l 256`, which is not ours, agrees on the name.
std::string b2sum(const std::string& path) {
  Launch launch;
  launch.program = "/usr/bin/b2sum";
  launch.arguments = {"-l", "256", path};
  return run(std::move(launch)).out.substr(0, 64);
}

}  // namespace

TEST_CASE("the servers say on stdout what the contract says, and a dead leader is replaced by the next-highest") {
  Cluster cluster(programs());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == 3);
  CHECK(cluster.process(3).wait_for_line("[Node 3] starting heartbeat task"));
  CHECK(cluster.process(1).wait_for_line("[Node 1] Coordinator announced: 3"));
  const std::vector<std::string> said = lines_of(cluster.process(3).out());
  REQUIRE(said.size() >= 5);
  CHECK(said[0] == "[Config] Loading from file: ./config.json");
  CHECK(said[1] == "[Node 3] Shared directory: " + cluster.shared_dir(3));
  CHECK(said[2] == "[Node 3] Starting on " + cluster.address(3));
  CHECK(has_line(cluster.process(3).out(), "[Node 3] no higher nodes -> becoming coordinator"));

  cluster.kill(3);
  CHECK(cluster.process(2).wait_for_line("[Node 2] no Ok received -> becoming coordinator"));
  CHECK(cluster.wait_for_leader() == 2);
  CHECK(cluster.process(1).wait_for_line("[Node 1] Coordinator announced: 2"));
  support::write_file(cluster.folder() / "after.jpg", support::picture(50'000, 3));
  CHECK(cluster.client({"send-image", "after.jpg"}).exit_status == 0);
}

TEST_CASE("the client says on stdout what the contract says, one-shot and at the prompt of a pipe") {
  Cluster cluster(programs());
  cluster.start_all();
  const unsigned leader = cluster.wait_for_leader();
  REQUIRE(leader == 3);
  CHECK(cluster.client({"discover"}).out == leader_line("Leader discovered", 3) + "\n");
  CHECK(lines_of(cluster.client({"status"}).out).front() == leader_line("Current leader", 3));

  const std::string path = support::write_file(cluster.folder() / "photo one.jpg", support::picture(524'288));
  const std::string id = b2sum(path).substr(0, 16);
  const std::string sent = "[Client] ✓ Sent image " + id + " to leader (node 3) — 524288 bytes";
  const std::string success = "[Client] ✓ SUCCESS: Image " + id + " was accepted by the server";
  const Finished prompt = cluster.client({}, "discover\nstatus\nsend-image \"photo one.jpg\"\nno-such\nhelp\nquit\n");
  CHECK(prompt.exit_status == 0);
  CHECK(prompt.out.rfind("> " + leader_line("Leader discovered", 3) + "\n> ", 0) == 0);
  CHECK(contains(prompt.out, "> " + leader_line("Current leader", 3) + "\n"));
  CHECK(contains(prompt.out, "> " + sent + "\n" + success + "\n> "));
  CHECK(contains(prompt.out, "send-image  "));

  const Finished again = cluster.client({"send-image", "photo one.jpg"});
  CHECK(again.exit_status == 0);
  CHECK(has_line(again.out, success));
  CHECK(contains(again.out, "already stored"));
  CHECK_FALSE(contains(again.out, "Sent image"));
}

TEST_CASE("an accepted image is an ordinary file on the nodes, found again by the start of its id") {
  Cluster cluster(programs());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != 0);
  const std::string bytes = support::picture(300'000, 7);
  support::write_file(cluster.folder() / "ferry.jpeg", bytes);
  const Finished sent = cluster.client({"send-image", "ferry.jpeg"});
  REQUIRE_MESSAGE(sent.exit_status == 0, sent.err);
  const std::string id = id_of(sent.out);
  REQUIRE(cluster.wait_for_repair());
  for (unsigned node = 1; node <= 3; ++node) {
    CHECK(support::visible_files(cluster.shared_dir(node)) == std::vector<std::string>{id + "-ferry.jpg"});
    CHECK(support::read_file(cluster.shared_dir(node) + "/" + id + "-ferry.jpg") == bytes);
  }
  CHECK(cluster.client({"get", id.substr(0, 4), "-O", "copy.jpg"}).exit_status == 0);
  CHECK(support::read_file(cluster.folder() / "copy.jpg") == bytes);
  CHECK(cluster.client({"get", id, "-O", "-"}).out == bytes);
  CHECK(cluster.client({"get", id}).exit_status == 0);
  const Finished refused = cluster.client({"get", id});
  CHECK(refused.exit_status == 1);
  CHECK(contains(refused.err, "ferry.jpg exists already"));
  CHECK(contains(cluster.client({"list"}).out, id));
  CHECK(cluster.client({"-q", "list"}).out == id + "\n");
  CHECK(contains(cluster.client({"-o", "json", "info", id}).out, R"("name":"ferry.jpeg")"));
  const Finished verified = cluster.client({"verify", "--all"});
  CHECK(verified.exit_status == 0);
  CHECK(contains(verified.out, "node 1 ok  node 2 ok  node 3 ok"));
  const Finished missing = cluster.client({"get", id == "0000000000000000" ? "1111" : "0000000000000000"});
  CHECK(missing.exit_status == 6);
  CHECK(missing.err.rfind("[Client] ✗ ", 0) == 0);
  CHECK(cluster.client({"get", "abc"}).exit_status == 2);
}

TEST_CASE("rm deletes on all nodes, those that are away included, and only when it is meant") {
  Cluster cluster(programs());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == 3);
  const std::string bytes = support::picture(200'000, 11);
  support::write_file(cluster.folder() / "a.jpg", bytes);
  support::write_file(cluster.folder() / "b.jpg", support::picture(90'000, 12));
  const std::string id = id_of(cluster.client({"send-image", "a.jpg"}).out);
  const std::string other = id_of(cluster.client({"send-image", "b.jpg"}).out);
  REQUIRE(cluster.wait_for_repair());

  const Finished unasked = cluster.client({"rm", id});
  CHECK(unasked.exit_status == 2);
  CHECK(contains(unasked.err, "give -y"));
  CHECK(cluster.client({"info", id}).exit_status == 0);

  cluster.kill(1);
  const Finished removed = cluster.client({"rm", "-y", id});
  CHECK(removed.exit_status == 0);
  CHECK(removed.out == "[Client] ✓ Deleted image " + id + " — a.jpg\n");
  CHECK(cluster.client({"get", id, "-O", "-"}).exit_status == 6);
  CHECK(cluster.client({"rm", "-y", id}).exit_status == 6);
  CHECK(cluster.client({"-q", "list"}).out == other + "\n");
  CHECK(cluster.client({"rm", "-y", other, "0000000000000000"}).exit_status == 3);
  cluster.start(1);
  for (unsigned node = 1; node <= 3; ++node) {
    CHECK(support::eventually([&] { return support::visible_files(cluster.shared_dir(node)).empty(); }));
    CHECK(support::read_file(cluster.shared_dir(node) + "/.cloudp2p/trash/" + id + "-a.jpg") == bytes);
  }

  const Finished stored_again = cluster.client({"send-image", "a.jpg"});
  CHECK(has_line(stored_again.out, "[Client] ✓ Sent image " + id + " to leader (node 3) — 200000 bytes"));
  REQUIRE(cluster.wait_for_repair());
  CHECK(cluster.client({"get", id, "-O", "-"}).out == bytes);
  const Finished json = cluster.client({"-o", "json", "rm", "-y", id});
  CHECK(contains(json.out, R"("name":"a.jpg")"));
  CHECK(contains(json.out, R"("deleted":true)"));
}

TEST_CASE("a damaged copy is named by verify: exit 8") {
  Cluster cluster(programs());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != 0);
  std::string bytes = support::picture(100'000, 9);
  support::write_file(cluster.folder() / "a.jpg", bytes);
  const std::string id = id_of(cluster.client({"send-image", "a.jpg"}).out);
  REQUIRE(id.size() == 16);
  REQUIRE(cluster.wait_for_repair());
  bytes[50'000] = static_cast<char>(bytes[50'000] ^ 1);
  support::write_file(cluster.shared_dir(1) + "/" + id + "-a.jpg", bytes);
  const Finished verified = cluster.client({"verify", id});
  CHECK(verified.exit_status == 8);
  CHECK(contains(verified.out, "node 1 damaged"));
  CHECK(contains(verified.out, "node 2 ok"));
}

TEST_CASE("every kind of bad image is refused with its exit code, and no file is left on any node") {
  Cluster cluster([] {
    support::ClusterOptions options = programs();
    options.settings = R"(,"store":{"image_bytes_max":200000})";
    return options;
  }());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != 0);
  const TemporaryFolder& folder = cluster.folder();
  support::write_file(folder / "empty.jpg", "");
  support::write_file(folder / "large.jpg", support::picture(200'001));
  support::write_file(folder / "text.jpg", "this is no image at all, whatever its name says");
  std::filesystem::create_directory(folder / "album");
  struct Row {
    const char* path;
    int exit_status;
    const char* said;
  };
  const Row rows[] = {{"empty.jpg", 7, "empty"},
                      {"large.jpg", 7, "200000"},
                      {"text.jpg", 7, "not an image"},
                      {"missing.jpg", 6, "missing"},
                      {"album", 2, "-r"}};
  for (const Row& row : rows) {
    const Finished result = cluster.client({"send-image", row.path});
    CAPTURE(row.path);
    CHECK(result.exit_status == row.exit_status);
    CHECK(result.err.rfind(std::string("[Client] ✗ ") + row.path, 0) == 0);
    CHECK_MESSAGE(contains(result.err, row.said), result.err);
  }
  for (unsigned node = 1; node <= 3; ++node) {
    CHECK(support::visible_files(cluster.shared_dir(node)).empty());
    CHECK(support::partial_files(cluster.shared_dir(node)).empty());
  }
}

TEST_CASE("many files go in parallel, folders with -r; some failing is exit 3, and odd names stay in their place") {
  Cluster cluster(programs());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != 0);
  const TemporaryFolder& folder = cluster.folder();
  std::filesystem::create_directories(folder / "album/inner");
  for (unsigned i = 0; i < 6; ++i)
    support::write_file(folder / ("album/inner/p" + std::to_string(i) + ".jpg"), support::picture(20'000, 20 + i));
  support::write_file(folder / "album/new\nline.jpg", support::picture(20'000, 40));
  support::write_file(folder / "album/notes.txt", "not an image");
  const Finished sent = cluster.client({"send-image", "-r", "album", "-j", "3"});
  CHECK_MESSAGE(sent.exit_status == 0, sent.err);
  CHECK(contains(sent.err, "7 stored, 0 already stored, 0 failed, 1 skipped"));
  const Finished some = cluster.client({"-o", "json", "send-image", "album/inner/p0.jpg", "none.jpg"});
  CHECK(some.exit_status == 3);
  CHECK(contains(some.out, R"("already_stored":true)"));
  CHECK(contains(some.err, R"("subject":"none.jpg")"));
  const std::string listed = cluster.client({"list"}).out;
  CHECK(lines_of(listed).size() == 8);
  CHECK(contains(listed, "new?line.jpg"));
  const Finished piped = cluster.client({"-q", "send-image", "-"}, support::picture(90'000, 41));
  CHECK_MESSAGE(piped.exit_status == 0, piped.err);
  CHECK(piped.out.size() == 17);
  const Finished page = cluster.client({"list", "--limit", "5"});
  const std::string cursor = between(page.err, "--after ", "\n");
  CHECK(lines_of(cluster.client({"-q", "list", "--after", cursor}).out).size() == 3);
}

TEST_CASE("without nodes, or with one of three: exit 5, and which node answered what") {
  Cluster cluster(programs());
  const Finished none = cluster.client({"--retries", "1", "--timeout", "5s", "discover"});
  CHECK(none.exit_status == 5);
  for (unsigned node = 1; node <= 3; ++node)
    CHECK(contains(none.err, cluster.address(node)));
  CHECK(contains(none.err, "refused the connection: is it running?"));
  CHECK(none.out.empty());
  cluster.start(1);
  REQUIRE(cluster.process(1).wait_for_text("Starting on"));
  support::write_file(cluster.folder() / "a.jpg", support::picture(1000));
  const Finished one = cluster.client({"--retries", "1", "--timeout", "2s", "send-image", "a.jpg"});
  CHECK(one.exit_status == 5);
  CHECK(one.err.rfind("[Client] ✗ ", 0) == 0);
  CHECK(contains(one.err, cluster.address(2)));
  CHECK(support::visible_files(cluster.shared_dir(1)).empty());
}

TEST_CASE("another key is told from a dead node: exit 4") {
  Cluster cluster(programs());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() != 0);
  Launch launch = cluster.client_launch({"--timeout", "5s", "discover"});
  launch.environment["ENCRYPTION_KEY"] = std::string(64, '5');
  const Finished result = run(std::move(launch));
  CHECK_MESSAGE(result.exit_status == 4, result.err);
  CHECK(contains(result.err, "key"));
}

TEST_CASE("a taken port, a taken directory and an unusable one are a clear line, exit 1; the others go on") {
  Cluster cluster(programs(1));
  cluster.start(1);
  REQUIRE(cluster.wait_for_leader() == 1);
  Launch same_port = cluster.server_launch(1);
  same_port.environment["SHARED_DIR"] = cluster.folder() / "other";
  const Finished port = run(same_port);
  CHECK(port.exit_status == 1);
  CHECK(contains(port.err, cluster.address(1)));
  const std::string elsewhere = "127.0.0.1:" + std::to_string(support::free_ports(1).front());
  Launch same_folder = cluster.server_launch(1);
  same_folder.environment["BIND"] = elsewhere;
  const Finished locked = run(same_folder);
  CHECK(locked.exit_status == 1);
  CHECK(contains(locked.err, cluster.shared_dir(1)));
  Launch file_instead = cluster.server_launch(1);
  file_instead.environment["BIND"] = elsewhere;
  file_instead.environment["SHARED_DIR"] = support::write_file(cluster.folder() / "file", "x");
  CHECK(run(file_instead).exit_status == 1);
  CHECK(cluster.client({"discover"}).exit_status == 0);
}

TEST_CASE("SIGTERM hands leadership over and exits 0; SIGHUP keeps running, and the key is not in /proc") {
  Cluster cluster(programs());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == 3);
  const std::string environ = support::read_file("/proc/" + std::to_string(cluster.process(2).pid()) + "/environ");
  CHECK_FALSE(contains(environ, cluster.key()));
  cluster.signal(1, SIGHUP);
  CHECK(support::eventually([&] { return contains(cluster.process(1).err(), "reloaded"); }));
  CHECK(cluster.running(1));
  cluster.signal(3, SIGTERM);
  CHECK(cluster.process(3).wait() == 0);
  CHECK(cluster.wait_for_leader() == 2);
}

TEST_CASE("step-down lets the next-highest node lead, says who does, and the former leader stays a member") {
  Cluster cluster(programs());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == 3);
  const Finished text = cluster.client({"step-down"});
  CHECK(text.exit_status == 0);
  CHECK(text.out == "[Client] ✓ Node 3 stepped down: Node 2 leads now\n");
  CHECK(cluster.process(1).wait_for_line("[Node 1] Coordinator announced: 2"));
  CHECK(contains(cluster.client({"members"}).out, "follower"));
  const Finished json = cluster.client({"-o", "json", "step-down"});
  CHECK(json.exit_status == 0);
  CHECK(json.out.rfind(R"({"schema":1,"former":2,"leader":)", 0) == 0);
  CHECK(contains(cluster.client({"help", "step-down"}).out, "takeover_delay_ms"));
  CHECK(cluster.client({"step-down", "now"}).exit_status == 2);
}

TEST_CASE("step-down of the only node there is: exit 7") {
  Cluster cluster(programs(1));
  cluster.start(1);
  REQUIRE(cluster.wait_for_leader() == 1);
  const Finished refused = cluster.client({"step-down"});
  CHECK(refused.exit_status == 7);
  CHECK(contains(refused.err, "no other member can lead"));
}

TEST_CASE("an interrupt ends a one-shot command, also one that waits for a leader or for its input: exit 130") {
  Cluster cluster(programs());
  cluster.start(1);
  REQUIRE(cluster.process(1).wait_for_text("Starting on"));
  Process waiting(cluster.client_launch({"discover"}));
  // Its main thread, the one that takes signals, the one that talks to the nodes.
  const std::string threads = "/proc/" + std::to_string(waiting.pid()) + "/task";
  REQUIRE(support::eventually([&] { return support::count_entries(threads) >= 3; }));
  waiting.signal(SIGINT);
  CHECK(waiting.wait() == 130);

  Launch launch = cluster.client_launch({"send-image", "-"});
  launch.keep_input_open = true;
  Process reading(std::move(launch));
  const std::string own = "/proc/" + std::to_string(reading.pid()) + "/task";
  REQUIRE(support::eventually([&] { return support::count_entries(own) >= 2; }));
  reading.signal(SIGINT);
  CHECK(reading.wait() == 130);
}

}  // namespace golden
