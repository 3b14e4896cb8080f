// The configuration contract: names, precedence, and what is said about a bad one. No cluster runs here.
#include "fixture.hpp"

#include <sys/stat.h>

namespace golden {
namespace {

constexpr const char* kKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

std::string printed(std::map<std::string, std::string> environment, std::vector<std::string> arguments = {},
                    const std::string& folder = ".") {
  arguments.push_back("--print-config");
  Launch launch = server(std::move(environment), std::move(arguments));
  launch.folder = folder;
  const Finished result = run(std::move(launch));
  CHECK_MESSAGE(result.exit_status == 0, result.err);
  return result.out;
}

/// Exit 78, one line, and in it everything that helps.
void check_refused(Launch launch, const std::vector<std::string>& said) {
  const Finished result = run(std::move(launch));
  CHECK(result.exit_status == 78);
  CHECK(lines_of(result.err).size() == 1);
  for (const std::string& part : said)
    CHECK_MESSAGE(contains(result.err, part), result.err);
}

}  // namespace

TEST_CASE("with nothing given there are three loopback nodes and ./images") {
  const std::string config = printed({});
  for (const char* address : {"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"})
    CHECK(contains(config, address));
  CHECK(contains(config, "\"shared_dir\": \"./images\""));
}

TEST_CASE("the six variables of the contract are read, and the key is never shown") {
  const TemporaryFolder folder;
  support::write_file(folder / "config.json",
                      R"({"peers":[{"id":1,"address":"192.168.1.100:7001"}],"shared_dir":"/home/youruser/images"})");
  const std::string config = printed({{"CONFIG_FILE", "config.json"},
                                      {"NODE_ID", "5"},
                                      {"PEERS", "5=h:1,6=[::1]:2"},
                                      {"SHARED_DIR", "/srv/x"},
                                      {"ENCRYPTION_KEY", kKey},
                                      {"BIND", "127.0.0.1:9"}},
                                     {}, folder.path());
  CHECK(contains(config, "\"node_id\": 5"));
  CHECK(contains(config, "\"h:1\""));
  CHECK(contains(config, "\"[::1]:2\""));
  CHECK_FALSE(contains(config, "192.168.1.100"));
  CHECK(contains(config, "\"/srv/x\""));
  CHECK(contains(config, "\"listen\": \"127.0.0.1:9\""));
  CHECK(contains(config, "\"(set)\""));
  CHECK_FALSE(contains(config, "0001020304"));
}

TEST_CASE("a flag beats the environment, which beats the file, which beats the default") {
  const TemporaryFolder folder;
  const std::string file =
      support::write_file(folder / "c.json", R"({"peers":[{"id":7,"address":"h:7"}],"shared_dir":"/file"})");
  CHECK(contains(printed({{"CONFIG_FILE", file}}), "\"shared_dir\": \"/file\""));
  CHECK(contains(printed({{"CONFIG_FILE", file}, {"SHARED_DIR", "/env"}}), "\"shared_dir\": \"/env\""));
  const std::string flag = printed({{"CONFIG_FILE", "/no/such"}, {"SHARED_DIR", "/env"}, {"NODE_ID", "9"}},
                                   {"--config", file, "--shared-dir", "/flag", "--node-id", "7"});
  CHECK(contains(flag, "\"shared_dir\": \"/flag\""));
  CHECK(contains(flag, "\"node_id\": 7"));
}

TEST_CASE("a bad config file is refused with the file, the path in it and what was expected") {
  const TemporaryFolder folder;
  const std::string file = folder / "bad.json";
  struct Row {
    const char* text;
    const char* path;
  };
  const Row rows[] = {
      {"{\"peers\":", "bad.json"},
      {R"({"peers":"x"})", "/peers"},
      {R"({"peers":[{"id":1,"address":"h:1"},{"id":1,"address":"h:2"}]})", "/peers/1/id"},
      {R"({"peers":[{"id":0,"address":"h:1"}]})", "/peers/0/id"},
      {R"({"peers":[{"id":1,"address":"h:1"},{"id":2,"address":"nonsense"}]})", "/peers/1/address"},
      {R"({"shared_dir":5})", "/shared_dir"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    support::write_file(file, row.text);
    check_refused(server({{"CONFIG_FILE", file}, {"NODE_ID", "1"}}), {"bad.json", row.path});
  }
  check_refused(server({{"CONFIG_FILE", folder / "none.json"}, {"NODE_ID", "1"}}), {"none.json", "CONFIG_FILE"});
}

TEST_CASE("a bad variable is refused by its name") {
  check_refused(server({}), {"NODE_ID", "1, 2, 3"});
  check_refused(server({{"NODE_ID", "4"}}), {"NODE_ID", "4", "1, 2, 3"});
  check_refused(server({{"NODE_ID", "one"}}), {"NODE_ID", "one"});
  check_refused(server({{"NODE_ID", "1"}, {"PEERS", "1=h:1,2"}}), {"PEERS", "ID=HOST:PORT"});
  check_refused(server({{"NODE_ID", "1"}, {"ENCRYPTION_KEY", "abc"}}), {"ENCRYPTION_KEY", "64 hex digits"});
  check_refused(server({{"NODE_ID", "1"}, {"ENCRYPTION_KEY", std::string(64, 'g')}}), {"ENCRYPTION_KEY", "hex"});
  check_refused(server({{"NODE_ID", "1"}, {"BIND", "nowhere"}}), {"BIND", "host:port"});
}

TEST_CASE("a key file that others may read is refused, with the command that mends it") {
  const TemporaryFolder folder;
  const std::string key = support::write_file(folder / "key", kKey);
  REQUIRE(::chmod(key.c_str(), 0640) == 0);
  for (const char* mode : {"", "--check-config"}) {
    std::vector<std::string> arguments = {"--encryption-key-file", key};
    if (*mode != '\0') arguments.emplace_back(mode);
    Launch launch = server({{"NODE_ID", "1"}, {"SHARED_DIR", folder / "n"}}, arguments);
    check_refused(launch, {key, "chmod 600"});
  }
}

TEST_CASE("a client's key is refused by a node, also by --check-config") {
  const TemporaryFolder folder;
  const std::string key = support::write_file(folder / "key", "client:" + std::string(kKey));
  REQUIRE(::chmod(key.c_str(), 0600) == 0);
  for (const std::vector<std::string>& mode : {std::vector<std::string>{}, std::vector<std::string>{"--check-config"}}) {
    std::vector<std::string> arguments = {"--encryption-key-file", key};
    arguments.insert(arguments.end(), mode.begin(), mode.end());
    const Finished result = run(server({{"NODE_ID", "1"}, {"SHARED_DIR", folder / "n"}}, arguments));
    CHECK(result.exit_status == 78);
    CHECK(contains(result.err, "for clients only"));
  }
}

TEST_CASE("without a key nothing but loopback is listened on") {
  const TemporaryFolder folder;
  for (const std::vector<std::string>& mode : {std::vector<std::string>{}, std::vector<std::string>{"--check-config"}}) {
    const Launch launch = server({{"NODE_ID", "1"}, {"PEERS", "1=0.0.0.0:7001"}, {"SHARED_DIR", folder / "n"}}, mode);
    check_refused(launch, {"0.0.0.0", "keygen"});
  }
}

TEST_CASE("--check-config says what it understood and touches nothing") {
  const TemporaryFolder folder;
  const Finished result = run(server({{"NODE_ID", "2"}, {"SHARED_DIR", folder / "n"}}, {"--check-config"}));
  CHECK(result.exit_status == 0);
  CHECK(contains(result.out, "node 2 of 3"));
  CHECK(contains(result.out, "127.0.0.1:7002"));
  CHECK(support::read_file(folder / "n").empty());
}

TEST_CASE("usage mistakes exit 2, help and version exit 0") {
  CHECK(run(server({}, {"--no-such-flag"})).exit_status == 2);
  CHECK(run(server({}, {"--http", "127.0.0.1:80"})).exit_status == 2);
  CHECK(run(server({}, {"--http", "off", "--print-config"})).exit_status == 0);
  const Finished help = run(server({}, {"--help"}));
  CHECK(help.exit_status == 0);
  for (const char* word : {"ENCRYPTION_KEY", "SIGHUP", "78", "--listen"})
    CHECK(contains(help.out, word));
  CHECK(has_line(run(server({}, {"--version"})).out, "cloud-p2p " CLOUDP2P_VERSION));

  CHECK(run(client({"no-such-command"})).exit_status == 2);
  CHECK(run(client({"get"})).exit_status == 2);
  CHECK(run(client({"--timeout", "soon", "status"})).exit_status == 2);
  CHECK(run(client({"--help"})).exit_status == 0);
  CHECK(run(client({"help", "get"})).exit_status == 0);
  CHECK(has_line(run(client({"--version"})).out, "cloud-p2p-client " CLOUDP2P_VERSION));
}

TEST_CASE("what comes later says so, and help does not offer it") {
  const std::string help = run(client({"help"})).out;
  for (const char* name : {"watch"}) {
    const Finished result = run(client({name, "x"}));
    CHECK(result.exit_status == 2);
    CHECK(contains(result.err, "not available in this version"));
    CHECK_FALSE(contains(help, std::string("\n  ") + name + " "));
  }
}

TEST_CASE("a client's bad configuration is usage: exit 2, the setting named") {
  const Finished result = run(client({"status"}, {{"PEERS", "1=h"}}));
  CHECK(result.exit_status == 2);
  CHECK(contains(result.err, "[Client] ✗ PEERS"));
  const Finished json = run(client({"-o", "json", "status"}, {{"PEERS", "1=h"}}));
  CHECK(contains(json.err, R"("schema":1)"));
  CHECK(contains(json.err, R"("code":"bad_config")"));
  CHECK(json.out.empty());
}

TEST_CASE("keygen makes a private key once, and a server takes it") {
  const TemporaryFolder folder;
  const std::string key = folder / "cluster.key";
  CHECK(run(client({"keygen", key})).exit_status == 0);
  CHECK(support::read_file(key).size() == 65);
  const Finished again = run(client({"keygen", key}));
  CHECK(again.exit_status == 1);
  CHECK(contains(again.err, "exists already"));
  CHECK(run(server({{"NODE_ID", "1"}}, {"--encryption-key-file", key, "--check-config"})).exit_status == 0);
}

TEST_CASE("config show and check, and completion scripts, need no cluster") {
  CHECK(contains(run(client({"config", "show"})).out, "127.0.0.1:7003"));
  CHECK(lines_of(run(client({"-o", "json", "config", "show"})).out).size() == 1);
  CHECK(run(client({"config", "check"})).exit_status == 0);
  for (const char* shell : {"bash", "zsh", "fish"})
    CHECK(contains(run(client({"completion", shell})).out, "send-image"));
}

}  // namespace golden
