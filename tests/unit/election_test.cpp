// Stories about elections; the numbers are the rules of docs/protocol.md, "Election".
#include "election_stories.hpp"

#include <doctest/doctest.h>

using namespace election_test;

namespace {

/// Three nodes (or more) that follow the highest.
Cluster running(Setup setup = {}) {
  Cluster cluster(setup);
  cluster.boot_all();
  REQUIRE(cluster.run_until([&] { return cluster.settled_on(setup.nodes); }, 3s));
  cluster.run_for(300ms);
  return cluster;
}

}  // namespace

TEST_CASE("election, rule 8: three blank nodes started together found one cluster under the highest") {
  Cluster cluster({});
  cluster.boot_all();
  const auto took = cluster.run_until([&] { return cluster.settled_on(3); }, 1300ms);
  REQUIRE(took);
  CHECK(*took < 600ms);
  CHECK(cluster.view(1).cluster == cluster.view(3).cluster);
  CHECK(cluster.view(3).membership.members.size() == 3);
  CHECK_FALSE(cluster.leads_seen().front().higher_silent);
  CHECK(cluster.violations().empty());
}

TEST_CASE("election: a single node founds and leads at once") {
  Cluster cluster({.nodes = 1});
  cluster.boot(1);
  CHECK(cluster.run_until([&] { return cluster.settled_on(1); }, 50ms));
}

TEST_CASE("election, rule 8: two of three found after a grace, and the late third is bound and votes") {
  Cluster cluster({});
  cluster.boot(1);
  cluster.boot(2);
  CHECK_FALSE(cluster.run_until([&] { return cluster.anybody_leads(); }, 900ms));
  REQUIRE(cluster.run_until([&] { return cluster.settled_on(2); }, 500ms));
  CHECK(cluster.view(2).membership.find(id_of(3))->incarnation.is_zero());
  cluster.boot(3);
  REQUIRE(cluster.run_until([&] { return cluster.view(3).role == ElectionRole::follower; }, 500ms));
  cluster.run_for(300ms);
  cluster.crash(2);
  CHECK(cluster.run_until([&] { return cluster.settled_on(3); }, 500ms));
}

TEST_CASE("election: a member whose membership is stale still gets a leader elected") {
  Cluster cluster({});
  cluster.boot(1);
  cluster.boot(2);
  REQUIRE(cluster.run_until([&] { return cluster.settled_on(2); }, 2s));
  cluster.crash(1);
  cluster.boot(3);
  cluster.run_for(550ms);
  cluster.crash(2);
  cluster.boot(1);
  // If node 3 was bound before 2 died, 1 does not know; if it was not, nobody may lead.
  const bool bound = cluster.view(3).role == ElectionRole::follower;
  CHECK(cluster.run_until([&] { return cluster.anybody_leads(); }, 5s).has_value() == bound);
  CHECK(cluster.violations().empty());
}

TEST_CASE("election, rule 8: a member with state wins over two that lost theirs") {
  Cluster cluster = running();
  cluster.wipe(1);
  cluster.wipe(2);
  SUBCASE("while it still leads") {}
  SUBCASE("when all start again") {
    cluster.crash(3);
    cluster.boot(3);
  }
  cluster.boot(1);
  cluster.boot(2);
  CHECK_FALSE(cluster.run_until([&] { return cluster.leads(1) || cluster.leads(2); }, 10s));
  CHECK_FALSE(cluster.leads(3));  // Two of three promises are lost: an operator has to say so.
  CHECK(cluster.view(3).membership.version == 1);
}

TEST_CASE("election: a cluster that is restarted as a whole leads within 0.7 s") {
  Cluster cluster = running();
  for (unsigned n = 1; n <= 3; ++n)
    cluster.crash(n);
  cluster.run_for(1s);
  cluster.boot_all();
  CHECK(cluster.run_until([&] { return cluster.settled_on(3); }, 700ms));
  CHECK(cluster.violations().empty());
}

TEST_CASE("election, rule 1: a leader whose port refuses is replaced by the next highest in a few round trips") {
  Cluster cluster = running();
  cluster.crash(3);
  const auto took = cluster.run_until([&] { return cluster.settled_on(2); }, 1s);
  REQUIRE(took);
  CHECK(*took < 30ms);
  CHECK(cluster.leads_seen().back().higher_silent);
}

TEST_CASE("election, rule 1: a leader that falls silent is replaced after the timeout, and finds out when it wakes") {
  Cluster cluster = running();
  cluster.freeze(3);
  const auto took = cluster.run_until([&] { return cluster.leads(2); }, 2s);
  REQUIRE(took);
  CHECK(*took > 480ms);
  CHECK(*took < 700ms);
  cluster.thaw(3);
  CHECK(cluster.run_until([&] { return cluster.settled_on(2); }, 200ms));
}

TEST_CASE("election, rule 1: a broken connection alone unseats nobody") {
  Cluster cluster = running();
  const Term term = cluster.view(3).term;
  cluster.election(1).on_peer_down(id_of(3), PeerLoss::closed, cluster.now());
  cluster.run_for(3s);
  CHECK(cluster.settled_on(3));
  CHECK(cluster.view(3).term == term);
}

TEST_CASE("election, rule 2: a half-connected higher ID blocks the others only once") {
  Cluster cluster = running({.nodes = 5});
  cluster.mute(1, 4);  // Node 4 speaks, but hears nobody but the leader.
  cluster.mute(2, 4);
  cluster.mute(3, 4);
  cluster.crash(5);
  const auto took = cluster.run_until([&] { return cluster.leads(3); }, 5s);
  REQUIRE(took);
  CHECK(*took < 2s);
}

TEST_CASE("election, rule 2: a former leader that speaks is alive: lower IDs do not stand in step with it") {
  for (Duration apart = 310ms; apart <= 600ms; apart += 10ms) {
    CAPTURE(apart.count());
    CHECK(former_leader_stands(apart).complaint == "");
  }
}

TEST_CASE("election, rule 3: two candidates that do not hear one another do not split the votes again and again") {
  Cluster cluster = running({.nodes = 5});
  cluster.separate(3, 4);
  cluster.set_far(1, 4, 20ms);  // The votes of 1 and 2 go to whoever is nearer.
  cluster.set_far(2, 3, 20ms);
  cluster.run_for(2s);
  REQUIRE(cluster.settled_on(5));
  cluster.crash(5);
  CHECK(cluster.run_until([&] { return cluster.anybody_leads(); }, 2s));
  CHECK(cluster.violations().empty());
}

TEST_CASE("election, rule 3: a candidate whose votes come too late, again and again, makes room for others") {
  // Node 1 alone hears a majority in time: 4 is far, and the others do not hear one another.
  for (Duration asleep = 700ms; asleep <= 1500ms; asleep += 100ms) {
    CAPTURE(asleep.count());
    Cluster cluster = running({.nodes = 5});
    cluster.separate(2, 3);
    cluster.separate(2, 5);
    cluster.separate(3, 5);
    for (const unsigned near : {1U, 2U, 3U, 5U}) cluster.set_far(4, near, 190ms);
    cluster.run_for(2s);
    cluster.freeze(5);
    cluster.run_for(asleep);
    cluster.thaw(5);
    CHECK(cluster.run_until([&] { return cluster.anybody_leads(); }, 15s));
    CHECK(cluster.violations().empty());
  }
}

TEST_CASE("election, rule 3: where every state file is slow, somebody leads all the same") {
  for (const Duration save : {100ms, 160ms, 220ms, 290ms}) {
    CAPTURE(save.count());
    Cluster cluster({.save = save});
    cluster.boot_all();
    REQUIRE(cluster.run_until([&] { return cluster.settled_on(3); }, 10s));
    cluster.run_for(1s);
    cluster.crash(3);
    CHECK(cluster.run_until([&] { return cluster.settled_on(2); }, 10s));
  }
}

TEST_CASE("election, rule 2: a follower that hears its leader denies the pre-vote of one that does not") {
  Cluster cluster = running();
  const Term term = cluster.view(3).term;
  cluster.mute(3, 1);
  cluster.run_for(10s);
  CHECK(cluster.leads(3));
  CHECK(cluster.view(2).leader == id_of(3));
  CHECK(cluster.view(1).term == term);  // Nothing durable changed.
}

TEST_CASE("election, rule 3: one vote per term, also over a restart") {
  DurableState disk;
  disk.incarnation.bytes[0] = std::byte{1};
  BullyOptions options;
  options.self = id_of(1);
  options.configured = {id_of(1), id_of(2), id_of(3)};
  const TimePoint now = TimePoint{} + 1h;
  const auto grants = [&](NodeId candidate) {
    BullyElection election(options, disk);
    election.start(now);
    election.on_message(VoteRequest{1, candidate, {}, false}, now);
    bool granted = false;
    for (const ElectionAction& action : election.take_actions()) {
      if (const auto* save = std::get_if<PersistState>(&action)) disk = save->state;
      if (const auto* sent = std::get_if<SendMessage>(&action)) granted = std::get<Vote>(sent->message).granted;
    }
    return granted;
  };
  CHECK(grants(id_of(2)));
  CHECK_FALSE(grants(id_of(3)));
  CHECK(grants(id_of(2)));
}

TEST_CASE("election, rule 3: the vote is in a PersistState before it is in a message") {
  DurableState disk;
  disk.incarnation.bytes[0] = std::byte{1};
  BullyOptions options;
  options.self = id_of(1);
  options.configured = {id_of(1), id_of(2)};
  BullyElection election(options, disk);
  const TimePoint now = TimePoint{} + 1h;
  election.start(now);
  election.on_message(VoteRequest{7, id_of(2), {}, false}, now);
  const auto actions = election.take_actions();
  REQUIRE(actions.size() == 2);
  REQUIRE(std::holds_alternative<PersistState>(actions[0]));
  CHECK(std::get<PersistState>(actions[0]).state.term == 7);
  CHECK(std::get<PersistState>(actions[0]).state.voted_for == id_of(2));
  CHECK(std::holds_alternative<SendMessage>(actions[1]));
}

TEST_CASE("election, rule 4: a minority never leads") {
  Cluster cluster = running({.nodes = 5});
  cluster.crash(5);
  cluster.crash(4);
  cluster.crash(3);
  CHECK_FALSE(cluster.run_until([&] { return cluster.anybody_leads(); }, 20s));
  CHECK(cluster.view(2).members_reachable == 2);
  cluster.boot(3);
  CHECK(cluster.run_until([&] { return cluster.settled_on(3); }, 2s));
}

TEST_CASE("election, rule 6: a leader cut off steps down, and the others go on without it") {
  Cluster cluster = running();
  cluster.isolate(3);
  const auto took = cluster.run_until([&] { return !cluster.leads(3); }, 2s);
  REQUIRE(took);
  CHECK(*took <= 610ms);
  CHECK(cluster.step_downs().back().reason == StepDownReason::lost_majority);
  CHECK(cluster.run_until([&] { return cluster.leads(2); }, 1s));
  cluster.heal();
  CHECK(cluster.run_until([&] { return cluster.settled_on(2); }, 1s));
}

TEST_CASE("election, rule 6: a leader whose state cannot be saved steps down and votes no more") {
  Cluster cluster = running();
  cluster.election(3).on_store_fault(cluster.now());
  CHECK(cluster.run_until([&] { return cluster.leads(2); }, 2s));
  cluster.crash(1);
  CHECK_FALSE(cluster.run_until([&] { return cluster.leads(1) || cluster.leads(3); }, 5s));
  CHECK(cluster.run_until([&] { return !cluster.leads(2); }, 2s));
}

TEST_CASE("election, rule 7: SIGTERM hands over to the best follower without a gap") {
  Cluster cluster = running();
  cluster.set_fitness(2, fit(false, 5));
  cluster.run_for(300ms);
  CHECK(cluster.transfer(3));
  const auto took = cluster.run_until([&] { return cluster.settled_on(1); }, 1s);
  REQUIRE(took);
  CHECK(*took < 30ms);
  CHECK(cluster.step_downs().back().reason == StepDownReason::resigned);
}

TEST_CASE("election, rule 7: a leader that can not write hands over by itself") {
  Cluster cluster = running();
  Fitness full;
  full.can_lead = false;
  cluster.set_fitness(3, full);
  CHECK(cluster.run_until([&] { return cluster.settled_on(2); }, 100ms));
}

TEST_CASE("election, rule 7: a higher ID that returns takes over politely, later each time that it fell") {
  Cluster cluster = running();
  for (const Duration delay : {10s, 20s, 40s}) {
    cluster.crash(3);
    REQUIRE(cluster.run_until([&] { return cluster.settled_on(2); }, 1s));
    cluster.boot(3);
    const auto took = cluster.run_until([&] { return cluster.settled_on(3); }, 60s);
    REQUIRE(took);
    CHECK(*took >= delay);
    CHECK(*took < delay + 6s);
    CHECK(cluster.step_downs().back().reason == StepDownReason::resigned);
  }
  CHECK(cluster.violations().empty());
}

TEST_CASE("election, rule 7: a higher ID that has not caught up does not ask") {
  Cluster cluster = running();
  cluster.crash(3);
  cluster.set_fitness(3, fit(false, 3));
  cluster.run_for(1s);
  cluster.boot(3);
  CHECK_FALSE(cluster.run_until([&] { return cluster.leads(3); }, 30s));
  cluster.set_fitness(3, fit(true, 0));
  CHECK(cluster.run_until([&] { return cluster.settled_on(3); }, 2s));
}

TEST_CASE("election, rule 7: takeover never, and immediate") {
  for (const Takeover takeover : {Takeover::never, Takeover::immediate}) {
    Cluster cluster = running({.takeover = takeover});
    cluster.crash(3);
    cluster.run_for(1s);
    cluster.boot(3);
    const bool taken = cluster.run_until([&] { return cluster.settled_on(3); }, 30s).has_value();
    CHECK(taken == (takeover == Takeover::immediate));
  }
}

TEST_CASE("election, rule 7: with immediate takeover, too, who is handed the lead and can not get it asks less and less often") {
  Cluster cluster = running({.nodes = 5, .takeover = Takeover::immediate});
  // 5 hears 4 and is heard by nobody else: 4 hands the lead over, and two votes are none.
  for (const unsigned other : {1U, 2U, 3U}) cluster.mute(5, other);
  cluster.run_for(60s);
  const std::size_t before = cluster.leads_seen().size();
  cluster.run_for(60s);
  CHECK(cluster.leads_seen().size() - before <= 2);
  CHECK(cluster.violations().empty());
}

TEST_CASE("election, rule 8: a node that lost its state learns, counts in nothing, and is admitted when caught up") {
  Cluster cluster = running();
  const Incarnation lost = cluster.view(1).incarnation;
  cluster.wipe(1);
  cluster.set_fitness(1, fit(false, 4));
  cluster.boot(1);
  cluster.run_for(5s);
  CHECK(cluster.view(1).role == ElectionRole::learner);
  CHECK(cluster.view(3).membership.find(id_of(1))->incarnation == lost);
  cluster.crash(2);
  CHECK(cluster.run_until([&] { return !cluster.leads(3); }, 2s));  // One voter of three.
  cluster.boot(2);
  REQUIRE(cluster.run_until([&] { return cluster.settled_on(3); }, 3s));
  cluster.set_fitness(1, fit(true, 0));
  CHECK(cluster.run_until([&] { return cluster.view(1).role == ElectionRole::follower; }, 1s));
  cluster.run_for(300ms);
  cluster.crash(2);
  CHECK_FALSE(cluster.run_until([&] { return !cluster.leads(3); }, 5s));
}

TEST_CASE("election, rule 9: without a quorum each side leads itself, and one leader is left when they meet") {
  Cluster cluster = running({.nodes = 2, .quorum = Quorum::none});
  cluster.isolate(2);
  CHECK(cluster.run_until([&] { return cluster.leads(1) && cluster.leads(2); }, 3s));
  cluster.heal();
  CHECK(cluster.run_until([&] { return cluster.settled(); }, 2s));
  CHECK(cluster.run_until([&] { return cluster.settled_on(2); }, 30s));
}

TEST_CASE("election: an early deadline does nothing, and reads are confirmed by a majority of acknowledgements") {
  Cluster cluster = running();
  BullyElection& leader = cluster.election(3);
  const TimePoint deadline = leader.next_deadline();
  leader.on_deadline(deadline - 1us);
  CHECK(leader.take_actions().empty());
  CHECK(leader.next_deadline() == deadline);
  const std::uint64_t round = leader.begin_round(cluster.now());
  (void)leader.take_actions();
  const auto ack = [&](unsigned from) {
    const ElectionView& v = cluster.view(from);
    leader.on_message(
        HeartbeatAck{v.term, id_of(from), v.incarnation, round, v.membership.term, v.membership.version, {}},
        cluster.now());
    std::uint64_t confirmed = 0;
    for (const ElectionAction& action : leader.take_actions()) {
      if (const auto* c = std::get_if<RoundConfirmed>(&action)) confirmed = c->round;
    }
    return confirmed;
  };
  CHECK(ack(1) == round);
  CHECK(ack(2) == 0);  // Once.
}
