// status --check and ping: what monitors and balancers go by, each exit status.
#include "fixture.hpp"

#include <signal.h>

namespace golden {
namespace {

std::string check_line(Cluster& cluster, int exit_status) {
  Finished checked;
  (void)support::eventually([&] {
    checked = cluster.client({"--timeout", "5s", "status", "--check"});
    return checked.exit_status == exit_status;
  });
  CHECK_MESSAGE(checked.exit_status == exit_status, checked.out << checked.err);
  CHECK(lines_of(checked.out).size() == 1);
  return checked.out;
}

}  // namespace

TEST_CASE("status --check: 0 while all is well, 3 with a node down and what it means for the images, 0 when it is back") {
  Cluster cluster(programs());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == 3);
  support::write_file(cluster.folder() / "a.jpg", support::picture(10'000));
  REQUIRE(cluster.client({"send-image", "a.jpg"}).exit_status == 0);
  const Finished at_once = cluster.client({"status", "--check"});  // The leader may not have heard of all copies yet.
  CHECK(at_once.exit_status == 0);
  CHECK(at_once.out == "ok: node 3 leads, 3 of 3 nodes, 1 image\n");
  CHECK(cluster.client({"-q", "status", "--check"}).out == "");
  CHECK(contains(cluster.client({"-o", "json", "status", "--check"}).out, R"("condition":"ok","problems":[])"));
  Launch launch = cluster.client_launch({"--timeout", "5s", "status", "--check"});
  launch.environment["ENCRYPTION_KEY"] = std::string(64, '5');
  const Finished stranger = run(Launch(launch));
  CHECK(stranger.exit_status == 4);
  CHECK_MESSAGE(stranger.out.starts_with("unknown: "), stranger.out << stranger.err);
  CHECK(contains(stranger.out, "use the key that the nodes use"));
  CHECK(lines_of(stranger.out).size() == 1);
  CHECK(stranger.err == "");
  launch.arguments.insert(launch.arguments.begin(), {"-o", "json"});
  const Finished stranger_json = run(std::move(launch));
  CHECK(stranger_json.exit_status == 4);
  CHECK(contains(stranger_json.out, R"("leader":null,"condition":"unknown","problems":[")"));

  cluster.kill(1);
  const std::string down = check_line(cluster, 3);
  CHECK(contains(down, "degraded: node 1 at " + cluster.address(1) + " is unreachable; "));
  CHECK(contains(down, "node 3 leads, 2 of 3 nodes, 1 image"));
  const Finished json = cluster.client({"-o", "json", "status", "--check"});
  CHECK(json.exit_status == 3);
  CHECK(contains(json.out, R"("condition":"degraded","problems":["node 1 at )"));
  CHECK(cluster.client({"status"}).exit_status == 0);  // A leader serves.

  support::write_file(cluster.folder() / "b.jpg", support::picture(20'000, 2));
  REQUIRE(cluster.client({"send-image", "b.jpg"}).exit_status == 0);
  CHECK(support::eventually([&] { return contains(check_line(cluster, 3), "with fewer than 3 copies; "); }));
  cluster.start(1);
  CHECK(check_line(cluster, 0) == "ok: node 3 leads, 3 of 3 nodes, 2 images\n");
}

TEST_CASE("status --check: 3 with a node that is stopped, and says so; what a node is not told it does not make up") {
  Cluster cluster(programs());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == 3);
  support::write_file(cluster.folder() / "a.jpg", support::picture(10'000));
  REQUIRE(cluster.client({"send-image", "a.jpg"}).exit_status == 0);
  REQUIRE(cluster.wait_for_repair());
  cluster.signal(1, SIGSTOP);
  CHECK(support::eventually([&] { return contains(check_line(cluster, 3), "node 1 is connected and has not answered for "); }));
  CHECK(contains(check_line(cluster, 3), "1 image with fewer than 3 copies"));
  CHECK(contains(cluster.client({"members"}).out, " s: is it stopped or overloaded?"));
  cluster.signal(1, SIGCONT);
  CHECK(support::eventually([&] { return cluster.client({"status", "--check"}).exit_status == 0; }));
  for (const unsigned node : {2U, 3U}) cluster.kill(node);
  const std::string alone = cluster.client({"-o", "json", "--timeout", "3s", "members"}).out;
  CHECK_MESSAGE(contains(alone, R"("images":1,)"), alone);
  CHECK_MESSAGE(contains(alone, R"("images":null,"missing":null,"damaged":null)"), alone);
}

TEST_CASE("status --check: 5 when no node leads, and when none answers") {
  Cluster cluster(programs());
  cluster.start(1);
  REQUIRE(cluster.process(1).wait_for_text("Starting on"));
  const Finished alone = cluster.client({"--timeout", "2s", "--retries", "1", "status", "--check"});
  CHECK(alone.exit_status == 5);
  CHECK_MESSAGE(contains(alone.out, "down: no node leads; "), alone.out << alone.err);
  cluster.kill(1);
  const Finished nobody = cluster.client({"--timeout", "2s", "--retries", "1", "status", "--check"});
  CHECK(nobody.exit_status == 5);
  CHECK(nobody.out.starts_with("down: "));
  CHECK(contains(nobody.out, "refused the connection: is it running?"));
  CHECK(lines_of(nobody.out).size() == 1);
  CHECK(nobody.err == "");
  const Finished json = cluster.client({"-o", "json", "--timeout", "2s", "--retries", "1", "status", "--check"});
  CHECK(json.exit_status == 5);
  CHECK(contains(json.out, R"("leader":null,"condition":"down","problems":[")"));
}

TEST_CASE("status --check: a configuration that does not hold is said on its line as well") {
  const Finished checked = run(client({"--config", "/none", "status", "--check"}));
  CHECK(checked.exit_status == 2);
  CHECK_MESSAGE(checked.out.starts_with("unknown: /none: "), checked.out << checked.err);
}

TEST_CASE("ping: 0 when all that were asked answer, 3 when some do, 5 when none does; 2 for a node that is not configured") {
  Cluster cluster(programs());
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == 3);
  const Finished all = cluster.client({"ping"});
  CHECK(all.exit_status == 0);
  CHECK(lines_of(all.out).size() == 3);
  cluster.kill(2);
  CHECK(cluster.client({"--timeout", "3s", "ping"}).exit_status == 3);
  const Finished gone = cluster.client({"--timeout", "3s", "ping", "2"});
  CHECK(gone.exit_status == 5);
  CHECK(contains(gone.err, "node 2 at " + cluster.address(2) + " refused the connection: is it running?"));
  const Finished there = cluster.client({"ping", "1", "3"});
  CHECK(there.exit_status == 0);
  CHECK(lines_of(there.out).size() == 2);
  CHECK(cluster.client({"ping", "7"}).exit_status == 2);
  CHECK(cluster.client({"ping", "x"}).exit_status == 2);
}

}  // namespace golden
