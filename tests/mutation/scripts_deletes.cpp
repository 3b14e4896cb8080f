#include "mutation/scripts.hpp"

namespace cloudp2p::testing {

using namespace std::chrono_literals;

Script repeated_delete() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    const SimImage image = make_image(11, 2'000);
    const NodeId leader = sim.run_until_leader(5s);
    if (!sim.put_and_wait(image, 5s).ok()) return "an upload fails";
    bool lost = false;
    sim.at_moment(leader, Moment::kAcknowledged, [&] {
      sim.crash(leader, Crash::kPowerLoss);
      sim.pause_client(0);
      lost = true;
    });
    const auto removed = sim.remove(image.digest, 0);
    if (!sim.run_until([&] { return lost; }, 5s)) return "a delete is not acknowledged";
    sim.run_until_leader(5s);
    const auto looked = sim.info(image.digest, 1);
    sim.run_until([&] { return looked.done(); }, 5s);
    if (!sim.put_and_wait(image, 5s, 1).ok()) return "an upload fails";
    sim.resume_client(0);
    sim.run_until([&] { return removed.done(); }, 10s);
    const auto later = sim.info(image.digest, 1);
    sim.run_until([&] { return later.done(); }, 5s);
    return {};
  }};
}

/// A leader with a slow disk is landing an image when its file, as that of a deleted one, is due to leave: within the next
/// heartbeat, so each life stores it again a little later than the one before.
Script stored_again_while_it_leaves() {
  return {{}, [](SimCluster& sim, std::uint64_t seed) -> std::string {
    const NodeId leader = sim.run_until_leader(5s);
    const SimImage image = make_image(12, 20'000);
    if (!sim.put_and_wait(image, 5s, 1).ok()) return "an upload fails";
    const auto removed = sim.remove(image.digest, 0);
    if (!sim.run_until([&] { return removed.done(); }, 5s)) return "a delete is not answered";
    sim.slow_disk(leader, 300);
    sim.run_for(seed * 6ms);
    if (!sim.put_and_wait(image, 5s, 1).ok()) return "an upload fails";
    sim.run_for(200ms);
    return {};
  }};
}

Script many_land_late() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    constexpr std::uint64_t kMany = 300;
    if (sim.run_until_leader(5s) != NodeId{3}) return "the highest node does not lead";
    sim.run_for(1s);
    sim.slow_disk(NodeId{1}, 16'000);  // what it is given now takes up to 1.5 s, and so does committing it
    std::vector<SimResult<UploadOutcome>> uploads;
    for (std::uint64_t salt = 1; salt <= kMany; ++salt) uploads.push_back(sim.put(make_image(salt, 2'000)));
    for (const auto& upload : uploads) sim.run_until([&] { return upload.done(); }, 40s);
    sim.run_for(1s);
    sim.crash(NodeId{3});
    sim.slow_disk(NodeId{1}, 1);
    if (sim.run_until_leader(5s) != NodeId{2}) return "the next one does not lead";
    std::vector<SimResult<ImageRecord>> removals;
    for (std::uint64_t salt = 1; salt <= kMany; ++salt) removals.push_back(sim.remove(make_image(salt, 2'000).digest));
    for (const auto& removed : removals) sim.run_until([&] { return removed.done(); }, 10s);
    return {};
  }};
}

/// The tombstone is on one follower when the leader and the other one lose power. Those two go on without it: the image is
/// there, and a reader sees it. When the follower is back the image must not vanish.
Script failed_delete_returns() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    const SimImage image = make_image(13, 2'000);
    const NodeId leader = sim.run_until_leader(5s);
    if (leader != NodeId{3} || !sim.put_and_wait(image, 5s).ok() || !sim.converges(5s)) return "an upload fails";
    for (const NodeId slow : {NodeId{2}, NodeId{3}}) sim.slow_disk(slow, 8'000);
    bool recorded = false;
    sim.at_moment(NodeId{1}, Moment::kRecorded, [&] { recorded = true; });
    (void)sim.remove(image.digest);
    if (!sim.run_until([&] { return recorded; }, 5s)) return "a delete does not begin";
    sim.crash(NodeId{3}, Crash::kPowerLoss);
    sim.crash(NodeId{2}, Crash::kPowerLoss);
    sim.restart_client(0);
    sim.cut(NodeId{1}, Direction::kBoth);
    for (const NodeId other : {NodeId{2}, NodeId{3}}) {
      sim.slow_disk(other, 1);
      sim.restart(other);
    }
    sim.run_until_leader(5s);
    const auto before = sim.info(image.digest, 1);
    sim.run_until([&] { return before.done(); }, 5s);
    sim.heal();
    if (!sim.converges(10s)) return "the nodes do not become equal";
    const auto after = sim.info(image.digest, 1);
    sim.run_until([&] { return after.done(); }, 5s);
    return before.ok() && !after.ok() ? "an image that was seen vanishes: a delete that had failed comes back" : "";
  }};
}

/// The image is on nodes 1 and 3, the tombstone of a delete that failed on node 1. Node 2 learns that the image is there,
/// and before it has the bytes node 3 loses its disk: only node 1 has them.
Script tombstone_that_lost() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    const SimImage image = make_image(15, 200'000);
    if (sim.run_until_leader(5s) != NodeId{3}) return "the highest node does not lead";
    sim.run_for(1s);
    sim.crash(NodeId{2});
    if (!sim.put_and_wait(image, 5s).ok()) return "an upload fails";
    sim.slow_disk(NodeId{3}, 8'000);
    bool recorded = false;
    sim.at_moment(NodeId{1}, Moment::kRecorded, [&] { recorded = true; });
    (void)sim.remove(image.digest);
    if (!sim.run_until([&] { return recorded; }, 5s)) return "a delete does not begin";
    sim.run_for(250ms);
    sim.crash(NodeId{3}, Crash::kPowerLoss);
    sim.restart_client(0);
    sim.cut(NodeId{1}, Direction::kBoth);
    sim.slow_disk(NodeId{3}, 1);
    sim.link(NodeId{2}, NodeId{3}, LinkProfile{{}, 20'000'000, true});
    sim.restart(NodeId{3});
    sim.restart(NodeId{2});
    sim.run_until_leader(8s);
    const auto before = sim.info(image.digest, 1);
    sim.run_until([&] { return before.done(); }, 5s);
    sim.crash(NodeId{3});
    sim.lose(NodeId{3}, Loss::kEverything);
    sim.heal();
    sim.run_until_leader(5s);
    sim.run_for(3s);
    const auto after = sim.get(image.digest, 1);
    sim.run_until([&] { return after.done(); }, 5s);
    return before.ok() && !after.ok() ? "an image that was seen can not be read: its last bytes are gone" : "";
  }};
}

Script backup_returns() {
  const auto forgetful = [](SimOptions& options) { options.tombstone_age = 1s; };
  return {forgetful, [](SimCluster& sim, std::uint64_t) -> std::string {
    constexpr NodeId restored{1};
    const SimImage image = make_image(14, 2'000);
    sim.run_until_leader(5s);
    if (!sim.put_and_wait(image, 5s).ok() || !sim.converges(5s)) return "an upload fails";
    sim.back_up(restored);
    const auto removed = sim.remove(image.digest);
    sim.run_for(5s);
    if (!removed.ok()) return "a delete fails";
    sim.crash(restored);
    sim.lose(restored, Loss::kSinceBackup);
    sim.restart(restored);
    if (!sim.converges(10s)) return "the nodes do not become equal";
    const auto later = sim.info(image.digest, 1);
    sim.run_until([&] { return later.done(); }, 5s);
    return later.ok() ? "a deleted image comes back with a backup" : "";
  }};
}

/// Node 4 has read no watermark since it started.
Script backup_meets_new_leader() {
  const auto forgetful = [](SimOptions& options) {
    options.nodes = 5;
    options.tombstone_age = 1s;
  };
  return {forgetful, [](SimCluster& sim, std::uint64_t) -> std::string {
    const SimImage image = make_image(14, 2'000);
    if (sim.run_until_leader(5s) != NodeId{5}) return "the highest node does not lead";
    if (!sim.put_and_wait(image, 5s).ok() || !sim.converges(5s)) return "an upload fails";
    sim.back_up(NodeId{1});
    const auto removed = sim.remove(image.digest);
    sim.run_for(5s);
    if (!removed.ok()) return "a delete fails";
    sim.crash(NodeId{4});
    sim.restart(NodeId{4});
    sim.run_for(2s);
    sim.crash(NodeId{1});
    sim.lose(NodeId{1}, Loss::kSinceBackup);
    sim.at_moment(NodeId{4}, Moment::kLeading, [&sim] { sim.disk_call_fails(NodeId{4}, DiskCall::kLookUp, true); });
    sim.crash(NodeId{5});
    sim.run_for(2s);
    sim.disk_call_fails(NodeId{4}, DiskCall::kLookUp, false);
    for (const std::uint32_t id : {1U, 5U}) sim.restart(NodeId{id});
    if (!sim.converges(10s)) return "the nodes do not become equal";
    const auto later = sim.info(image.digest);
    sim.run_until([&] { return later.done(); }, 5s);
    return later.ok() ? "a deleted image comes back with a backup" : "";
  }};
}

Script two_led_one_term() {
  const auto options = [](SimOptions& out) {
    out.nodes = 2;
    out.quorum = Quorum::none;
  };
  return {options, [](SimCluster& sim, std::uint64_t) -> std::string {
    const auto leads = [&](NodeId node) { return sim.running(node) && sim.status(node).serving; };
    sim.cut(NodeId{1}, Direction::kBoth);
    sim.cut_clients(NodeId{1});
    if (!sim.run_until([&] { return leads(NodeId{1}) && leads(NodeId{2}); }, 10s)) return "two that are cut off do not both lead";
    const SimImage image = make_image(1, 2'000);
    if (!sim.put_and_wait(image, 10s).ok()) return "an upload fails";
    sim.crash(NodeId{2});
    sim.heal();
    sim.restart(NodeId{2});
    if (!sim.converges(20s)) return "what the other stored is not taken in";
    const auto removed = sim.remove(image.digest);
    sim.run_until([&] { return removed.done(); }, 10s);
    sim.run_for(3s);
    const auto listed = sim.list();
    sim.run_until([&] { return listed.done(); }, 10s);
    return removed.ok() && listed.ok() && listed.value()->entries.empty() ? "" : "an image that was deleted is listed";
  }};
}

}  // namespace cloudp2p::testing
