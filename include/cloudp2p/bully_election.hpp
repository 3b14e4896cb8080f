// BullyElection: the highest healthy ID leads, and never two in one term.
//
// Purpose:   the Election that every node runs. Bully rules (who should stand, whom to wait for) give liveness; terms,
//            durable votes and majorities give safety. Founding a cluster and changing its membership are registers
//            that are written to a majority under the leader's term and read back by the next candidate (Paxos).
// Thread:    the owner's. Ownership: values only. Copyable, which tests use to look ahead.
// Time:      only the `now` of each call, which must not go backwards. Deadlines are exact; early calls do nothing.
// Order:     see Election. In-memory state runs ahead of the disk by what stands in undrained PersistStates; nothing that
//            depends on them is anywhere but behind them in the action list.
// Durability: term and vote before a Vote or VoteRequest; an adopted membership before the HeartbeatAck that names it.
// Errors:    messages that make no sense now, or come from an ID that is neither configured nor a member, are ignored.
// Limits:    state for at most limits::kMembersMax configured IDs plus the members; rounds in flight are capped.
// Rules:     numbers in comments are those of docs/protocol.md, "Election".
#pragma once

#include <cloudp2p/detail/sabotage.hpp>
#include <cloudp2p/election.hpp>

#include <deque>
#include <map>
#include <set>

namespace cloudp2p {

/// What an election is told once. A Node fills it from its Config.
struct BullyOptions {
  NodeId self = kNobody;                 ///< This node; among `configured`.
  std::vector<NodeId> configured;        ///< All IDs of the configuration, this node among them.
  Quorum quorum = Quorum::majority;      ///< As Config::quorum: the same on every node.
  Takeover takeover = Takeover::polite;  ///< As Config::takeover; `set_takeover` changes it.
  ElectionTiming timing;                 ///< As Config::timing; what `validate_timing` accepts.
  ClusterId fresh_cluster;               ///< Random; becomes the cluster's id if this node founds it.
};

/// The Election that every node runs; the same object is simulated.
class BullyElection final : public Election {
 public:
  /// `state`: what the StateStore loaded, or a fresh one: node and a new random incarnation set, all else empty.
  BullyElection(BullyOptions options, DurableState state);

  void start(TimePoint now) override;
  void on_message(const ElectionMessage& message, TimePoint now) override;
  void on_peer_up(const PeerIdentity& peer, TimePoint now) override;
  void on_peer_down(NodeId peer, PeerLoss loss, TimePoint now) override;
  void on_deadline(TimePoint now) override;
  void on_store_fault(TimePoint now) override;
  void set_fitness(const Fitness& fitness, TimePoint now) override;
  void set_catalog(std::uint64_t root, std::uint64_t under_replicated) override;
  void set_configured(std::vector<NodeId> ids, TimePoint now) override;
  bool change_members(const MemberChange& change, TimePoint now) override;
  bool transfer_to(NodeId successor, TimePoint now) override;
  void hold_down(TimePoint now) override { held_until_ = now + 2 * options_.timing.takeover_delay; }
  /// 0 when this node does not lead.
  std::uint64_t begin_round(TimePoint now) override;

  /// A changed configuration; takes effect at the next input.
  void set_takeover(Takeover takeover) { options_.takeover = takeover; }
  /// Leader: whether its catalog has all that was ever acknowledged, so that whoever equals it may be admitted. True where
  /// nobody says otherwise.
  void set_complete(bool complete) { complete_ = complete; }
  /// A term was met elsewhere than in a message. One above the present is taken over: this node leads no lower one.
  void meet_term(Term term, TimePoint now);

  [[nodiscard]] std::vector<ElectionAction> take_actions() override;
  [[nodiscard]] TimePoint next_deadline() const override;
  [[nodiscard]] const ElectionView& view() const override { return view_; }

 private:
  using Rule = detail::Rule;
  enum class Link : std::uint8_t { never, up, closed, refused, silent };
  enum class Phase : std::uint8_t { idle, pre_vote, vote };

  struct Peer {
    Link link = Link::never;
    Incarnation incarnation;  ///< From its Hello.
    ClusterId cluster;
    TimePoint up_since{};
    // What it acknowledged in this term (leader only).
    Incarnation acked_as;
    std::uint64_t acked_round = 0;
    TimePoint acked_at{};
    Term membership_term = 0;
    std::uint64_t membership_version = 0;
    MemberReport report;
    unsigned caught_up_acks = 0;
  };
  struct Round {
    std::uint64_t number = 0;
    TimePoint sent_at{};
  };
  using Instant = std::optional<TimePoint>;

  // Who counts (detail/bully_election_inputs.hpp).
  [[nodiscard]] NodeId self() const { return options_.self; }
  [[nodiscard]] bool blank() const { return state_.membership.version == 0; }
  [[nodiscard]] bool configured(NodeId id) const;
  [[nodiscard]] bool is_voter() const;
  [[nodiscard]] bool able_to_vote() const { return !fault_ && fitness_.can_vote && (is_voter() || leaving_); }
  /// By its own membership; or whoever asks knows one that this node is bound by: then its vote counts, whatever membership
  /// it holds itself.
  [[nodiscard]] bool may_vote(bool votes, bool knows_candidate, const Incarnation& binds) const;
  [[nodiscard]] Incarnation bound_incarnation(NodeId id) const;
  [[nodiscard]] bool may_stand() const { return able_to_vote() && is_voter() && fitness_.can_lead; }
  [[nodiscard]] bool may_be_candidate(NodeId id, const Incarnation& incarnation) const;
  [[nodiscard]] bool connected_voter(NodeId id) const;
  [[nodiscard]] std::size_t needed(std::size_t member_count) const;
  [[nodiscard]] std::vector<NodeId> electors() const;
  [[nodiscard]] std::size_t reachable() const;
  [[nodiscard]] std::size_t higher_alive() const;
  Peer* known_peer(NodeId id);
  Peer* heard(NodeId id);
  [[nodiscard]] bool counts_as(const Member& member, const Incarnation& incarnation) const;
  [[nodiscard]] bool counts_vote_of(NodeId voter) const;
  [[nodiscard]] bool is_foreign(const ClusterId& cluster) const;
  [[nodiscard]] bool is_up(NodeId id) const;

  // Time.
  void finish(TimePoint now);
  void track_connectivity(TimePoint now);
  void update_view();
  [[nodiscard]] Instant ready_at() const;
  [[nodiscard]] Instant candidacy_at() const;
  [[nodiscard]] Instant takeover_at() const;
  [[nodiscard]] Duration takeover_delay(NodeId id, TimePoint now) const;
  void follower_deadline(TimePoint now);
  Duration pause_after_vote();
  void leader_deadline(TimePoint now);

  // Following (detail/bully_election_follower.hpp).
  void handle(const Heartbeat& message, TimePoint now);
  void handle(const Coordinator& message, TimePoint now);
  void handle(const Transfer& message, TimePoint now);
  [[nodiscard]] bool refuse_leader(Term term, NodeId leader, TimePoint now);
  [[nodiscard]] bool hears_leader(TimePoint now) const;
  void follow(NodeId leader, TimePoint now);
  void lose_leader(TimePoint now);
  void note_leader(NodeId leader, TimePoint now);
  void enter_term(Term term, TimePoint now, StepDownReason reason = StepDownReason::higher_term);
  bool adopt(const Heartbeat& message);
  void acknowledge(NodeId leader, std::uint64_t round);
  void ask_for_takeover(TimePoint now);

  // Standing and voting (detail/bully_election_candidate.hpp).
  void handle(const PreVote& message, TimePoint now);
  void handle(const PreVoteAnswer& message, TimePoint now);
  void handle(const VoteRequest& message, TimePoint now);
  void handle(const Vote& message, TimePoint now);
  [[nodiscard]] PreVoteVerdict judge(const PreVote& message, TimePoint now) const;
  void start_pre_vote(TimePoint now);
  void evaluate_pre_vote(TimePoint now);
  void retry_after(Duration delay, TimePoint now);
  void start_vote(TimePoint now, bool transfer);
  bool learn_members(const Vote& vote);
  void evaluate_votes(TimePoint now);
  [[nodiscard]] DurableState newest_reported() const;
  [[nodiscard]] std::vector<NodeId> counted_votes(const DurableState& base) const;
  [[nodiscard]] bool refuses_vote(const VoteRequest& message, TimePoint now) const;
  void answer_vote(NodeId candidate, bool granted);

  // Leading (detail/bully_election_leader.hpp).
  void handle(const HeartbeatAck& message, TimePoint now);
  void become_leader(const DurableState& base, std::vector<NodeId> voters, TimePoint now);
  void found();
  void step_down(StepDownReason reason, TimePoint now);
  void send_heartbeat(NodeId to);
  template <class Acked>
  [[nodiscard]] bool majority_acked(Acked acked) const;
  void confirm_rounds();
  void check_commit(TimePoint now);
  void consider_admission(NodeId from, TimePoint now);
  void change_incarnation(NodeId id, const Incarnation& incarnation, TimePoint now);
  void propose(std::vector<Member> members, TimePoint now);
  [[nodiscard]] NodeId best_successor(TimePoint now) const;
  [[nodiscard]] bool holds_majority(TimePoint now) const;
  void consider_takeover(const PreVote& message, TimePoint now);

  // Out.
  void persist();
  void send(NodeId to, ElectionMessage message);
  void send_all(const ElectionMessage& message);
  void ask_for_pre_vote(NodeId of);
  void ask_for_vote(NodeId of, bool transfer);
  void emit(ElectionAction action) { actions_.push_back(std::move(action)); }

  BullyOptions options_;
  DurableState state_;
  Fitness fitness_;
  ElectionView view_;
  std::vector<ElectionAction> actions_;
  std::map<NodeId, Peer> peers_;
  bool started_ = false;
  bool fault_ = false;

  // Following.
  NodeId leader_ = kNobody;   ///< Followed, or this node while it leads.
  /// Removed by a change that may not be committed yet. Its vote counts for nobody any more, but brings the change to a
  /// candidate that has not heard of it.
  bool leaving_ = false;
  NodeId suspect_ = kNobody;  ///< The leader that was lost: not believed alive until it speaks or somebody leads again.
  NodeId last_leader_ = kNobody;
  TimePoint last_heard_{};
  Instant refused_at_;  ///< The followed leader's process is gone (rule 1).
  TimePoint following_since_{};
  TimePoint held_until_{};                           ///< Stepped down on request: no takeover before.
  Instant asked_at_;                                 ///< Last request for a takeover.
  std::map<NodeId, std::vector<TimePoint>> losses_;  ///< When each ID lost the lead to a lower one (rule 7).

  // Standing.
  Phase phase_ = Phase::idle;
  TimePoint stand_at_{};  ///< Not before this, while nobody leads.
  Instant ready_since_;   ///< A majority is connected.
  Instant all_since_;     ///< Everybody is.
  TimePoint phase_until_{};
  TimePoint answers_until_{};  ///< Of the last pre-vote.
  TimePoint granted_until_{};  ///< A candidate that has this node's vote is given this long.
  bool insist_ = false;        ///< Deferred to a higher ID once in this outage.
  unsigned failed_votes_ = 0;  ///< Of this node's own, in this outage.
  std::map<NodeId, PreVoteAnswer> answers_;
  std::map<NodeId, Vote> votes_;

  // Leading.
  bool leading_ = false;
  std::uint64_t round_ = 0;
  std::uint64_t confirmed_round_ = 0;
  TimePoint confirmed_sent_{};  ///< When the newest confirmed round was sent.
  TimePoint heartbeat_at_{};
  std::deque<Round> rounds_;
  std::optional<Membership> previous_;  ///< Before an uncommitted change.
  bool committed_ = false;              ///< The membership is on its majority, under this term.
  NodeId transferring_to_ = kNobody;
  Instant resign_at_;
  Instant takeover_shown_;
  std::uint64_t catalog_root_ = 0;
  bool complete_ = true;
  std::uint64_t under_replicated_ = 0;
};

}  // namespace cloudp2p

#include <cloudp2p/detail/bully_election_candidate.hpp>
#include <cloudp2p/detail/bully_election_follower.hpp>
#include <cloudp2p/detail/bully_election_inputs.hpp>
#include <cloudp2p/detail/bully_election_leader.hpp>
