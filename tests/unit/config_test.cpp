// Configuration files as operators write them, and what they are told when one is wrong.
#include "config_samples.hpp"

#include <doctest/doctest.h>

using namespace cloudp2p;
using namespace cloudp2p::testing_config;
using namespace std::chrono_literals;

namespace {

struct Case {
  const char* json;
  const char* message;
};
void check_refusals(std::initializer_list<Case> cases) {
  for (const Case& each : cases) {
    CAPTURE(each.json);
    CHECK(refusal(each.json) == each.message);
  }
}

}  // namespace

TEST_SUITE("config file") {
  TEST_CASE("the file of the deployment guide gives three peers and a folder") {
    const Config config = parsed(kGuide);
    REQUIRE(config.peers.size() == 3);
    CHECK(config.peers[1] == PeerAddress{NodeId{2}, {"192.168.1.101", 7002}});
    CHECK(config.shared_dir == "/home/youruser/images");
    CHECK(config.node_id == kNobody);
    CHECK(config.source_file == "config.json");
    CHECK(config.quorum == Quorum::majority);
    CHECK(validate(config, false).ok());
  }

  TEST_CASE("an empty object means the defaults: three loopback nodes and ./images") {
    for (const char* text : {"{}", " {\n}\n", "\xef\xbb\xbf{}"}) {
      const Config config = parsed(text);
      REQUIRE(config.peers.size() == 3);
      CHECK(config.peers[2] == PeerAddress{NodeId{3}, {"127.0.0.1", 7003}});
      CHECK(config.shared_dir == "./images");
    }
  }

  TEST_CASE("every key arrives where it belongs") {
    const Config config = parsed(kEverything);
    CHECK(config.peers == std::vector<PeerAddress>{{NodeId{7}, {"::1", 7001}}, {NodeId{9}, {"camera.local", 7002}}});
    CHECK(config.peer_public_keys == std::map<NodeId, std::string>{{NodeId{7}, kKey}});
    CHECK(config.shared_dir == "images \"of\" today");
    CHECK(config.node_id == NodeId{9});
    CHECK(config.listen == Address{"0.0.0.0", 7002});
    CHECK(config.encryption_key_file == "cluster.key");
    CHECK(config.previous_key_file == "old.key");
    CHECK(config.identity_file == "me.key");
    REQUIRE(config.clients.size() == 1);
    CHECK(config.clients[0].name == "kiosk");
    CHECK(config.clients[0].public_key == kOtherKey);
    CHECK((config.clients[0].rights.read && !config.clients[0].rights.write && !config.clients[0].rights.admin));
    CHECK(config.quorum == Quorum::none);
    CHECK(config.takeover == Takeover::never);
  }

  TEST_CASE("a shared directory is asked for by true or false, and needs a majority") {
    CHECK_FALSE(parsed("{}").shared);
    CHECK(parsed(R"({"shared": true})").shared);
    CHECK_FALSE(parsed(R"({"shared": false})").shared);
    CHECK(parsed(to_json(parsed(R"({"shared": true})"))).shared);
    CHECK(to_json(parsed("{}")).find("\"shared\"") == std::string::npos);
    CHECK(refusal(R"({"shared": "yes"})") == "config.json: /shared: expected true or false, got \"yes\"");
    CHECK(refusal(R"({"shared": true, "quorum": "none"})") ==
          "config.json: /shared: a shared directory has one writer, which a majority elects: it can not go with "
          "\"quorum\": \"none\"");
  }

  TEST_CASE("every number and word of the sections arrives too") {
    const Config config = parsed(kEverything);
    CHECK(config.timing.heartbeat == 50ms);
    CHECK(config.timing.failure_timeout == 300ms);
    CHECK(config.timing.stagger == 60ms);
    CHECK(config.timing.answer_timeout == 70ms);
    CHECK(config.timing.takeover_delay == 1s);
    CHECK(config.timing.founding_grace == 200ms);
    CHECK(config.image_bytes_max == 5'000'000'000U);
    CHECK(config.accept_any);
    CHECK(config.free_bytes_min == std::uint64_t{0});
    CHECK(config.repair_bytes_per_second == 1000);
    CHECK(config.scrub_interval == std::chrono::hours(7 * 24));
    CHECK(config.scrub_bytes_per_second == 2000);
    CHECK(config.log_level == LogLevel::debug);
    CHECK(config.log_json);
    CHECK(config.log_file == "node.log");
    CHECK(config.log_file_bytes_max == 1'000'000);
    CHECK(config.log_files_kept == 9);
    CHECK(config.timeout == 5s);
    CHECK(config.retries == 2);
  }

  TEST_CASE("accept may stand at the top or in the store section, not in both") {
    CHECK(parsed(R"({"accept": "any"})").accept_any);
    CHECK_FALSE(parsed(R"({"store": {"accept": "images"}})").accept_any);
    CHECK(refusal(R"({"accept": "any", "store": {"accept": "images"}})") ==
          "config.json: /store/accept: already given as /accept: keep one of the two");
  }

  TEST_CASE("a client without rights of its own has them all") {
    const Config config = parsed(R"({"clients": [{"name": "a", "public_key": ")" + kKey + R"("}]})");
    CHECK((config.clients[0].rights.read && config.clients[0].rights.write && config.clients[0].rights.admin));
  }

  TEST_CASE("a wrong type names the place and what was expected") {
    check_refusals({
        {"[]", "config.json: expected an object, got an array"},
        {"7", "config.json: expected an object, got 7"},
        {R"({"peers": {}})", "config.json: /peers: expected an array, got an object"},
        {R"({"peers": [7]})", "config.json: /peers/0: expected an object, got 7"},
        {R"({"shared_dir": null})", "config.json: /shared_dir: expected the path of a directory, got null"},
        {R"({"log": {"level": true}})",
         "config.json: /log/level: expected \"debug\", \"info\", \"contract\", \"warning\" or \"error\", got true"},
        {R"({"quorum": "all"})", "config.json: /quorum: expected \"majority\" or \"none\", got \"all\""},
        {R"({"takeover": 1.5})", "config.json: /takeover: expected \"never\", \"polite\" or \"immediate\", got 1.5"},
        {R"({"client": {"retries": -1}})",
         "config.json: /client/retries: expected a whole number from 0 to 1000, got -1"},
        {R"({"election": {"heartbeat_ms": 1e2}})",
         "config.json: /election/heartbeat_ms: expected a whole number from 0 to 3600000, got 100"},
        {R"({"listen": "7001"})", "config.json: /listen: expected \"host:port\", got \"7001\""},
        {R"({"schema": 2})", "config.json: /schema: expected 1, got 2"},
    });
  }

  TEST_CASE("a bad peer is named by its place in the list") {
    check_refusals({
        {R"({"peers": []})", "config.json: /peers: expected at least one peer"},
        {R"({"peers": [{"id": 1, "address": "a:1"}, {"id": 2, "address": "192.168.1.100"}]})",
         "config.json: /peers/1/address: expected \"host:port\", got \"192.168.1.100\""},
        {R"({"peers": [{"id": 1}]})", "config.json: /peers/0: \"address\" is missing"},
        {R"({"peers": [{"address": "a:1"}]})", "config.json: /peers/0: \"id\" is missing"},
        {R"({"peers": [{"id": -1, "address": "a:1"}]})",
         "config.json: /peers/0/id: expected a whole number from 0 to 4294967295, got -1"},
        {R"({"peers": [{"id": 4294967296, "address": "a:1"}]})",
         "config.json: /peers/0/id: expected a whole number from 0 to 4294967295, got 4294967296"},
        {R"({"peers": [{"id": "1", "address": "a:1"}]})",
         "config.json: /peers/0/id: expected a whole number from 0 to 4294967295, got \"1\""},
        {R"({"peers": [{"id": 1, "address": "a:1"}, {"id": 1, "address": "b:1"}]})",
         "config.json: /peers/1/id: 1 is already the id of another peer"},
        {R"({"peers": [{"id": 1, "address": "host:1"}, {"id": 2, "address": "HOST:1"}]})",
         "config.json: /peers/1/address: \"HOST:1\" is already the address of node 1"},
        {R"({"peers": [{"id": 1, "address": "a:1", "public_key": "abc"}]})",
         "config.json: /peers/0/public_key: expected 64 hex digits, got 3 characters"},
    });
  }

  TEST_CASE("more peers than a cluster may have are refused") {
    std::string json = R"({"peers": [)";
    for (int i = 1; i <= 16; ++i) {
      json += (i > 1 ? "," : "") + std::string(R"({"id": )") + std::to_string(i) + R"(, "address": "h:)" +
              std::to_string(7000 + i) + "\"}";
    }
    CHECK(refusal(json + "]}") == "config.json: /peers: expected at most 15 peers, got 16");
  }

  TEST_CASE("a typo does not pass silently, and a key of a later version does not stop this one") {
    const struct {
      const char* json;
      const char* warning;
    } rows[] = {
        {R"({"peer": []})", "config.json: /peer: unknown key, ignored: did you mean \"peers\"?"},
        {R"({"sharedDir": "x"})", "config.json: /sharedDir: unknown key, ignored: did you mean \"shared_dir\"?"},
        {R"({"peers": [{"id": 1, "address": "a:1", "adress": 7}]})",
         "config.json: /peers/0/adress: unknown key, ignored: did you mean \"address\"?"},
        {R"({"election": {"hartbeat_ms": 1}})",
         "config.json: /election/hartbeat_ms: unknown key, ignored: did you mean \"heartbeat_ms\"?"},
        {R"({"log": {"a/b~\n": 1}})",
         "config.json: /log/a~1b~0\\n: unknown key, ignored: known here are level, format, file, file_bytes_max, files_kept"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.json);
      const std::vector<std::string> warnings = parsed(row.json).warnings;
      REQUIRE(warnings.size() == 1);
      CHECK(warnings.front() == row.warning);
    }
    CHECK(parsed(kEverything).warnings.empty());
    check_refusals({
        {R"({"peers": [{"id": 1, "adress": "a:1"}]})", "config.json: /peers/0: \"address\" is missing"},
        {R"({"later": 1, "later": 2})", "config.json: /later: this key is given twice"},
        {R"({"shared_dir": "a", "shared_dir": "b"})", "config.json: /shared_dir: this key is given twice"},
        {R"({"log": {"level": "info", "level": "info"}})", "config.json: /log/level: this key is given twice"},
    });
  }

  TEST_CASE("a file full of unknown keys is not answered with as many words") {
    std::string json = "{";
    for (int i = 0; i < 1000; ++i)
      json += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":0";
    CHECK(parsed(json + "}").warnings.size() == 20);
  }

  TEST_CASE("settings that contradict each other are refused") {
    check_refusals({
        {R"({"election": {"heartbeat_ms": 300}})",
         "config.json: /election/failure_timeout_ms: expected at least 900 (three times heartbeat_ms), got 600"},
        {R"({"election": {"answer_timeout_ms": 600}})",
         "config.json: /election/answer_timeout_ms: expected less than failure_timeout_ms (600), got 600"},
        {R"({"election": {"heartbeat_ms": 0}})", "config.json: /election/heartbeat_ms: expected at least 1, got 0"},
        {R"({"store": {"image_bytes_max": 0}})",
         "config.json: /store/image_bytes_max: expected a whole number from 1 to 9223372036854775807, got 0"},
        {R"({"shared_dir": ""})", "config.json: /shared_dir: expected the path of a directory, got \"\""},
        {R"({"client": {"timeout_ms": 0}})", "config.json: /client/timeout_ms: expected 1 to 86400000, got 0"},
        {R"({"clients": [{"name": "a", "public_key": "zz"}]})",
         "config.json: /clients/0/public_key: expected 64 hex digits, got 2 characters"},
        {R"({"clients": [{"name": "a"}]})", "config.json: /clients/0: \"public_key\" is missing"},
    });
  }

  TEST_CASE("two clients may not share a name or a key, and one without rights is a mistake") {
    const auto client = [](const std::string& name, const std::string& key, const std::string& more = "") {
      return R"({"name": ")" + name + R"(", "public_key": ")" + key + "\"" + more + "}";
    };
    const auto clients = [](const std::string& list) { return refusal(R"({"clients": [)" + list + "]}"); };
    CHECK(clients(client("a", kKey) + "," + client("a", kOtherKey)) ==
          "config.json: /clients/1/name: \"a\" is already the name of another client");
    CHECK(clients(client("a", kKey) + "," + client("b", kKey)) ==
          "config.json: /clients/1/public_key: is already the key of another client");
    CHECK(clients(client("a", kKey, R"(, "rights": [])")) ==
          "config.json: /clients/0/rights: expected at least one of \"read\", \"write\", \"admin\"");
    CHECK(clients(client("a", kKey, R"(, "rights": ["root"])")) ==
          "config.json: /clients/0/rights/0: expected \"read\", \"write\" or \"admin\", got \"root\"");
  }

  TEST_CASE("a bad key is refused without being shown") {
    std::string not_hex = kKey;
    not_hex[10] = 'x';
    CHECK(refusal(R"({"encryption_key": "5ec2e7"})") ==
          "config.json: /encryption_key: expected 64 hex digits, got 6 characters");
    CHECK(refusal(R"({"encryption_key": ")" + not_hex + "\"}") ==
          "config.json: /encryption_key: expected 64 hex digits, got characters that are not hex digits");
    CHECK(refusal(R"({"encryption_key": 5272727})") ==
          "config.json: /encryption_key: expected a string of 64 hex digits");
    CHECK(refusal(R"({"encryption_key": ")" + kKey + R"(", "encryption_key_file": "k"})") ==
          "config.json: /encryption_key_file: \"encryption_key\" is given as well: keep one of the two");
  }

  TEST_CASE("what is not JSON is named by line and column") {
    check_refusals({
        {"", "config.json: not JSON: line 1, column 1: expected '{', got nothing"},
        {"peers", "config.json: not JSON: line 1, column 1: expected a value"},
        {"{\n  \"peers\": [],\n}", "config.json: not JSON: line 3, column 1: expected another key after ','"},
        {"{\"a\": [1 2]}", "config.json: not JSON: line 1, column 10: expected ',' or ']'"},
        {"{\"\xc3\xa9\": 01}", "config.json: not JSON: line 1, column 7: a number does not begin with 0"},
        {"{} {}", "config.json: not JSON: line 1, column 4: expected the end of the file"},
        {"{\n// ours\n}", "config.json: not JSON: line 2, column 1: expected a key in double quotes"},
        {"{\"a\": 'b'}", "config.json: not JSON: line 1, column 7: expected a value: strings stand in double quotes"},
        {"{\"a\": \"b\n\"}", "config.json: not JSON: line 1, column 7: this string is not closed on its line"},
        {"{\"a", "config.json: not JSON: line 1, column 2: this string is never closed"},
        {"{\"a\": \"\xff\"}", "config.json: not JSON: line 1, column 8: not UTF-8"},
        {"{\"a\": \"\\q\"}", "config.json: not JSON: line 1, column 8: unknown escape in a string"},
        {"{\"a\": \"\\ud800\"}", "config.json: not JSON: line 1, column 8: half of a surrogate pair in a string"},
        {"{\"a\": \"\\ud800\\u0041\"}",
         "config.json: not JSON: line 1, column 8: half of a surrogate pair in a string"},
        {"{\"a\": 99999999999999999999}", "config.json: not JSON: line 1, column 7: this number is out of range"},
        {"{\"a\": tru}", "config.json: not JSON: line 1, column 7: expected a value"},
    });
  }

  TEST_CASE("absurd nesting and absurd size are answered, not suffered") {
    CHECK(refusal(std::string(100'000, '[')).find("nested too deeply") != std::string::npos);
    const std::string large = "{\"shared_dir\": \"" + std::string(limits::kConfigFileBytesMax, 'x') + "\"}";
    CHECK(refusal(large) == "config.json: expected at most 1048576 bytes");
    const std::string long_key = refusal("{\"" + std::string(500'000, 'k') + "\": 1}");
    CHECK(long_key.size() < 500);
  }
}

TEST_SUITE("PEERS") {
  TEST_CASE("a list of peers, with or without blanks after the commas") {
    const Result<std::vector<PeerAddress>> peers = parse_peers("1=127.0.0.1:7001, 2=[::1]:7002,30=node-3.lan:7003");
    REQUIRE(peers);
    CHECK(*peers == std::vector<PeerAddress>{{NodeId{1}, {"127.0.0.1", 7001}},
                                             {NodeId{2}, {"::1", 7002}},
                                             {NodeId{30}, {"node-3.lan", 7003}}});
  }

  TEST_CASE("a malformed list names the entry") {
    const std::pair<const char*, const char*> cases[] = {
        {"", "expected ID=HOST:PORT, comma-separated, got nothing"},
        {"1=a:1,x=1", "entry 2 \"x=1\": expected ID=HOST:PORT"},
        {"1=a:1,", "entry 2 \"\": expected ID=HOST:PORT"},
        {"1=a", "entry 1 \"1=a\": expected ID=HOST:PORT"},
        {"a:1", "entry 1 \"a:1\": expected ID=HOST:PORT"},
        {"-1=a:1", "entry 1 \"-1=a:1\": expected ID=HOST:PORT"},
        {"1=a:99999", "entry 1 \"1=a:99999\": expected ID=HOST:PORT"},
        {"4294967297=a:1", "entry 1 \"4294967297=a:1\": expected ID=HOST:PORT"},
        {"0=a:1,0=b:1", "entry 2 \"0=b:1\": id: 0 is already the id of another peer"},
        {"1=a:1,1=b:1", "entry 2 \"1=b:1\": id: 1 is already the id of another peer"},
        {"1=a:1,2=a:1", "entry 2 \"2=a:1\": address: \"a:1\" is already the address of node 1"},
        {"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", "expected at most 15 peers, got 16"},
    };
    for (const auto& [text, message] : cases) {
      const Result<std::vector<PeerAddress>> peers = parse_peers(text);
      REQUIRE_FALSE(peers);
      CHECK(peers.code() == Errc::bad_config);
      CHECK(peers.error().message == message);
    }
  }
}

TEST_SUITE("config values") {
  TEST_CASE("a program that fills in a Config is told what is wrong with it") {
    Config config;
    CHECK(refusal(validate(config, false)) == "/peers: expected at least one peer");
    config.peers = {{NodeId{1}, {"a", 1}}, {NodeId{2}, {"b", 0}}};
    CHECK(refusal(validate(config, false)) == "/peers/1/address: expected a port from 1 to 65535, got 0");
    config.peers.pop_back();
    config.peers.front().id = kNobody;
    CHECK(validate(config, false).ok());
    CHECK(refusal(validate(config, true)) ==
          "/peers/0/id: expected a whole number from 1 to 4294967295, got 0 (\"whoever answers\" is for clients)");
    config.peers.front().id = NodeId{1};
    config.peer_public_keys[NodeId{5}] = kKey;
    CHECK(refusal(validate(config, false)) ==
          "/peers: a public key is given for node 5, which is not among the peers 1");
    config.peer_public_keys.clear();
    config.retries = 5'000;
    CHECK(refusal(validate(config, false)) == "/client/retries: expected at most 1000, got 5000");
    config.retries = 8;
    CHECK(validate(config, false).ok());
  }

  TEST_CASE("a cluster of one may ask the system for its port") {
    Config config;
    config.node_id = NodeId{1};
    config.peers = {{NodeId{1}, {"127.0.0.1", 0}}};
    CHECK(validate(config, true).ok());
    CHECK(listen_address(config) == Address{"127.0.0.1", 0});
  }

  TEST_CASE("timings out of all proportion are refused before they can overflow") {
    ElectionTiming timing;
    CHECK(validate_timing(timing).ok());
    timing.heartbeat = std::chrono::milliseconds::max();
    CHECK(refusal(validate_timing(timing)) ==
          "/election/heartbeat_ms: expected at most 3600000, got 9223372036854775807");
    timing = ElectionTiming{};
    timing.stagger = -1ms;
    CHECK(refusal(validate_timing(timing)) == "/election/stagger_ms: expected at least 0, got -1");
  }

  TEST_CASE("what is printed can be read again and means the same") {
    for (const char* text : {"{}", kGuide, kEverything}) {
      const std::string printed = to_json(parsed(text));
      CHECK(to_json(parsed(printed)) == printed);
    }
    CHECK(to_json(parsed(kEverything)).find(R"("repair_bytes_per_second": 1000)") != std::string::npos);
    CHECK(to_json(parsed(kEverything)).find(R"("scrub_days": 7)") != std::string::npos);
    CHECK(to_json(parsed("{}")).find(R"("scrub_days": 30)") != std::string::npos);
  }

  TEST_CASE("a key is never printed") {
    const std::string printed = to_json(parsed(R"({"encryption_key": ")" + kKey + "\"}"));
    CHECK(printed.find(kKey.substr(0, 8)) == std::string::npos);
    CHECK(printed.find("\"encryption_key\": \"(set)\"") != std::string::npos);
  }
}
