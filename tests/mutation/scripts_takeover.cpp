#include "mutation/scripts.hpp"
#include "support/bound.hpp"
#include "support/node_ids.hpp"

namespace cloudp2p::testing {

using namespace std::chrono_literals;

namespace {

/// A client with a short time-out tries again.
bool uploads_within(SimCluster& sim, Duration patience) {
  const Duration until = sim.now() + patience;
  for (std::uint64_t salt = 101; sim.now() < until; ++salt) {
    if (sim.put_and_wait(make_image(salt, 2'000), until - sim.now()).ok()) return true;
  }
  return false;
}

template <Takeover kTakeover>
void five_nodes_that(SimOptions& options) {
  options.nodes = 5;
  options.takeover = kTakeover;
}

/// Of those that the leader reaches too few have room: nodes 1 and 2 it does not hear, and node 4 is full.
bool leave_lonely(SimCluster& sim, NodeId leader) {
  if (sim.run_until_leader(5s) != leader) return false;
  sim.run_for(1s);
  for (std::uint32_t id = 1; id <= 2; ++id) sim.cut_link(leader, NodeId{id}, Direction::kBoth);
  sim.disk(NodeId{4}, SimCluster::Disk::kFull);
  return true;
}

}  // namespace

Script hung_takeover() {
  return {five_nodes, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{5}) return "the highest node does not lead";
    sim.run_for(1s);
    sim.at_moment(NodeId{4}, Moment::kLeading, [&sim] { sim.stall_disk(NodeId{4}, true); });
    sim.crash(NodeId{5});
    const bool served = sim.run_until([&] { return sim.leader() == NodeId{3} && sim.status(NodeId{3}).serving; }, 25s);
    sim.stall_disk(NodeId{4}, false);
    return served ? "" : "a leader whose disk hangs stays";
  }};
}

Script failing_catalog() {
  const auto patient = [](SimOptions& options) { options.client_timeout = 30s; };
  return {patient, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{3}) return "the highest node does not lead";
    sim.run_for(1s);
    sim.disk_call_fails(NodeId{3}, DiskCall::kLookUp, true);
    const auto listed = sim.list();
    const bool answered = sim.run_until([&] { return listed.done(); }, 25s) && listed.ok();
    sim.disk_call_fails(NodeId{3}, DiskCall::kLookUp, false);
    return answered ? "" : "a leader whose catalog can not be read stays";
  }};
}

Script bad_page() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{3}) return "the highest node does not lead";
    sim.crash(NodeId{3});
    if (sim.run_until_leader(5s) != NodeId{2}) return "the next one does not lead";
    for (std::uint64_t salt = 1; salt <= 40; ++salt) (void)sim.put_and_wait(make_image(salt, 2'000), 5s);
    for (const std::uint32_t id : {1U, 2U}) sim.crash(NodeId{id});
    for (const std::uint32_t id : {1U, 3U}) sim.restart(NodeId{id});
    sim.disk_call_fails(NodeId{3}, DiskCall::kLookUpSome, true);
    sim.run_for(2s);
    sim.restart(NodeId{2});
    const bool stored = uploads_within(sim, 40s);
    sim.disk_call_fails(NodeId{3}, DiskCall::kLookUpSome, false);
    return stored ? "" : "a leader of whose catalog one page can not be read stays";
  }};
}

Script failing_voter() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{3}) return "the highest node does not lead";
    sim.run_for(1s);
    for (std::uint64_t salt = 1; salt <= 20; ++salt) (void)sim.put_and_wait(make_image(salt, 2'000), 5s);
    sim.disk_call_fails(NodeId{1}, DiskCall::kRecord, true);
    for (std::uint64_t salt = 21; salt <= 30; ++salt) (void)sim.put_and_wait(make_image(salt, 2'000), 5s);
    sim.disk_call_fails(NodeId{1}, DiskCall::kLookUp, true);
    sim.link(NodeId{2}, NodeId{3}, {.delay = 20ms});
    sim.pause(NodeId{3});
    sim.run_until([&] { return sim.leader() == NodeId{2}; }, 3s);
    sim.resume(NodeId{3});
    const bool stored = sim.put_and_wait(make_image(31, 2'000), 20s).ok();
    sim.disk_call_fails(NodeId{1}, DiskCall::kLookUp, false);
    sim.disk_call_fails(NodeId{1}, DiskCall::kRecord, false);
    sim.crash(NodeId{1});
    return stored ? "" : "a voter whose catalog can not be read keeps a takeover from ending";
  }};
}

Script silent_voter() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{3}) return "the highest node does not lead";
    sim.run_for(1s);
    sim.disk(NodeId{1}, SimCluster::Disk::kFull);
    if (!sim.put_and_wait(make_image(1, 2'000), 5s).ok()) return "no upload succeeds beside a full disk";
    sim.link(NodeId{2}, NodeId{3}, {.delay = 30ms});  // Node 1 is asked first.
    sim.at_moment(NodeId{2}, Moment::kLeading, [&sim] { sim.stall_disk(NodeId{1}, true); });
    (void)sim.step_down();
    if (!sim.run_until([&] { return sim.status(NodeId{2}).election.role == ElectionRole::leader; }, 5s)) return "it leads on";
    sim.run_for(300ms);
    sim.cut_link(NodeId{2}, NodeId{3}, Direction::kOutgoing);
    sim.run_for(400ms);
    sim.stall_disk(NodeId{1}, false);
    sim.disk(NodeId{1}, SimCluster::Disk::kHealthy);
    return uploads_within(sim, 10s) ? "" : "a takeover waits for a voter that is silent, and another one answers";
  }};
}

Script full_leader() {
  return {five_nodes, [](SimCluster& sim, std::uint64_t) -> std::string {
    const NodeId leader = sim.run_until_leader(5s);
    sim.run_for(1s);
    for (std::uint32_t id = 1; id <= 3; ++id) sim.link(NodeId{4}, NodeId{id}, {.delay = 400ms});
    sim.disk(leader, SimCluster::Disk::kFull);
    const bool stored = sim.put_and_wait(make_image(1, 2'000), 20s).ok();
    sim.disk(leader, SimCluster::Disk::kHealthy);
    return stored ? "" : "a leader without room stays, and no upload succeeds";
  }};
}

Script hanging_follower() {
  return {five_nodes, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{5}) return "the highest node does not lead";
    sim.run_for(1s);
    for (std::uint32_t id = 1; id <= 2; ++id) sim.cut_link(NodeId{5}, NodeId{id}, Direction::kBoth);
    sim.stall_disk(NodeId{4}, true);
    const bool stored = uploads_within(sim, 40s);
    sim.stall_disk(NodeId{4}, false);
    return stored ? "" : "a leader waits for a follower whose disk hangs, and no upload succeeds";
  }};
}

Script stuck_takeover() {
  return {five_nodes, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{5}) return "the highest node does not lead";
    sim.run_for(1s);
    sim.crash(NodeId{3});
    for (std::uint64_t salt = 1; salt <= 20; ++salt) (void)sim.put_and_wait(make_image(salt, 2'000), 5s);
    for (const auto& [a, b] : {std::pair{5U, 1U}, {5U, 4U}, {4U, 3U}, {4U, 1U}, {3U, 1U}}) {
      sim.cut_link(NodeId{a}, NodeId{b}, Direction::kBoth);
    }
    for (const std::uint32_t id : {1U, 2U, 4U}) sim.pause(NodeId{id});
    for (const std::uint32_t id : {5U, 3U}) sim.crash(NodeId{id}), sim.restart(NodeId{id});
    sim.run_for(20ms);  // They know what they have.
    sim.disk_call_fails(NodeId{3}, DiskCall::kLookUp, true);
    sim.run_for(80ms);
    for (const std::uint32_t id : {1U, 2U, 4U}) sim.resume(NodeId{id});
    if (!sim.run_until([&] { return sim.status(NodeId{5}).election.role == ElectionRole::leader; }, 5s)) {
      return "the highest node does not lead again";
    }
    const bool stored = uploads_within(sim, 40s);
    sim.disk_call_fails(NodeId{3}, DiskCall::kLookUp, false);
    sim.heal();
    return stored ? "" : "a leader that can not take over stays, and no upload succeeds";
  }};
}

Script lonely_leader() {
  return {five_nodes_that<Takeover::polite>, [](SimCluster& sim, std::uint64_t) -> std::string {
    const NodeId highest{5};
    if (!leave_lonely(sim, highest)) return "the highest node does not lead";
    if (!sim.put_and_wait(make_image(1, 2'000), 30s).ok()) return "a leader that reaches too few with room stays, and no upload succeeds";
    if (sim.run_until([&] { return sim.leader() == highest; }, 60s)) return "who reaches too few with room leads again";
    sim.disk(NodeId{4}, SimCluster::Disk::kHealthy);
    sim.heal();
    return sim.run_until([&] { return sim.leader() == highest; }, 60s) ? "" : "the highest node does not lead again";
  }};
}

Script early_asker() {
  return {five_nodes_that<Takeover::immediate>, [](SimCluster& sim, std::uint64_t) -> std::string {
    const NodeId highest{5};
    if (!leave_lonely(sim, highest)) return "the highest node does not lead";
    // The full one answers later than the asker: who has just been elected hears it last.
    LinkProfile late;
    late.delay = 80ms;
    for (std::uint32_t id = 1; id <= 3; ++id) sim.link(NodeId{4}, NodeId{id}, late);
    sim.run_for(4s);  // Nothing is stored before the leader knows whom it reaches: all catalogs stay equal.
    if (!sim.put_and_wait(make_image(1, 2'000), 10s).ok()) return "who reaches too few with room is handed the lead by each in turn";
    if (sim.run_until([&] { return sim.leader() == highest; }, 30s)) return "who reaches too few with room leads again";
    sim.disk(NodeId{4}, SimCluster::Disk::kHealthy);
    sim.heal();
    return "";
  }};
}

Script mended_unseen() {
  return {five_nodes, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{5}) return "the highest node does not lead";
    sim.run_for(1s);
    sim.disk(NodeId{1}, SimCluster::Disk::kIo);
    if (!sim.put_and_wait(make_image(1, 2'000), 5s).ok()) return "an upload fails";
    sim.run_for(1s);  // All know that its disk has failed.
    sim.cut_link(NodeId{5}, NodeId{1}, Direction::kBoth);
    sim.crash(NodeId{2});
    sim.crash(NodeId{1});
    sim.disk(NodeId{1}, SimCluster::Disk::kHealthy);
    sim.restart(NodeId{1});
    sim.disk(NodeId{4}, SimCluster::Disk::kFull);
    const bool stored = uploads_within(sim, 30s);
    sim.disk(NodeId{4}, SimCluster::Disk::kHealthy);
    sim.heal();
    sim.restart(NodeId{2});
    return stored ? "" : "a leader believes what a node said long ago, and no upload succeeds";
  }};
}

}  // namespace cloudp2p::testing
