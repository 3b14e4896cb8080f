// An output that takes nothing: a pipe whose reader has left, a full disk.
#include "fixture.hpp"

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

}  // namespace golden
