// Bytes that decay on a real disk: nobody is served bad ones, they come back by themselves, and scrub tells of them.
#include "fixture.hpp"

#include <cloudp2p/types.hpp>
#include <signal.h>
#include <sodium.h>

#include <filesystem>

namespace golden {
namespace {

/// A cluster that holds one image, everywhere.
struct Stored {
  explicit Stored(const std::string& settings = {}) : cluster(with(settings)) {
    cluster.start_all();
    leader = cluster.wait_for_leader();
    REQUIRE(leader != 0);
    support::write_file(cluster.folder() / "a.jpg", bytes);
    id = cluster.client({"-q", "send-image", "a.jpg"}).out.substr(0, 16);
    REQUIRE(id.size() == 16);
    REQUIRE(cluster.wait_for_repair());
  }
  [[nodiscard]] std::string file(unsigned node) const { return cluster.shared_dir(node) + "/" + id + "-a.jpg"; }
  [[nodiscard]] std::string rotten() const {
    std::string out = bytes;
    out[150'000] = static_cast<char>(out[150'000] ^ 1);
    return out;
  }
  [[nodiscard]] static support::ClusterOptions with(const std::string& settings) {
    support::ClusterOptions options = programs();
    options.settings = settings;
    return options;
  }
  /// A bit flips in the stored file itself.
  void rot(unsigned node) const { support::write_file(file(node), rotten()); }
  [[nodiscard]] std::string quarantined(unsigned node) const {
    return support::read_file(cluster.shared_dir(node) + "/.cloudp2p/quarantine/" + id + "-a.jpg");
  }

  Cluster cluster;
  const std::string bytes = support::picture(300'000, 21);
  std::string id;
  unsigned leader = 0;
};

/// A file that holds an identity; the public key.
std::string make_identity(const std::string& path) {
  std::array<std::byte, crypto_scalarmult_SCALARBYTES> secret{};
  std::array<std::byte, crypto_scalarmult_BYTES> known{};
  randombytes_buf(secret.data(), secret.size());
  crypto_scalarmult_base(reinterpret_cast<unsigned char*>(known.data()), reinterpret_cast<unsigned char*>(secret.data()));
  support::write_file(path, cloudp2p::to_hex(secret) + "\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  return cloudp2p::to_hex(known);
}

}  // namespace

TEST_CASE("a reader of a rotten copy on the leader gets good bytes, and the copy comes back by itself") {
  Stored stored;
  stored.rot(stored.leader);
  const Finished got = stored.cluster.client({"get", stored.id, "-O", "-"});
  CHECK(got.exit_status == 0);
  CHECK(got.out == stored.bytes);
  CHECK(support::eventually([&] { return stored.quarantined(stored.leader) == stored.rotten(); }));
  CHECK(support::eventually([&] { return support::read_file(stored.file(stored.leader)) == stored.bytes; }));
  REQUIRE(stored.cluster.wait_for_repair());
  const Finished verified = stored.cluster.client({"verify", "--all"});
  CHECK(verified.exit_status == 0);
  CHECK(contains(verified.out, "node 1 ok  node 2 ok  node 3 ok"));
}

TEST_CASE("scrub tells what it found on which node; with --repair it waits until all is good again") {
  Stored stored;
  const Finished clean = stored.cluster.client({"scrub"});
  CHECK(clean.exit_status == 0);
  CHECK(lines_of(clean.out).front() == "NODE  STATE  CHECKED     BYTES  DAMAGED  GONE  REPAIRED  OLDEST VERIFICATION");
  CHECK(contains(clean.out, "   1  done         1  300.0 kB        0     0         0  20"));
  CHECK(clean.err.empty());

  stored.rot(1);
  const Finished found = stored.cluster.client({"scrub"});
  CHECK(found.exit_status == 8);
  CHECK(contains(found.out, "   1  done         1  300.0 kB        1     0"));
  CHECK(contains(found.out, "   2  done         1  300.0 kB        0     0"));
  CHECK(contains(found.err, "scrub --repair waits"));
  CHECK(support::eventually([&] { return support::read_file(stored.file(1)) == stored.bytes; }));
  CHECK(stored.quarantined(1) == stored.rotten());

  REQUIRE(stored.cluster.wait_for_repair());
  stored.rot(2);
  std::filesystem::remove(stored.file(3));
  const Finished repaired = stored.cluster.client({"-o", "json", "scrub", "--repair"});
  CHECK(repaired.exit_status == 0);
  CHECK(contains(repaired.out, R"({"schema":1,"checked":3,"damaged":2,"repaired":2,"unchecked":0,"not_asked":0,"nodes":[)"));
  CHECK(contains(repaired.out, R"("damaged":0,"gone":1,"repaired":1,"unchecked":0,"missing":0)"));
  CHECK(support::read_file(stored.file(2)) == stored.bytes);
  CHECK(support::read_file(stored.file(3)) == stored.bytes);
  // What the others know of a node comes with its next heartbeat.
  CHECK(support::eventually([&] {
    return contains(stored.cluster.client({"-o", "json", "members"}).out, R"("damaged":1,"oldest_verified_ms":1)");
  }));
}

TEST_CASE("scrub --repair fails while an image is missing everywhere, also when it was missed before") {
  Stored stored;
  for (const unsigned node : {1U, 2U, 3U}) stored.rot(node);
  CHECK(stored.cluster.client({"verify", stored.id}).exit_status == 8);
  const Finished info = stored.cluster.client({"info", stored.id});
  CHECK(contains(info.out, "The leader does not hold the bytes now"));
  const Finished repair = stored.cluster.client({"--timeout", "3s", "scrub", "--repair"});
  CHECK(repair.exit_status == 8);
  CHECK(contains(repair.err, "`members` shows what is missing where"));
}

TEST_CASE("scrub says which node could not be asked, and what its flags are") {
  Stored stored;
  stored.cluster.kill(1);
  const Finished partly = stored.cluster.client({"scrub"});
  CHECK(partly.exit_status == 5);
  CHECK(contains(partly.out, "   1  not asked"));
  CHECK(contains(partly.out, "   2  done"));
  CHECK(contains(partly.err, "node 1 at"));
  CHECK(stored.cluster.client({"scrub", "--stop"}).exit_status == 5);
  CHECK(stored.cluster.client({"scrub", "--stop", "--repair"}).exit_status == 2);
  CHECK(contains(stored.cluster.client({"scrub", "--help"}).out, "Needs the right \"admin\""));
  CHECK(contains(stored.cluster.client({"info", stored.id}).out, "\nchecked 20"));
}

TEST_CASE("a file that was cut short while its node was down is kept in the quarantine, and replaced") {
  Stored stored;
  stored.cluster.kill(1);
  support::write_file(stored.file(1), stored.bytes.substr(0, 1'000));
  stored.cluster.start(1);
  CHECK(support::eventually([&] { return stored.quarantined(1) == stored.bytes.substr(0, 1'000); }));
  CHECK(support::eventually([&] { return support::read_file(stored.file(1)) == stored.bytes; }));
}

TEST_CASE("Ctrl-C ends the command, not the scrub; another client joins it, and --stop ends it; a restarted node begins again") {
  Stored stored(R"(,"store":{"scrub_bytes_per_second":150000})");
  for (unsigned i = 0; i < 12; ++i)
    support::write_file(stored.cluster.folder() / ("more" + std::to_string(i) + ".jpg"), support::picture(100'000, 100 + i));
  for (unsigned i = 0; i < 12; ++i)
    REQUIRE(stored.cluster.client({"send-image", "more" + std::to_string(i) + ".jpg"}).exit_status == 0);
  REQUIRE(stored.cluster.wait_for_repair());
  const auto begun = [&](unsigned node, const char* images) {
    return contains(stored.cluster.process(node).err(), std::string("scrub of everything: ") + images);
  };

  Process scrub(stored.cluster.client_launch({"scrub"}));
  REQUIRE(support::eventually([&] { return begun(1, "13 images"); }));
  scrub.signal(SIGINT);
  CHECK(scrub.wait() == 130);
  CHECK(contains(scrub.err(), "The nodes go on"));
  CHECK(contains(scrub.out(), "   1  running"));
  const Finished ended = stored.cluster.client({"scrub", "--stop"});
  CHECK(ended.exit_status == 0);
  CHECK(contains(ended.out, "   1  stopped"));
  CHECK(begun(1, "stopped"));

  Process again(stored.cluster.client_launch({"scrub"}));
  const unsigned follower = stored.leader == 1 ? 2 : 1;
  REQUIRE(support::eventually([&] {
    const std::string log = stored.cluster.process(follower).err();
    return contains(log.substr(std::min(log.size(), log.rfind("stopped"))), "scrub of everything: 13 images");
  }));
  stored.cluster.kill(follower);
  stored.cluster.start(follower);
  CHECK(again.wait() == 0);
  CHECK(begun(follower, "13 images checked"));
}

TEST_CASE("a client without the right admin may look at everything, and scrub nothing") {
  const TemporaryFolder keys;
  const auto client_of = [&](const std::string& name, const char* right) {
    return R"({"name":")" + name + R"(","rights":[")" + right + R"("],"public_key":")" + make_identity(keys / name) + R"("})";
  };
  support::ClusterOptions options = programs(1);
  const std::string node_key = make_identity(keys / "node");
  options.settings = R"(,"identity_file":")" + (keys / "node") + R"(","clients":[)" + client_of("reader", "read") + "," +
                     client_of("keeper", "admin") + "]";
  Cluster cluster(std::move(options));
  cluster.start_all();
  const auto as = [&](const std::string& name, std::vector<std::string> command) {
    support::write_file(keys / "client.json", R"({"peers":[{"id":1,"address":")" + cluster.address(1) + R"(","public_key":")" +
                                                  node_key + R"("}],"identity_file":")" + (keys / name) + R"("})");
    command.insert(command.begin(), {"--config", keys / "client.json"});
    return cluster.client(std::move(command));
  };
  REQUIRE(support::eventually([&] { return as("reader", {"discover"}).exit_status == 0; }));
  const Finished refused = as("reader", {"scrub"});
  CHECK(refused.exit_status == 4);
  CHECK(contains(refused.err, "this key may not send Scrub"));
  CHECK(as("reader", {"list"}).exit_status == 0);
  CHECK(as("keeper", {"scrub"}).exit_status == 0);
  CHECK(as("keeper", {"list"}).exit_status == 4);
}

}  // namespace golden
