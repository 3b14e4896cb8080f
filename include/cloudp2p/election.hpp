// Election: who leads, in which term.
//
// Purpose:   a pure state machine under a thin driver. Messages, connectivity, fitness and `now` go in; an ordered list
//            of actions comes out: persist, then send, then role. It does no I/O, reads no clock, draws no randomness.
// Thread:    the node's thread.
// Ownership: values in, values out.
// Order:     actions are carried out in order. What stands behind a PersistState waits until that state is durable; when
//            saving fails, everything behind it is dropped and `on_store_fault` is called.
// Durability: term, vote and membership are in a PersistState before any message that depends on them.
// Errors:    none; messages that make no sense in the present state are ignored.
// Source:    the Bully algorithm (Garcia-Molina 1982) for liveness; terms, majority votes and pre-vote after Raft
//            (Ongaro 2014, §3, §9.6) for safety; founding and membership as single-decree registers. docs/protocol.md
#pragma once

#include <cloudp2p/config.hpp>
#include <cloudp2p/state_store.hpp>
#include <cloudp2p/types.hpp>

#include <variant>

namespace cloudp2p {

/// What a node says of itself on every heartbeat acknowledgement.
struct MemberReport {
  std::uint64_t catalog_root = 0;       ///< CatalogSummary::root; 0 where all nodes share a directory.
  std::uint64_t images = 0;             ///< Live records.
  std::uint64_t missing = 0;            ///< Live images whose bytes this node lacks.
  std::uint64_t free_bytes = 0;         ///< Above the watermark: what it may still write.
  std::uint8_t health = 0;              ///< StoreHealth
  std::int64_t oldest_verified_ms = 0;  ///< Of the copies here, the date of the one verified longest ago; 0: none.
  std::uint64_t damaged = 0;            ///< Copies found damaged or gone since this node started.
  std::uint64_t peers_digest = 0;       ///< Of the ids that its configuration lists.
  std::vector<NodeId> reaches;          ///< Voters that it could store on, were it to lead. Empty: not told.
  friend bool operator==(const MemberReport&, const MemberReport&) = default;
};

// Messages. `term` is the sender's current term unless said otherwise.

/// "Election": the pre-vote. Nothing durable changes at either end.
struct PreVote {
  Term term = 0;          ///< The sender's.
  Term next_term = 0;     ///< The term that the sender would stand for.
  NodeId from = kNobody;  ///< The sender.
  bool insist = false;    ///< The sender has deferred to higher IDs once in this outage already.
  bool takeover = false;  ///< To the leader: a higher ID asks to lead.
  Incarnation binds{};    ///< The receiver's, by the sender's membership: it may count, though the receiver does not know.
};
/// What the asked node would do. `leave_it_to_me`: its ID is higher and it stands itself. `no`: it hears a leader, or
/// may not vote.
enum class PreVoteVerdict : std::uint8_t { would_vote, leave_it_to_me, no };
/// To a PreVote, unless that asks for a takeover.
struct PreVoteAnswer {
  Term term = 0;                                ///< The voter's: one above the candidate's is taken over.
  Term next_term = 0;                           ///< Echo.
  NodeId from = kNobody;                        ///< The voter.
  PreVoteVerdict verdict = PreVoteVerdict::no;  ///< Counts for the term that was asked about.
  NodeId leader = kNobody;                      ///< With `no`: who leads, if known.
};
/// For a vote in `term`; the candidate has voted for itself, durably.
struct VoteRequest {
  Term term = 0;               ///< What the candidate stands for.
  NodeId candidate = kNobody;  ///< The sender.
  Incarnation incarnation;     ///< The candidate's: a voter grants only what its membership counts.
  bool transfer = false;       ///< The leader of the previous term asked for this: vote although it was not suspected.
  Incarnation binds{};         ///< As in PreVote.
};
/// To a VoteRequest. A granted one is durable before it leaves.
struct Vote {
  Term term = 0;            ///< The voter's.
  NodeId from = kNobody;    ///< The voter.
  Incarnation incarnation;  ///< The voter's: its vote counts only under the one that the membership names.
  bool granted = false;     ///< False: refused, and nothing was promised.
  ClusterId cluster;        ///< What the voter has adopted, so that a new leader continues with the newest.
  bool founded = false;     ///< The membership is known to be on a majority.
  Membership membership;    ///< Version 0: the voter has adopted none.
};
/// A leader presents itself, before its first heartbeat.
struct Coordinator {
  Term term = 0;            ///< That it leads.
  NodeId leader = kNobody;  ///< The sender.
};
/// The leader asks a follower to stand at once.
struct Transfer {
  Term term = 0;        ///< The sender's, which ends with the election.
  NodeId to = kNobody;  ///< The successor.
};
/// From the leader to everyone connected, each ElectionTiming::heartbeat. Brings the membership too.
struct Heartbeat {
  Term term = 0;                       ///< That the sender leads.
  NodeId leader = kNobody;             ///< The sender.
  std::uint64_t round = 0;             ///< Counts this leader's rounds; the acknowledgement repeats it.
  std::uint64_t catalog_root = 0;      ///< Of the leader's catalog, as `set_catalog` last said.
  std::uint64_t under_replicated = 0;  ///< Images with fewer verified copies than members.
  ClusterId cluster;                   ///< Becomes final when `founded`.
  bool founded = false;                ///< The membership below is on a majority.
  Membership membership;               ///< What the receiver adopts if it is newer than its own.
  bool committed = false;              ///< In this term too: who is not in it is no member any more.
};
/// To a Heartbeat; to a leader of an older term too, which learns so that it was superseded. Leaves once what it
/// adopted is durable.
struct HeartbeatAck {
  Term term = 0;             ///< The sender's.
  NodeId from = kNobody;     ///< The sender.
  Incarnation incarnation;   ///< The sender's: its acknowledgement counts only under the one that the membership names.
  std::uint64_t round = 0;   ///< Of the heartbeat; 0 to a Coordinator.
  Term membership_term = 0;  ///< Of the membership that the sender holds durably.
  std::uint64_t membership_version = 0;  ///< Likewise.
  MemberReport report;                   ///< Of this moment.
};
/// Between nodes, on their control connections.
using ElectionMessage = std::variant<PreVote, PreVoteAnswer, VoteRequest, Vote, Coordinator, Transfer, Heartbeat, HeartbeatAck>;

// What comes out.

/// Learner: no voter, since it is no member or lost its promises. Candidate: asks for votes, or whether it would get
/// them.
enum class ElectionRole : std::uint8_t { follower, candidate, leader, learner };
/// Resigned: handed over. Store fault: neither vote nor image could be made durable any more.
enum class StepDownReason : std::uint8_t { higher_term, lost_majority, store_fault, resigned };

/// Save this before anything behind it is carried out.
struct PersistState {
  DurableState state;  ///< All of it, not a difference.
};
/// Send it; a message that can not be sent is lost, and nobody need be told.
struct SendMessage {
  NodeId to = kNobody;      ///< A connected peer.
  ElectionMessage message;  ///< On the control connection.
};
/// Lead now: a majority promised. `voters` are the members whose promises were counted, this node among them.
struct LeadTerm {
  Term term = 0;               ///< This node voted for itself in it.
  std::vector<NodeId> voters;  ///< In ascending order.
  bool higher_silent = false;  ///< A higher ID is configured but did not answer: "no Ok received".
};
/// Somebody else leads now.
struct FollowLeader {
  Term term = 0;            ///< Not below any former one.
  NodeId leader = kNobody;  ///< Higher or lower than this node.
};
/// The leader is no longer heard or refused; nobody is followed until the next FollowLeader or LeadTerm.
struct LeaderLost {
  Term term = 0;            ///< In which it led.
  NodeId leader = kNobody;  ///< Who was followed.
};
/// This node leads no more.
struct StepDown {
  Term term = 0;                                        ///< In which it led.
  StepDownReason reason = StepDownReason::higher_term;  ///< For the log line.
};
/// Every round up to this one was acknowledged by a majority (leader only): reads that began before it may be answered.
struct RoundConfirmed {
  std::uint64_t round = 0;  ///< A number that `begin_round` gave, or a later one.
};
/// A higher ID asks for the lead (leader only): drain, then call `transfer_to`.
struct TakeoverAsked {
  NodeId by = kNobody;  ///< Higher than this node.
};
/// The adopted membership changed, or became final (`founded`).
struct MembershipAdopted {
  Membership membership;  ///< With who counts from now on; while a change is not committed the former one counts too.
  bool founded = false;   ///< It is known to be on a majority; false while a cluster is being founded.
};
/// An acknowledgement came (leader only).
struct MemberReported {
  NodeId from = kNobody;  ///< A follower or a learner.
  MemberReport report;    ///< What it said of itself.
};
/// One step of the ordered list that `take_actions` gives.
using ElectionAction = std::variant<PersistState, SendMessage, LeadTerm, FollowLeader, LeaderLost, StepDown, RoundConfirmed,
                                    TakeoverAsked, MembershipAdopted, MemberReported>;

/// What the election knows of a connected peer, from its Hello.
struct PeerIdentity {
  NodeId id = kNobody;      ///< Not this node.
  Incarnation incarnation;  ///< Another one than before: that peer lost its promises.
  ClusterId cluster;        ///< Zero: it belongs to none yet.
  bool founded = false;     ///< Its cluster's id is final.
};
/// Why a peer is not connected, as far as one can tell.
enum class PeerLoss : std::uint8_t {
  closed,   ///< The control connection broke; it may come back.
  refused,  ///< A reconnect was refused: the process is gone.
  silent,   ///< No route or no answer.
};
/// What the node can do at the moment.
struct Fitness {
  bool can_vote = true;    ///< Else it grants no vote and does not stand: what it promises or stores could be lost.
  bool can_lead = true;    ///< Else it votes, but neither stands nor goes on leading.
  bool caught_up = false;  ///< Nothing is missing and the catalog equals the leader's.
  MemberReport report;     ///< Goes out with the next acknowledgements.
};
/// A snapshot for status screens and for the rest of the node.
struct ElectionView {
  ElectionRole role = ElectionRole::follower;  ///< See ElectionRole.
  Term term = 0;                               ///< The newest that this node has taken part in.
  NodeId leader = kNobody;                     ///< Followed or led; kNobody during an election.
  ClusterId cluster;                           ///< Zero until a membership was adopted.
  bool founded = false;                        ///< The cluster's id is final.
  Incarnation incarnation;                     ///< This node's own.
  Membership membership;                       ///< Version 0 until one was adopted; until then the configured ids count.
  /// Leader: the members before a change that is not on its majorities yet; till then both count.
  std::optional<Membership> previous;
  bool committed = false;             ///< Leader: the membership is on its majority in this term.
  std::size_t members_reachable = 0;  ///< Voters connected, this node included.
  std::size_t members_total = 0;      ///< Voters, or configured ids while there is no membership.
};

/// One voter more, or one less.
struct MemberChange {
  std::vector<NodeId> add;     ///< Ids that are connected and acknowledge heartbeats.
  std::vector<NodeId> remove;  ///< Members, not the leader itself.
};

/// The header begins with its contract. Pure: equal calls give equal actions.
class Election {
 public:
  virtual ~Election() = default;

  // In. After each of these, carry out `take_actions()` and re-arm one timer for `next_deadline()`.
  /// Once, before all others but `set_fitness`; messages before it are ignored.
  virtual void start(TimePoint now) = 0;
  /// From a connected peer. One in another's name is the caller's to refuse.
  virtual void on_message(const ElectionMessage& message, TimePoint now) = 0;
  /// Its Hello has come on the control connection. Again, with another incarnation: it is a new one.
  virtual void on_peer_up(const PeerIdentity& peer, TimePoint now) = 0;
  /// The control connection broke or could not be made; again for each dial that fails.
  virtual void on_peer_down(NodeId peer, PeerLoss loss, TimePoint now) = 0;
  /// The time that `next_deadline` said has come. Too early does no harm, late delays elections.
  virtual void on_deadline(TimePoint now) = 0;
  /// Saving failed: this node neither votes nor leads before it restarts.
  virtual void on_store_fault(TimePoint now) = 0;
  /// Before `start`, and whenever something changes. A leader that may not lead any more hands over, or steps down.
  virtual void set_fitness(const Fitness& fitness, TimePoint now) = 0;
  /// The hash and count that the next heartbeats carry (leader only).
  virtual void set_catalog(std::uint64_t root, std::uint64_t under_replicated) = 0;
  /// The ids of a configuration that was read again.
  virtual void set_configured(std::vector<NodeId> ids, TimePoint now) = 0;
  /// Leader: propose these members. False, and nothing happens, unless the present ones are committed under this term and
  /// exactly one id is added, under the incarnation that it acknowledges with, or removed, other than this node's.
  virtual bool change_members(const MemberChange& change, TimePoint now) = 0;
  /// Leader: hand over to this member, or to the best follower when kNobody. False when there is nobody to hand over to.
  virtual bool transfer_to(NodeId successor, TimePoint now) = 0;
  /// This node gives up the lead on request: whatever `takeover` says, it asks for it again only after twice its delay.
  virtual void hold_down(TimePoint now) = 0;
  /// Leader: begin a heartbeat round now; RoundConfirmed with at least this number follows, or a StepDown.
  virtual std::uint64_t begin_round(TimePoint now) = 0;

  // Out.
  /// What is to be done since the last call, in order; each once.
  [[nodiscard]] virtual std::vector<ElectionAction> take_actions() = 0;
  /// TimePoint::max() when there is none.
  [[nodiscard]] virtual TimePoint next_deadline() const = 0;
  /// Runs ahead of the disk by what stands in actions not carried out yet. The reference stays good, its content
  /// changes with each input.
  [[nodiscard]] virtual const ElectionView& view() const = 0;
};

}  // namespace cloudp2p
