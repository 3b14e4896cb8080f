#include "mutation/scripts.hpp"
#include "support/bound.hpp"
#include "support/node_ids.hpp"
#include "unit/election_stories.hpp"

namespace cloudp2p::testing {

using namespace std::chrono_literals;

namespace {

bool knows_of_five(const SimCluster& sim, std::uint32_t node) {
  return sim.status(NodeId{node}).election.membership.members.size() == 5;
}

/// Of five.
void cut_first_two_off(SimCluster& sim) {
  for (const std::uint32_t id : {3U, 4U, 5U}) {
    for (const std::uint32_t alone : {1U, 2U}) sim.cut_link(NodeId{alone}, NodeId{id}, Direction::kBoth);
  }
}

}  // namespace

Script deaf_follower() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    const NodeId leader = sim.run_until_leader(5s);
    sim.run_for(1s);
    const Term term = sim.status(leader).election.term;
    sim.cut_link(NodeId{1}, leader, Direction::kIncoming);
    sim.run_for(3s);
    sim.heal();
    sim.run_for(2s);
    return sim.status(leader).election.term == term ? "" : "a follower that was deaf for 3 s unseats the leader";
  }};
}

Script isolated_leader() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    const NodeId old = sim.run_until_leader(5s);
    sim.run_for(1s);
    sim.cut(old, Direction::kBoth);
    sim.run_for(2s);
    return sim.status(old).serving ? "a leader without a majority still says that it serves" : "";
  }};
}

Script flapping_leader() {
  const auto quick = [](SimOptions& options) {
    options.takeover = Takeover::polite;
    options.timing.takeover_delay = 500ms;
  };
  return {quick, [](SimCluster& sim, std::uint64_t) -> std::string {
    constexpr NodeId highest{3};
    constexpr int changes_max = 8;  // 0.5 s, then twice that each time: 64 s at the eighth.
    int changes = 0;
    for (const Duration end = sim.now() + 60s; sim.now() < end;) {
      if (!sim.run_until([&] { return sim.leader() == highest; }, end - sim.now())) break;
      ++changes;
      sim.crash(highest);
      sim.run_for(300ms);
      sim.restart(highest);
    }
    return changes <= changes_max ? "" : "I16: a flapping node took over " + std::to_string(changes) + " times in a minute";
  }};
}

Script unheard_leader() {
  const auto quick = [](SimOptions& options) {
    options.nodes = 5;
    options.takeover = Takeover::polite;
    options.timing.takeover_delay = 500ms;
  };
  return {quick, [](SimCluster& sim, std::uint64_t) -> std::string {
    constexpr Term terms_max = 20;
    if (sim.run_until_leader(5s) != NodeId{5}) return "the highest node does not lead";
    for (const std::uint32_t other : {1U, 2U, 3U}) sim.cut_link(NodeId{5}, NodeId{other}, Direction::kOutgoing);
    sim.run_for(2s);
    const Term before = sim.status(NodeId{4}).election.term;
    sim.run_for(60s);
    const Term terms = sim.status(NodeId{4}).election.term - before;
    return terms <= terms_max ? "" : "I16: a node that nobody hears was handed the lead, " + std::to_string(terms) + " terms in a minute";
  }};
}

Script newcomer_stands() {
  const auto four = [](SimOptions& options) { options.nodes = 4; };
  return {four, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{4}) return "the highest node does not lead";
    const Ids wanted = up_to(5);
    sim.add_node(wanted);
    for (const std::uint32_t id : {1U, 2U}) sim.disk_call_fails(NodeId{id}, DiskCall::kSaveState, true);
    sim.propose(wanted);
    const auto known = [&] { return knows_of_five(sim, 3) && knows_of_five(sim, 5); };
    if (!sim.run_until(known, 30s)) return "a node does not become a member";
    sim.run_for(100ms);
    for (const std::uint32_t id : {1U, 2U, 3U, 4U}) sim.crash(NodeId{id});
    for (const std::uint32_t id : {1U, 2U}) {
      sim.disk_call_fails(NodeId{id}, DiskCall::kSaveState, false);
      sim.restart(NodeId{id});
    }
    const bool led = sim.run_until_leader(5s) != kNobody;
    return led ? "" : "three of five members elect nobody";
  }};
}

Script removed_node_returns() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{3}) return "the highest node does not lead";
    sim.run_for(1s);
    const SimImage stray = make_image(77, 3'000);
    for (const std::uint32_t id : {1U, 3U}) sim.stall_disk(NodeId{id}, true);
    (void)sim.put(stray);
    if (!sim.run_until([&] { return sim.durable_copies(stray.digest) == 1; }, 1s)) return "no copy is made";
    sim.cut(NodeId{2}, Direction::kBoth);
    sim.restart_client(0);
    const std::vector<NodeId> two{NodeId{1}, NodeId{3}};
    for (const NodeId id : two) {
      sim.crash(id, Crash::kPowerLoss);
      sim.stall_disk(id, false);
      sim.restart(id);
      sim.edit_peers(id, two);
      sim.reload(id);
    }
    if (!sim.run_until([&] { return sim.members() == two; }, 30s)) return "a node is not removed";
    sim.heal();
    sim.run_for(10s);
    return sim.durable_copies(stray.digest) == 0 ? "" : "what was never acknowledged is taken in from a removed node";
  }};
}

Script slow_disks() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    const NodeId old = sim.run_until_leader(5s);
    sim.run_for(1s);
    for (std::uint32_t id = 1; id <= sim.size(); ++id) sim.slow_disk(NodeId{id}, 3'000);  // 150 to 450 ms for a sync
    sim.crash(old);
    const bool led = sim.run_until([&] { return sim.leader() != kNobody; }, 30s);
    return led ? "" : "nobody leads where every disk is slow";
  }};
}

LifeOf former_leader_stands() {
  return [](std::uint64_t seed) {
    const election_test::Told told = election_test::former_leader_stands(300ms + seed * 10ms);
    return Life{told.complaint, told.lasted};
  };
}

LifeOf paths_cut_for_good() {
  return [](std::uint64_t seed) {
    const election_test::Told told = election_test::paths_cut_for_good(static_cast<unsigned>(seed), false);
    return Life{told.complaint, told.lasted};
  };
}

Script two_newcomers() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    sim.run_until_leader(5s);
    sim.run_for(1s);
    sim.crash(NodeId{1});
    for (std::uint64_t salt = 1; salt <= 5; ++salt) {
      if (!sim.put_and_wait(make_image(salt, 2'000), 5s).ok()) return "an upload fails";
    }
    const Ids wanted = up_to(5);
    sim.add_node(wanted);
    sim.add_node(wanted);
    sim.propose(wanted);
    sim.run_for(8s);
    return sim.members() == wanted ? "" : "two nodes do not become members";
  }};
}

/// A fourth member, and a fifth one before the former two have saved that there is a fourth. They are a majority of three,
/// and the others one of five.
Script two_changes_at_once() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{3}) return "the highest node does not lead";
    sim.run_for(1s);
    const Ids wanted = up_to(5);
    sim.add_node(wanted);
    sim.add_node(wanted);
    for (const std::uint32_t id : {1U, 2U}) sim.slow_disk(NodeId{id}, 2'000);
    sim.propose(wanted);
    const auto known = [&] { return knows_of_five(sim, 4) && knows_of_five(sim, 5); };
    if (!sim.run_until(known, 30s)) return "two nodes do not become members";
    for (const std::uint32_t id : {1U, 2U}) {
      sim.crash(NodeId{id}, Crash::kPowerLoss);
      sim.slow_disk(NodeId{id}, 1);
      sim.restart(NodeId{id});
    }
    cut_first_two_off(sim);
    sim.run_for(5s);
    const auto serves = [&](std::uint32_t node) { return sim.status(NodeId{node}).serving; };
    const bool both = (serves(1) || serves(2)) && (serves(3) || serves(4) || serves(5));
    return both ? "two of the former members and three of the new ones have a leader each" : "";
  }};
}

Script grown_without_it() {
  return {{}, [](SimCluster& sim, std::uint64_t) -> std::string {
    sim.run_until_leader(5s);
    sim.run_for(1s);
    sim.crash(NodeId{1});
    const Ids wanted = up_to(5);
    sim.add_node(wanted);
    sim.add_node(wanted);
    for (const std::uint32_t id : {2U, 3U, 4U, 5U}) {
      sim.edit_peers(NodeId{id}, wanted);
      sim.reload(NodeId{id});
    }
    if (!sim.run_until([&] { return sim.members() == wanted; }, 10s)) return "two nodes do not become members";
    cut_first_two_off(sim);
    sim.restart(NodeId{1});
    sim.run_for(5s);
    const bool leads = sim.status(NodeId{1}).serving || sim.status(NodeId{2}).serving;
    return leads ? "two of five nodes have a leader of their own" : "";
  }};
}

/// Nodes 4 and 5 alone have the image. Node 3 leads, and can not read what node 4 holds; node 1, which has lost its
/// disk, equals it. If it counts again now, nodes 1 to 3 are a majority that knows nothing.
Script equally_empty() {
  return {five_nodes, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{5}) return "the highest node does not lead";
    sim.run_for(1s);
    for (const std::uint32_t away : {2U, 3U}) sim.crash(NodeId{away});
    if (!sim.put_and_wait(make_image(4, 2'000), 5s).ok()) return "an upload fails";
    sim.crash(NodeId{5});
    sim.crash(NodeId{1});
    sim.lose(NodeId{1}, Loss::kEverything);
    sim.cut_link(NodeId{4}, NodeId{2}, Direction::kBoth);  // so that it does not stand
    sim.disk_call_fails(NodeId{4}, DiskCall::kLookUp, true);
    for (const std::uint32_t back : {1U, 2U, 3U}) sim.restart(NodeId{back});
    sim.run_for(4s);
    sim.crash(NodeId{4});
    sim.disk_call_fails(NodeId{4}, DiskCall::kLookUp, false);
    sim.run_for(3s);
    return {};
  }};
}

/// Node 1 has lost its promises. That it counts again reaches node 1 alone, then the next leader is elected without it,
/// and its members bind nobody to that id. With nodes 2 and 3 it is no majority, whatever it takes itself for.
Script bound_by_a_lost_change() {
  return {five_nodes, [](SimCluster& sim, std::uint64_t) -> std::string {
    if (sim.run_until_leader(5s) != NodeId{5}) return "the highest node does not lead";
    sim.run_for(1s);
    sim.crash(NodeId{1});
    sim.lose(NodeId{1}, Loss::kState);
    sim.restart(NodeId{1});
    const auto unbound_at = [&](std::uint32_t node) { return sim.status(NodeId{node}).election.membership.version == 2; };
    if (!sim.run_until([&] { return unbound_at(2) && unbound_at(3) && unbound_at(4); }, 10s)) return "node 1 stays bound";
    for (const std::uint32_t other : {2U, 3U, 4U}) sim.cut_link(NodeId{5}, NodeId{other}, Direction::kOutgoing);
    if (!sim.run_until([&] { return bound_by(sim, NodeId{1}, NodeId{1}); }, 1s)) return "node 1 does not hear that it is bound again";
    sim.run_for(20ms);
    sim.cut(NodeId{1}, Direction::kBoth);
    sim.crash(NodeId{5});
    if (!sim.run_until([&] { return sim.leader() == NodeId{4}; }, 5s)) return "three of five nodes elect no leader";
    sim.run_for(300ms);
    sim.break_links(NodeId{1}, NodeId{4});
    sim.crash(NodeId{4});
    sim.heal();
    const auto leads = [&](std::uint32_t node) { return sim.status(NodeId{node}).election.role == ElectionRole::leader; };
    const bool elected = sim.run_until([&] { return leads(1) || leads(2) || leads(3); }, 5s);
    return elected ? "two of five nodes and one that is not bound elect a leader" : "";
  }};
}

}  // namespace cloudp2p::testing
