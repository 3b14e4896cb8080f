// Catalogs that are lost while the image files stay: of one node, and of all.
#include "sim/cluster_fixture.hpp"

#include <map>

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kImages = 12;
constexpr std::size_t kBytes = 5'000;

SimImage image(std::uint64_t salt) { return make_image(salt, kBytes); }

struct Shown {
  std::string name;
  std::int64_t time_ms = 0;
  friend bool operator==(const Shown&, const Shown&) = default;
};
std::map<Digest, Shown> listed(SimCluster& sim) {
  const auto list = sim.list();
  REQUIRE(sim.run_until([&] { return list.done(); }, 20s));
  REQUIRE(list.ok());
  std::map<Digest, Shown> out;
  for (const CatalogEntry& entry : list.value()->entries)
    out[entry.record.digest] = Shown{entry.record.name, entry.record.time_ms};
  return out;
}

void store(SimCluster& sim, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t salt = first; salt <= last; ++salt)
    REQUIRE(sim.put_and_wait(image(salt), 10s).ok());
}

void remove(SimCluster& sim, std::uint64_t salt) {
  const auto removed = sim.remove(image(salt).digest);
  REQUIRE(sim.run_until([&] { return removed.done(); }, 10s));
  REQUIRE(removed.ok());
}

/// Images 1 to kImages but 1 and 2, which are deleted; everywhere.
void fill(SimCluster& sim) {
  REQUIRE(sim.run_until_leader(5s) != kNobody);
  store(sim, 1, kImages);
  remove(sim, 1);
  remove(sim, 2);
  REQUIRE(sim.converges(30s));
}

void lose(SimCluster& sim, NodeId node, Loss what) {
  sim.crash(node);
  sim.lose(node, what);
}

void lose_all(SimCluster& sim, Loss what) {
  for (std::uint32_t id = 1; id <= sim.size(); ++id) sim.crash(NodeId{id});
  for (std::uint32_t id = 1; id <= sim.size(); ++id) sim.lose(NodeId{id}, what);
  for (std::uint32_t id = 1; id <= sim.size(); ++id) sim.restart(NodeId{id});
}

}  // namespace

TEST_CASE("a node that lost its catalog enters its files and fetches none of them") {
  for (const Loss what : {Loss::kCatalog, Loss::kIndex}) {
    CAPTURE(static_cast<int>(what));
    SimCluster sim(cluster_of(3, 31));
    fill(sim);
    lose(sim, NodeId{1}, what);
    sim.restart(NodeId{1});
    CHECK(sim.converges(30s));
    CHECK(sim.status(NodeId{1}).counters.repairs == 0);
    CHECK(sim.status(NodeId{1}).catalog.images == kImages - 2);
    require_clean(sim);
  }
}

TEST_CASE("what was stored and deleted while a node was away without its catalog is so there too") {
  SimCluster sim(cluster_of(3, 32));
  fill(sim);
  lose(sim, NodeId{1}, Loss::kCatalog);
  store(sim, kImages + 1, kImages + 2);
  remove(sim, 3);
  sim.restart(NodeId{1});
  CHECK(sim.converges(30s));
  CHECK(sim.durable_copies(image(3).digest) == 0);
  CHECK(sim.durable_copies(image(kImages + 1).digest) == 3);
  require_clean(sim);
}

TEST_CASE("the catalogs of all nodes are lost: all is listed as before, what was deleted stays so, and uploads go on") {
  for (const std::size_t nodes : {std::size_t{1}, std::size_t{3}, std::size_t{5}}) {
    CAPTURE(nodes);
    SimCluster sim(cluster_of(nodes, 33));
    fill(sim);
    const std::map<Digest, Shown> before = listed(sim);
    REQUIRE(before.size() == kImages - 2);
    lose_all(sim, Loss::kCatalog);
    REQUIRE(sim.run_until_leader(10s) != kNobody);
    REQUIRE(sim.converges(30s));
    CHECK(listed(sim) == before);
    store(sim, kImages + 1, kImages + 1);
    // Stored again: the fresh stamp is above those that came back.
    CHECK(sim.put_and_wait(image(1), 10s).ok());
    CHECK(sim.put_and_wait(image(5), 10s).ok());
    CHECK(sim.converges(30s));
    CHECK(listed(sim).size() == kImages);
    require_clean(sim);
  }
}

TEST_CASE("the catalogs of all nodes and their journals are lost: the image files are what is listed") {
  SimCluster sim(cluster_of(3, 34));
  REQUIRE(sim.run_until_leader(5s) != kNobody);
  store(sim, 1, kImages);
  const std::map<Digest, Shown> before = listed(sim);
  lose_all(sim, Loss::kIndex);
  REQUIRE(sim.converges(40s));
  const std::map<Digest, Shown> after = listed(sim);
  CHECK(after.size() == before.size());
  for (const auto& [digest, shown] : before) CHECK(after.contains(digest));
  CHECK(sim.put_and_wait(image(1), 10s).ok());
  CHECK(sim.put_and_wait(image(kImages + 1), 10s).ok());
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("a delete that a node has slept through stands, though all catalogs are lost before it returns") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SimCluster sim(cluster_of(3, seed));
    fill(sim);
    const NodeId away{static_cast<std::uint32_t>(1 + seed % 3)};
    sim.crash(away);
    remove(sim, 4);
    store(sim, kImages + 1, kImages + 3);
    remove(sim, 5);
    REQUIRE(sim.put_and_wait(image(5), 10s).ok());
    lose_all(sim, Loss::kCatalog);
    REQUIRE(sim.converges(40s));
    CHECK(sim.durable_copies(image(4).digest) == 0);
    CHECK(sim.durable_copies(image(5).digest) == 3);
    CHECK(sim.durable_copies(image(kImages + 3).digest) == 3);
    require_clean(sim);
  }
}

TEST_CASE("a node that dies while it enters its files begins again") {
  SimCluster sim(cluster_of(3, 36));
  fill(sim);
  lose(sim, NodeId{1}, Loss::kIndex);
  for (int i = 0; i < 5; ++i) {
    bool entered = false;
    sim.at_moment(NodeId{1}, Moment::kRecorded, [&] { entered = true; });
    sim.restart(NodeId{1});
    REQUIRE(sim.run_until([&] { return entered; }, 5s));
    sim.crash(NodeId{1}, Crash::kPowerLoss);
  }
  sim.restart(NodeId{1});
  CHECK(sim.converges(30s));
  require_clean(sim);
}

TEST_CASE("a node whose disk fails for a moment while it enters its files begins again, without a restart") {
  SimCluster sim(cluster_of(3, 38));
  fill(sim);
  lose(sim, NodeId{1}, Loss::kCatalog);
  sim.disk_call_fails(NodeId{1}, DiskCall::kLookUp, true);
  sim.restart(NodeId{1});
  sim.run_for(1500ms);
  sim.disk_call_fails(NodeId{1}, DiskCall::kLookUp, false);
  CHECK(sim.converges(30s));
  CHECK(sim.status(NodeId{1}).catalog.images == kImages - 2);
  sim.run_for(1s);
  sim.crash(NodeId{2});
  CHECK(sim.put_and_wait(image(kImages + 1), 10s).ok());  // It is a member again: two are a majority.
  require_clean(sim);
}

TEST_CASE("a damaged file does not become another image") {
  SimCluster sim(cluster_of(3, 37));
  fill(sim);
  sim.corrupt(NodeId{1}, image(7).digest);
  lose(sim, NodeId{1}, Loss::kIndex);
  sim.restart(NodeId{1});
  CHECK(sim.converges(30s));
  CHECK(sim.status(NodeId{1}).catalog.images == kImages - 2);
  CHECK(sim.durable_copies(image(7).digest) == 3);
  require_clean(sim);
}

TEST_CASE("of two files of one image the good one is entered, and the other is put aside") {
  for (const Loss what : {Loss::kCatalog, Loss::kIndex}) {
    CAPTURE(static_cast<int>(what));
    SimCluster sim(cluster_of(3, 39));
    fill(sim);
    // Rotten, and not erased with its image: the bytes that are stored again lie beside it.
    sim.corrupt(NodeId{1}, image(7).digest);
    sim.disk_call_fails(NodeId{1}, DiskCall::kErase, true);
    remove(sim, 7);
    REQUIRE(sim.put_and_wait(image(7), 10s).ok());
    REQUIRE(sim.run_until([&] { return sim.durable_copies(image(7).digest) == 3; }, 10s));
    sim.disk_call_fails(NodeId{1}, DiskCall::kErase, false);
    lose(sim, NodeId{1}, what);
    sim.restart(NodeId{1});
    CHECK(sim.converges(30s));
    CHECK(sim.status(NodeId{1}).counters.repairs == 0);
    require_clean(sim);
  }
}

TEST_CASE("a backup of one node, made in the middle of uploads and deletes, brings all back that it holds") {
  SimCluster sim(cluster_of(3, 38));
  fill(sim);
  const std::map<Digest, Shown> before = listed(sim);
  sim.back_up(NodeId{2});
  store(sim, kImages + 1, kImages + 2);
  for (std::uint32_t id = 1; id <= 3; ++id) {
    sim.crash(NodeId{id});
    sim.lose(NodeId{id}, id == 2 ? Loss::kSinceBackup : Loss::kEverything);
  }
  for (std::uint32_t id = 1; id <= 3; ++id) sim.restart(NodeId{id});
  REQUIRE(sim.run_until_leader(10s) != kNobody);
  CHECK(sim.run_until([&] { return sim.durable_copies(image(3).digest) == 3; }, 30s));
  CHECK(sim.run_until([&] { return listed(sim) == before; }, 30s));
}
