// Names that would forge lines or act on a terminal: of images, folders and files, in every output of both programs.
#include "fixture.hpp"

#include <cloudp2p/log_sink.hpp>

#include <csignal>
#include <filesystem>

namespace golden {
namespace {

/// Escape sequences, in seven and in eight bits; line ends of all kinds; marks that turn the text; broken UTF-8.
const std::string kHostile =
    "a\x1b[31m\x1b]0;title\a\r\n[Client] ✓ forged\n[Node 9] forged\xc2\x85"
    "b\xc2\x9b"
    "2J\xe2\x80\xa8"
    "c\xe2\x80\xaegpj\xff\xc0\x80\xed\xa0\x80\x7f\b.jpg";

/// No line that an attacker began, and in each line nothing that acts.
void check_harmless(const std::string& text) {
  for (const std::string& line : lines_of(text)) {
    CHECK(line == cloudp2p::printable(line));
    CHECK(line.rfind("[Client] ✓ forged", 0) == std::string::npos);
    CHECK(line.rfind("[Node 9]", 0) == std::string::npos);
  }
}

void check_harmless(const Finished& finished) {
  CAPTURE(finished.exit_status);
  check_harmless(finished.out);
  check_harmless(finished.err);
}

}  // namespace

TEST_CASE("the name of an image acts neither on the terminal nor on the lines of client and server") {
  Cluster cluster(programs(1));
  cluster.start(1);
  const std::string file = support::write_file(cluster.folder() / kHostile, support::picture(2000));
  const Finished sent = cluster.client({"send-image", file});
  REQUIRE(sent.exit_status == 0);
  check_harmless(sent);
  const std::string id = between(sent.out, "Image ", " was accepted");
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"list"},
                                             {"info", id},
                                             {"verify", id},
                                             {"get", id},
                                             {"get", id, "-O", cluster.folder() / kHostile},
                                             {"members"},
                                             {"-v", "send-image", file},
                                             {"send-image", file, file + "2"},
                                             {"rm", id},
                                             {"rm", "-y", id}}) {
    check_harmless(cluster.client(command));
    std::vector<std::string> in_json = {"-o", "json"};
    in_json.insert(in_json.end(), command.begin(), command.end());
    check_harmless(cluster.client(in_json));
  }
  // Said at the prompt too, where errors are part of the conversation.
  check_harmless(cluster.client({}, "send-image " + kHostile + "\n" + kHostile + "\nlist\n"));
  check_harmless(cluster.process(1).out());
  check_harmless(cluster.process(1).err());
}

TEST_CASE("what the command line and the environment name is as harmless in an error") {
  const TemporaryFolder folder;
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--config", folder / kHostile}, {"--encryption-key-file", kHostile}, {"--peers", kHostile}, {kHostile}}) {
    check_harmless(run(server({{"NODE_ID", "1"}}, arguments)));
    std::vector<std::string> asking = arguments;
    asking.push_back("discover");
    check_harmless(run(client(asking)));
    check_harmless(run(client({"-o", "json", arguments.front(), arguments.back(), "discover"})));
  }
  for (const char* name : {"CONFIG_FILE", "NODE_ID", "PEERS", "BIND", "ENCRYPTION_KEY"})
    check_harmless(run(server({{name, kHostile}})));
  const std::string config =
      support::write_file(folder / "config.json",
                          R"({"pe\u001b\u0085\u202e\ners": 1, "shared_dir": "\u001b[31m\u009b2J\nx", "node_id": 1})");
  const Finished checked = run(server({{"CONFIG_FILE", config}}, {"--check-config"}));
  check_harmless(checked);
  CHECK(contains(checked.err, "warning"));
}

TEST_CASE("a node whose folder and log have hostile names writes whole and harmless lines, text and JSON") {
  Cluster cluster(programs(1));
  for (const std::string format : {"text", "json"}) {
    Launch launch = cluster.server_launch(1);
    launch.environment["SHARED_DIR"] = cluster.folder() / (kHostile + format);
    launch.arguments = {"--log-level", "debug", "--log-format", format, "--log-file", cluster.folder() / "log"};
    Process server(launch);
    REQUIRE(server.wait_for_line("[Node 1] starting heartbeat task"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    check_harmless(server.out());
    check_harmless(server.err());
    check_harmless(support::read_file(cluster.folder() / "log"));
  }
}

TEST_CASE("no line holds the key, at any level") {
  Cluster cluster(programs(2));
  for (unsigned node = 1; node <= 2; ++node) {
    Launch launch = cluster.server_launch(node);
    launch.arguments = {"--log-level", "debug"};
    cluster.start_as(node, launch);
  }
  REQUIRE(cluster.wait_for_leader() != 0);
  // A stranger with another key, and a client that is told all.
  Launch stranger = cluster.client_launch({"-v", "--retries", "0", "discover"});
  stranger.environment["ENCRYPTION_KEY"] = std::string(64, 'e');
  const Finished refused = run(stranger);
  const Finished asked = cluster.client({"-v", "config", "show"});
  for (const std::string& text : {cluster.process(1).out(), cluster.process(1).err(), cluster.process(2).err(),
                                  asked.out, asked.err, refused.out, refused.err}) {
    CHECK_FALSE(contains(text, cluster.key()));
    CHECK_FALSE(contains(text, std::string(64, 'e')));
  }
}

}  // namespace golden
