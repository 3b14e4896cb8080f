// Rule 8: a node that lost its promises, and the candidates that still hold them.
#include "election_fixture.hpp"

#include <doctest/doctest.h>

using namespace election_test;

namespace {

Incarnation incarnation(unsigned number) {
  Incarnation out;
  out.bytes[0] = static_cast<std::byte>(number);
  return out;
}

/// Node 2 of five, which stands in term 2 and has not been answered yet.
struct Candidate {
  DurableState disk;
  std::optional<BullyElection> election;
  TimePoint now = TimePoint{} + 1h;

  Candidate() {
    disk.cluster.bytes[0] = std::byte{1};
    disk.founded = true;
    disk.node = id_of(2);
    disk.incarnation = incarnation(2);
    disk.term = 1;
    disk.membership = Membership{1, 1, {}};
    BullyOptions options;
    options.self = id_of(2);
    for (unsigned n = 1; n <= 5; ++n) {
      options.configured.push_back(id_of(n));
      disk.membership.members.push_back({id_of(n), incarnation(n)});
    }
    election.emplace(options, disk);
    election->start(now);
    election->set_fitness({true, true, true, {}}, now);
    for (const unsigned n : {1U, 3U, 4U, 5U}) election->on_peer_up({id_of(n), incarnation(n), disk.cluster, true}, now);
    election->on_message(Heartbeat{1, id_of(5), 1, 0, 0, disk.cluster, true, disk.membership}, now);
    election->on_message(Transfer{1, id_of(2)}, now);
    REQUIRE(election->view().term == 2);
  }
  void vote(unsigned from, const Incarnation& as, const Membership& membership) {
    election->on_message(Vote{2, id_of(from), as, true, disk.cluster, true, membership}, now);
  }
  [[nodiscard]] bool leads() const { return election->view().role == ElectionRole::leader; }
};

}  // namespace

TEST_CASE("election, rule 8: who lost a vote is not admitted past the paused candidate that has it") {
  Cluster cluster({});
  cluster.boot_all();
  REQUIRE(cluster.run_until([&] { return cluster.settled_on(3); }, 3s));
  cluster.run_for(300ms);
  const Term before = cluster.view(3).term;
  // Node 2 asks for votes in the next term; node 3 does not hear it, node 1 votes, and node 2 stops before it can count.
  cluster.mute(2, 3);
  REQUIRE(cluster.transfer(3, id_of(2)));
  REQUIRE(cluster.run_until([&] { return cluster.view(1).term > before; }, 100ms));
  cluster.freeze(2);
  cluster.run_for(5ms);
  cluster.wipe(1);
  cluster.set_fitness(1, {true, true, true, {}});
  cluster.boot(1);
  cluster.run_for(3s);
  cluster.thaw(2);
  cluster.run_for(1s);
  CHECK(cluster.violations().empty());
}

TEST_CASE("election, rule 8: a membership of the candidate's own term tells of another leader") {
  Candidate candidate;
  SUBCASE("an older one does not") {
    candidate.vote(3, incarnation(3), candidate.disk.membership);
    CHECK_FALSE(candidate.leads());
    candidate.vote(4, incarnation(4), candidate.disk.membership);
    CHECK(candidate.leads());
  }
  SUBCASE("node 1 voted for that leader, lost its state, was admitted by it, and votes again") {
    Membership admitted = candidate.disk.membership;
    admitted.term = 2;
    admitted.version = 3;
    admitted.members[0].incarnation = incarnation(11);
    candidate.vote(1, incarnation(11), admitted);
    candidate.vote(4, incarnation(4), admitted);
    CHECK_FALSE(candidate.leads());
  }
}

TEST_CASE("election, rule 8: who does not know that it is bound votes for a candidate that does") {
  DurableState disk = Candidate().disk;
  disk.node = id_of(1);
  disk.incarnation = incarnation(9);
  BullyOptions options;
  options.self = id_of(1);
  for (unsigned n = 1; n <= 5; ++n) options.configured.push_back(id_of(n));
  BullyElection learner(options, disk);
  const TimePoint now = TimePoint{} + 1h;
  learner.start(now);
  learner.set_fitness({true, true, true, {}}, now);
  learner.on_peer_up({id_of(2), incarnation(2), disk.cluster, true}, now);
  REQUIRE(learner.view().role == ElectionRole::learner);
  (void)learner.take_actions();
  const auto answers = [&](const ElectionMessage& message) {
    learner.on_message(message, now);
    std::string out;
    for (const ElectionAction& action : learner.take_actions()) {
      const auto* const sent = std::get_if<SendMessage>(&action);
      if (std::holds_alternative<PersistState>(action)) out += "saved ";
      if (sent == nullptr) continue;
      if (const auto* vote = std::get_if<Vote>(&sent->message)) out += vote->granted ? "vote" : "no vote";
      if (const auto* pre = std::get_if<PreVoteAnswer>(&sent->message)) {
        out += pre->verdict == PreVoteVerdict::would_vote ? "would vote" : "no";
      }
    }
    return out;
  };
  CHECK(answers(PreVote{1, 2, id_of(2), false, false, incarnation(1)}) == "no");
  CHECK(answers(VoteRequest{2, id_of(2), incarnation(2), false, incarnation(1)}) == "no vote");
  CHECK(answers(VoteRequest{2, id_of(2), incarnation(2), false}) == "no vote");
  CHECK(answers(PreVote{1, 2, id_of(2), false, false, incarnation(9)}) == "would vote");
  CHECK(answers(VoteRequest{2, id_of(2), incarnation(2), false, incarnation(9)}) == "saved vote");
  CHECK(answers(VoteRequest{2, id_of(3), incarnation(3), false, incarnation(9)}) == "no vote");
}

TEST_CASE("election, rule 2: who is blank promises nothing to a candidate that counts by members") {
  DurableState blank;
  blank.node = id_of(1);
  blank.incarnation = incarnation(9);
  BullyOptions options;
  options.self = id_of(1);
  for (unsigned n = 1; n <= 3; ++n) options.configured.push_back(id_of(n));
  BullyElection election(options, blank);
  const TimePoint now = TimePoint{} + 1h;
  election.start(now);
  election.set_fitness({true, true, true, {}}, now);
  ClusterId cluster;
  cluster.bytes[0] = std::byte{1};
  election.on_peer_up({id_of(2), incarnation(2), cluster, true}, now);
  election.on_peer_up({id_of(3), incarnation(3), ClusterId{}, false}, now);
  (void)election.take_actions();
  const auto verdict = [&](const PreVote& ask) {
    election.on_message(ask, now);
    for (const ElectionAction& action : election.take_actions()) {
      const auto* const sent = std::get_if<SendMessage>(&action);
      const auto* const answer = sent == nullptr ? nullptr : std::get_if<PreVoteAnswer>(&sent->message);
      if (answer != nullptr) return answer->verdict;
    }
    return PreVoteVerdict::leave_it_to_me;
  };
  CHECK(verdict(PreVote{1, 2, id_of(2)}) == PreVoteVerdict::no);
  CHECK(verdict(PreVote{1, 2, id_of(2), false, false, incarnation(1)}) == PreVoteVerdict::no);
  CHECK(verdict(PreVote{1, 2, id_of(2), false, false, incarnation(9)}) == PreVoteVerdict::would_vote);
  CHECK(verdict(PreVote{1, 2, id_of(3)}) == PreVoteVerdict::would_vote);
}
