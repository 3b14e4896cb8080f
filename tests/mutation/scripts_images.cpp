#include "mutation/scripts.hpp"

namespace cloudp2p::testing {
namespace {

using namespace std::chrono_literals;

/// A leader sleeps; while it does, another is elected. `asleep` happens before it wakes up.
void leader_sleeps(SimCluster& sim, const std::function<void()>& asleep) {
  const NodeId old = sim.run_until_leader(5s);
  (void)sim.list(1);  // this client knows the old leader, and is idle from now on
  sim.run_for(100ms);
  sim.pause(old);
  sim.run_until([&] { return sim.leader() != old && sim.leader() != kNobody; }, 5s);
  asleep();
  sim.resume(old);
  sim.run_for(1s);
}

}  // namespace

Script late_upload() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    leader_sleeps(sim, [&] {
      (void)sim.put(make_image(7, 2'000), 1);
      sim.run_for(20ms);
    });
    return {};
  }};
}

Script hanging_holder() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    const NodeId leader = sim.run_until_leader(5s);
    const SimImage image = make_image(1, 300'000);
    if (!sim.put_and_wait(image, 5s).ok() || !sim.converges(5s)) return "an upload fails";
    sim.disk_call_fails(leader, DiskCall::kRead, true);
    sim.stall_disk(NodeId{1}, true);
    const auto read = sim.get(image.digest);
    sim.run_until([&] { return read.done(); }, 10s);
    sim.stall_disk(NodeId{1}, false);
    sim.disk_call_fails(leader, DiskCall::kRead, false);
    return read.ok() ? "" : "a read waits where nothing comes";
  }};
}

Script late_read() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    std::string complaint;
    leader_sleeps(sim, [&] {
      if (!sim.put_and_wait(make_image(8, 2'000), 5s).ok()) complaint = "an upload fails";
      (void)sim.list(1);
      sim.run_for(20ms);
    });
    return complaint;
  }};
}

Script late_round() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    const NodeId old = sim.run_until_leader(5s);
    for (const std::size_t client : {0U, 1U}) (void)sim.list(client);
    sim.run_for(1s);  // both clients know the old leader
    // Node 1 hears the round of the first read, and its answer is under way until the leader wakes up.
    sim.cut_link(old, NodeId{2}, Direction::kBoth);
    sim.cut_link(NodeId{1}, old, Direction::kOutgoing);
    (void)sim.list(0);
    sim.run_for(2ms);
    sim.pause(old);
    sim.run_until([&] { return sim.leader() == NodeId{2}; }, 5s);
    if (!sim.put_and_wait(make_image(9, 2'000), 5s).ok()) return "an upload fails";
    (void)sim.list(1);
    sim.run_for(50ms);
    sim.heal_link(NodeId{1}, old);
    sim.resume(old);
    sim.run_for(1s);
    return {};
  }};
}

Script sync_across_a_vote() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    const NodeId old = sim.run_until_leader(5s);
    for (std::uint32_t id = 1; id <= 3; ++id) sim.slow_disk(NodeId{id}, NodeId{id} == old ? 1 : 6'000);
    (void)sim.put(make_image(9, 2'000));
    sim.run_for(20ms);
    sim.pause(old);
    sim.run_for(2'600ms);
    sim.resume(old);
    sim.run_for(3s);
    return {};
  }};
}

Script seen_on_a_minority() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{3}) return "the highest node does not lead";
    const SimImage image = make_image(10, 2'000);
    sim.cut_link(NodeId{3}, NodeId{1}, Direction::kBoth);
    sim.slow_disk(NodeId{3}, 8'000);
    (void)sim.put(image);
    if (!sim.run_until([&] { return sim.durable_copies(image.digest) == 1; }, 2s)) return "an upload does not begin";
    sim.crash(NodeId{3}, Crash::kPowerLoss);
    sim.restart_client(0);  // Its retry would bring the image to a majority.
    sim.heal();
    sim.slow_disk(NodeId{3}, 1);
    if (sim.run_until_leader(5s) != NodeId{2}) return {};
    const auto shown = sim.list(1);
    sim.run_until([&] { return shown.done(); }, 200ms);
    sim.crash(NodeId{2});
    sim.restart(NodeId{3});
    sim.run_until_leader(5s);
    const auto later = sim.list(1);
    sim.run_until([&] { return later.done(); }, 5s);
    return {};
  }};
}

/// Node 1 has lost its state. It is not bound again, and node 2 makes nothing durable, while node 2's disk hangs.
Script learner_and_hanging_disk() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{3}) return "the highest node does not lead";
    sim.run_for(1s);
    sim.crash(NodeId{1});
    sim.lose(NodeId{1}, Loss::kState);
    sim.stall_disk(NodeId{2}, true);
    sim.restart(NodeId{1});
    sim.run_for(200ms);
    (void)sim.put(make_image(16, 2'000));
    sim.run_for(1s);
    sim.stall_disk(NodeId{2}, false);
    sim.run_for(3s);
    return {};
  }};
}

/// Node 1 acknowledges, loses its disk and is bound anew before node 3, the leader, has its own copy. Node 2 takes none.
Script copy_that_went() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{3}) return "the highest node does not lead";
    sim.run_for(1s);
    const SimImage image = make_image(17, 2'000);
    sim.disk(NodeId{2}, SimCluster::Disk::kFull);
    sim.slow_disk(NodeId{3}, 400);
    (void)sim.put(image);
    if (!sim.run_until([&] { return sim.durable_copies(image.digest) == 1; }, 1s)) return "an upload does not begin";
    sim.run_for(20ms);
    sim.crash(NodeId{1});
    sim.lose(NodeId{1}, Loss::kEverything);
    sim.restart(NodeId{1});
    sim.run_for(3s);
    sim.disk(NodeId{2}, SimCluster::Disk::kHealthy);
    return {};
  }};
}

Script promised_otherwise() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    sim.run_until_leader(5s);
    SimImage image = make_image(18, 2'000);
    image.head = make_image(19, 2'000).head;
    const auto put = sim.put(image);
    sim.run_until([&] { return put.done(); }, 10s);
    return put.ok() ? "an image is acknowledged whose bytes are not those that were promised" : "";
  }};
}

Script broken_lock() {
  const auto one_directory = [](SimOptions& options) { options.shared = true; };
  return {one_directory, [](SimCluster& sim, std::uint64_t) -> std::string {
    sim.run_until_leader(5s);
    sim.run_for(1s);
    sim.break_lock();
    return sim.put_and_wait(make_image(20, 2'000), 20s).ok() ? "" : "an upload fails";
  }};
}

Script start_in_the_dark() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    sim.run_until_leader(5s);
    const SimImage lost = make_image(21, 2'000);
    const SimImage kept = make_image(22, 2'000);
    for (const SimImage& image : {lost, kept}) {
      if (!sim.put_and_wait(image, 5s).ok()) return "an upload fails";
    }
    if (!sim.converges(5s)) return "nothing converges";
    sim.crash(NodeId{1});
    if (!sim.lose_file(NodeId{1}, lost.digest)) return "no file is lost";
    sim.disk_call_fails(NodeId{1}, DiskCall::kLookUp, true);
    sim.restart(NodeId{1});
    sim.run_for(20ms);
    sim.disk_call_fails(NodeId{1}, DiskCall::kLookUp, false);
    return {};
  }};
}

Script greedy_clients() {
  const auto many = [](SimOptions& options) { options.clients = 120; };
  return {many, [](SimCluster& sim, std::uint64_t) -> std::string {
    sim.run_until_leader(5s);
    for (std::uint32_t id = 1; id <= 3; ++id) sim.slow_disk(NodeId{id}, 1'000);
    for (std::size_t client = 0; client < sim.client_count(); ++client) {
      (void)sim.put(make_image(100 + client, 1'000'000), client);
    }
    sim.run_for(3s);
    return {};
  }};
}

}  // namespace cloudp2p::testing
