// Members come and go: edited files and SIGHUP, on real processes.
#include "scenario/cluster.hpp"
#include "support/node_ids.hpp"
#include "support/silent_log.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <atomic>
#include <filesystem>
#include <thread>

using namespace scenario;
using cloudp2p::ClusterView;
using cloudp2p::kNobody;
using cloudp2p::MemberView;
using cloudp2p::NodeId;
using cloudp2p::Result;

namespace {

ClusterOptions five_machines() {
  ClusterOptions options;
  options.nodes = 5;
  options.start = false;
  options.settings = R"("election":{"takeover_delay_ms":1000})";
  return options;
}

void start(Cluster& cluster, const Ids& ids) {
  for (const NodeId id : ids) cluster.start(id);
}

/// Everybody in `running` reads a file that lists `listed`.
void propose(Cluster& cluster, const Ids& listed, const Ids& running) {
  cluster.list_peers(listed);
  for (const NodeId id : running) cluster.signal(id, SIGHUP);
}

/// The leader says that these are the members, that all of them are there, and that no change is left to do.
bool members_become(Cluster& cluster, const Ids& wanted) {
  std::string last;
  const bool there = eventually([&] {
    const Result<ClusterView> view = cluster.client().members();
    if (!view.ok()) return last = view.error().text(), false;
    Ids members;
    last = "leader " + to_string(view->leader) + ", " + view->change;
    bool whole = view->answered_by == view->leader && view->change.empty();
    for (const MemberView& member : view->members) {
      if (!member.member) continue;
      members.push_back(member.id);
      last += ", member " + to_string(member.id);
      whole = whole && member.voter && member.reachable && member.report.missing == 0 && !member.other_file;
    }
    return whole && members == wanted;
  });
  if (!there) MESSAGE(last);
  return there;
}

/// One client that stores one new image after the other.
class Uploads {
 public:
  explicit Uploads(Cluster& cluster) {
    auto opened = cloudp2p::ClientHost::open(cluster.client_config(), log_);
    REQUIRE(opened.ok());
    host_ = std::move(*opened);
    thread_ = std::thread([this] { send(); });
  }
  ~Uploads() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] unsigned stored() const { return stored_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void send() {
    for (unsigned seed = 1; !stopping_; ++seed) {
      const auto outcome = host_->upload(source_of("load.jpg", picture(20'000, 10'000 + seed)));
      if (outcome.ok()) ++stored_;
      if (!outcome.ok() && failure_.empty()) failure_ = outcome.error().text();
    }
  }

  support::SilentLog log_;
  std::unique_ptr<cloudp2p::ClientHost> host_;
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> stored_{0};
  std::string failure_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("3, 4, 5, 4, 3 nodes by edited files and SIGHUP, and no upload fails meanwhile") {
  Cluster cluster(five_machines());
  cluster.list_peers(up_to(3));
  start(cluster, up_to(3));
  REQUIRE(cluster.wait_for_leader() != kNobody);
  Uploads uploads(cluster);
  for (const std::uint32_t nodes : {4U, 5U}) {
    cluster.list_peers(up_to(nodes));
    cluster.start(NodeId{nodes});
    propose(cluster, up_to(nodes), up_to(nodes - 1));
    REQUIRE(members_become(cluster, up_to(nodes)));
  }
  for (const std::uint32_t nodes : {4U, 3U}) {
    propose(cluster, up_to(nodes), up_to(nodes + 1));
    REQUIRE(members_become(cluster, up_to(nodes)));
    CHECK(eventually([&] { return cluster.log(NodeId{nodes + 1}).find("this node is no member of the cluster") != std::string::npos; }));
    CHECK(cluster.stop(NodeId{nodes + 1}) == 0);
  }
  const unsigned before = uploads.stored();
  CHECK(eventually([&] { return uploads.stored() > before; }));
  uploads.stop();
  CHECK_MESSAGE(uploads.failure().empty(), uploads.failure());
  const std::size_t stored = uploads.stored();
  for (const NodeId id : up_to(3)) {
    CHECK(eventually([&] { return cluster.files_of(id).size() == stored; }));
  }
}

TEST_CASE("one node becomes three; a file that differs is named, and changes nothing; a dead node is replaced") {
  Cluster cluster(five_machines());
  cluster.list_peers(up_to(1));
  cluster.start(NodeId{1});
  REQUIRE(cluster.wait_for_leader() == NodeId{1});
  REQUIRE(put(cluster, picture(30'000, 1)).has_value());
  cluster.list_peers(up_to(3));
  start(cluster, {NodeId{2}, NodeId{3}});
  propose(cluster, up_to(3), up_to(1));
  REQUIRE(members_become(cluster, up_to(3)));
  REQUIRE(cluster.wait_until_complete(1));

  propose(cluster, up_to(2), {NodeId{1}});
  const auto named = [&] {
    const Finished table = cluster.run_client({"members"});
    return table.out.find("its file lists other nodes") != std::string::npos;
  };
  CHECK(eventually(named));
  const Finished json = cluster.run_client({"-o", "json", "members"});
  CHECK(json.out.find(R"("other_file":true)") != std::string::npos);
  CHECK(eventually([&] { return cluster.log(NodeId{1}).find("this node's file lists 1, 2, the members are 1, 2, 3") != std::string::npos; }));
  propose(cluster, up_to(3), {NodeId{1}});
  REQUIRE(members_become(cluster, up_to(3)));

  cluster.kill(NodeId{1});
  const Ids wanted = {NodeId{2}, NodeId{3}, NodeId{4}};
  cluster.list_peers(wanted);
  cluster.start(NodeId{4});
  propose(cluster, wanted, {NodeId{2}, NodeId{3}});
  REQUIRE(members_become(cluster, wanted));
  CHECK(cluster.wait_until_complete(1));
  CHECK(cluster.files_of(NodeId{4}).size() == 1);
}

TEST_CASE("a node moves to another address: the others dial it there after SIGHUP") {
  ClusterOptions options;
  options.settings = R"("election":{"takeover_delay_ms":1000})";
  Cluster cluster(options);
  REQUIRE(put(cluster, picture(30'000, 2)).has_value());
  CHECK(cluster.stop(NodeId{1}) == 0);
  cluster.move(NodeId{1});
  cluster.start(NodeId{1});
  cluster.signal(NodeId{2}, SIGHUP);
  cluster.signal(NodeId{3}, SIGHUP);
  REQUIRE(members_become(cluster, up_to(3)));
  REQUIRE(put(cluster, picture(30'000, 3)).has_value());
  CHECK(cluster.wait_until_complete(2));
}
