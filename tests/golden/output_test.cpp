// An output that takes nothing: a pipe whose reader has left, a full disk.
#include "fixture.hpp"

#include <filesystem>

namespace golden {
namespace {

/// Runs a line of bash in the cluster's folder, where $CLIENT is the client.
Finished in_bash(Cluster& cluster, const std::string& line) {
  Launch launch = cluster.client_launch({"-c", line});
  launch.environment["CLIENT"] = launch.program;
  launch.program = "/bin/bash";
  return run(std::move(launch));
}

}  // namespace

TEST_CASE("a reader that has seen enough ends the client as SIGPIPE does, silently, and not only its output") {
  Cluster cluster(programs(1));
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == 1);
  support::write_file(cluster.folder() / "a.jpg", support::picture(10'000));
  REQUIRE(cluster.client({"send-image", "a.jpg"}).exit_status == 0);
  // A pipe to write to that nobody reads.
  const std::string unread = "mkfifo pipe; exec 3<>pipe 4>pipe 3<&-; ";
  for (const char* const command : {"list", "-o json list", "status", "help get"}) {
    const Finished piped = in_bash(cluster, "rm -f pipe; " + unread + "\"$CLIENT\" " + command + " >&4; exit $?");
    CHECK_MESSAGE(piped.exit_status == 128 + 13, std::string(command) << ": " << piped.err);
    CHECK(piped.err.empty());
  }
}

TEST_CASE("a full disk under the output is an error: exit 1, and it says so") {
  Cluster cluster(programs(1));
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == 1);
  for (const char* const command : {"status", "discover", "help get", "config show", "--help"}) {
    const Finished full = in_bash(cluster, std::string("\"$CLIENT\" ") + command + " >/dev/full");
    CHECK_MESSAGE(full.exit_status == 1, std::string(command));
    CHECK_MESSAGE(contains(full.err, "the output cannot be written: No space left on device"), std::string(command) << ": " << full.err);
  }
}

TEST_CASE("programs that are started without standard streams keep their numbers free of files and sockets") {
  Cluster cluster(programs(1));
  Launch launch = cluster.server_launch(1);
  launch.environment["SERVER"] = launch.program;
  launch.program = "/bin/bash";
  launch.arguments = {"-c", "exec \"$SERVER\" <&- >&- 2>&-"};
  const Process server(std::move(launch));
  const std::string descriptors = "/proc/" + std::to_string(server.pid()) + "/fd/";
  REQUIRE(support::eventually([&] { return cluster.client({"--timeout", "2s", "discover"}).exit_status == 0; }));
  for (const char* const number : {"0", "1", "2"})
    CHECK(std::filesystem::read_symlink(descriptors + number) == "/dev/null");
  const Finished lost = in_bash(cluster, "\"$CLIENT\" discover >&-");
  CHECK(lost.exit_status == 1);
  CHECK(contains(lost.err, "the output cannot be written"));
}

TEST_CASE("mistakes in what is typed are named, at the prompt on stdout among the answers") {
  Cluster cluster(programs(1));
  const Finished prompt = cluster.client({}, "no-such\nlist --limit -1\nquit\n");
  CHECK(prompt.exit_status == 0);
  CHECK(contains(prompt.out, "> [Client] ✗ there is no command no-such\nTry: help\n> "));
  CHECK(contains(prompt.out, "--limit: "));
  CHECK(prompt.err.empty());
  const Finished once = cluster.client({"no-such"});
  CHECK(once.exit_status == 2);
  CHECK(once.err == "[Client] ✗ there is no command no-such\nTry: help\n");
  CHECK(contains(cluster.client({"--no-such", "list"}).err, "--no-such"));
  CHECK(cluster.client({"send-image", ""}).exit_status == 2);
  CHECK(cluster.client({"backup", ""}).exit_status == 2);
}

}  // namespace golden
