// Flag, then environment, then file, then default.
#include "config_samples.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>

using namespace cloudp2p;
using namespace cloudp2p::testing_config;

namespace {

/// A folder for one test, and an environment of its own.
class Desk {
 public:
  Desk() {
    std::string name = (std::filesystem::temp_directory_path() / "cloudp2p-config-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
  }
  ~Desk() { std::filesystem::remove_all(folder_); }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  std::string file(std::string_view content) {
    const std::string path = (folder_ / "config.json").string();
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  [[nodiscard]] std::string folder() const { return folder_.string(); }

  Result<Config> load() {
    const EnvironmentLookup lookup = [this](const char* name) -> std::optional<std::string> {
      const auto found = environment.find(name);
      return found == environment.end() ? std::nullopt : std::optional<std::string>(found->second);
    };
    return load_config(flags, lookup);
  }
  Config loaded() {
    Result<Config> config = load();
    if (!config) FAIL(config.error().message);
    return *config;
  }
  std::string load_refusal() {
    const Result<Config> config = load();
    if (config) return "accepted";
    CHECK(config.code() == Errc::bad_config);
    return config.error().message;
  }

  ConfigFlags flags;
  std::map<std::string, std::string> environment;

 private:
  std::filesystem::path folder_;
};

}  // namespace

TEST_SUITE("config layers") {
  TEST_CASE("with nothing given there are three loopback nodes") {
    const Config config = Desk().loaded();
    CHECK(config.peers.size() == 3);
    CHECK(config.source_file.empty());
    CHECK(config.shared_dir == "./images");
  }

  TEST_CASE("CONFIG_FILE and NODE_ID are all that a node of the guide needs") {
    Desk desk;
    desk.environment = {{"CONFIG_FILE", desk.file(kGuide)}, {"NODE_ID", "3"}};
    const Config config = desk.loaded();
    CHECK(config.source_file == desk.environment["CONFIG_FILE"]);
    CHECK(validate(config, true).ok());
    CHECK(listen_address(config) == Address{"192.168.1.102", 7003});
  }

  TEST_CASE("the environment overrides the file") {
    Desk desk;
    desk.environment = {{"CONFIG_FILE", desk.file(kEverything)},
                        {"NODE_ID", "5"},
                        {"SHARED_DIR", "elsewhere"},
                        {"PEERS", "5=a:1,7=b:2"},
                        {"BIND", "[::]:99"},
                        {"ENCRYPTION_KEY", kKey}};
    const Config config = desk.loaded();
    CHECK(config.node_id == NodeId{5});
    CHECK(config.shared_dir == "elsewhere");
    CHECK(config.peers == std::vector<PeerAddress>{{NodeId{5}, {"a", 1}}, {NodeId{7}, {"b", 2}}});
    CHECK(config.peer_public_keys.size() == 1);
    CHECK(config.encryption_key == kKey);
    CHECK(config.encryption_key_file.empty());
    CHECK(listen_address(config) == Address{"::", 99});
    CHECK(config.quorum == Quorum::none);
  }

  TEST_CASE("flags override the environment") {
    Desk desk;
    desk.environment = {{"CONFIG_FILE", "/nowhere"}, {"NODE_ID", "1"}, {"SHARED_DIR", "b"},
                        {"PEERS", "rubbish"},        {"BIND", "b:1"},  {"ENCRYPTION_KEY", kKey}};
    desk.flags.config_file = desk.file(kGuide);
    desk.flags.node_id = "2";
    desk.flags.shared_dir = "a";
    desk.flags.peers = "2=a:2";
    desk.flags.listen = "a:3";
    desk.flags.encryption_key_file = "key";
    desk.flags.log_level = "warning";
    desk.flags.log_format = "json";
    desk.flags.log_file = "log";
    const Config config = desk.loaded();
    CHECK(config.node_id == NodeId{2});
    CHECK(config.shared_dir == "a");
    CHECK(config.peers == std::vector<PeerAddress>{{NodeId{2}, {"a", 2}}});
    CHECK(listen_address(config) == Address{"a", 3});
    CHECK((config.encryption_key_file == "key" && config.encryption_key.empty()));
    CHECK((config.log_level == LogLevel::warning && config.log_json && config.log_file == "log"));
  }

  TEST_CASE("an error names the variable or the flag that it came by") {
    struct {
      const char* variable;
      std::optional<std::string> ConfigFlags::*flag;
      const char* flag_name;
      const char* text;
      const char* message;
    } const cases[] = {
        {"NODE_ID", &ConfigFlags::node_id, "--node-id", "one",
         "expected a whole number from 1 to 4294967295, got \"one\""},
        {"NODE_ID", &ConfigFlags::node_id, "--node-id", "0", "expected a whole number from 1 to 4294967295, got \"0\""},
        {"PEERS", &ConfigFlags::peers, "--peers", "1=a:1,x=1", "entry 2 \"x=1\": expected ID=HOST:PORT"},
        {"BIND", &ConfigFlags::listen, "--listen", "7001", "expected \"host:port\", got \"7001\""},
        {"SHARED_DIR", &ConfigFlags::shared_dir, "--shared-dir", "", "is empty: give a value or leave it unset"},
        {"CONFIG_FILE", &ConfigFlags::config_file, "--config", "", "is empty: give a value or leave it unset"},
        {"ENCRYPTION_KEY", nullptr, "", "abc", "expected 64 hex digits, got 3 characters"},
        {"ENCRYPTION_KEY", nullptr, "", "", "is empty: give a value or leave it unset"},
        {nullptr, &ConfigFlags::log_format, "--log-format", "xml", "expected \"text\" or \"json\", got \"xml\""},
    };
    for (const auto& each : cases) {
      Desk by_variable;
      Desk by_flag;
      if (each.variable != nullptr) {
        by_variable.environment[each.variable] = each.text;
        CHECK(by_variable.load_refusal() == std::string(each.variable) + ": " + each.message);
      }
      if (each.flag == nullptr) continue;
      by_flag.flags.*each.flag = each.text;
      CHECK(by_flag.load_refusal() == std::string(each.flag_name) + ": " + each.message);
    }
  }

  TEST_CASE("PEERS drops the public keys of those whom it leaves out") {
    Desk desk;
    desk.environment = {{"CONFIG_FILE", desk.file(kEverything)}, {"NODE_ID", "9"}, {"PEERS", "9=a:1"}};
    const Config config = desk.loaded();
    CHECK(config.peer_public_keys.empty());
    CHECK(validate(config, true).ok());
  }

  TEST_CASE("an empty BIND is no BIND, as unit files pass it on") {
    Desk desk;
    desk.environment["BIND"] = "";
    CHECK_FALSE(desk.loaded().listen);
  }

  TEST_CASE("an unknown node id names its source and who the peers are") {
    Desk desk;
    desk.environment["NODE_ID"] = "9";
    CHECK(refusal(validate(desk.loaded(), true)) == "NODE_ID: 9 is not among the peers 1, 2, 3");
    CHECK(validate(desk.loaded(), false).ok());
    desk.flags.node_id = "8";
    CHECK(desk.load_refusal() == "--node-id: 8 is not among the peers 1, 2, 3");

    Desk by_file;
    const std::string path = by_file.file(R"({"node_id": 4})");
    by_file.flags.config_file = path;
    CHECK(by_file.load_refusal() == path + ": /node_id: 4 is not among the peers 1, 2, 3");
    by_file.flags.node_id = "1";
    CHECK(by_file.loaded().node_id == NodeId{1});
  }

  TEST_CASE("a node needs an id, a client does not") {
    const Config config = Desk().loaded();
    CHECK(validate(config, false).ok());
    CHECK(refusal(validate(config, true)) ==
          "NODE_ID: not set: expected one of the peers 1, 2, 3 (or --node-id, or \"node_id\" in the config file)");
  }

  TEST_CASE("a file that cannot be read says which, why, and who named it") {
    Desk desk;
    desk.environment["CONFIG_FILE"] = "/nowhere/config.json";
    CHECK(desk.load_refusal() ==
          "/nowhere/config.json: cannot be read: No such file or directory (given by CONFIG_FILE)");
    desk.flags.config_file = desk.folder();
    CHECK(desk.load_refusal() == desk.folder() + ": cannot be read: Is a directory (given by --config)");
    desk.flags.config_file = "/dev/zero";
    CHECK(desk.load_refusal() == "/dev/zero: expected at most 1048576 bytes");
  }
}
