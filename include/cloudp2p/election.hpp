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
  std::uint64_t catalog_root = 0;
  std::uint64_t images = 0;
  std::uint64_t missing = 0;     ///< Live images whose bytes this node lacks.
  std::uint64_t free_bytes = 0;
  std::uint8_t health = 0;       ///< StoreHealth
  std::int64_t oldest_verified_ms = 0;  ///< Of the copies here, the date of the one verified longest ago; 0: none.
  std::uint64_t damaged = 0;     ///< Copies found damaged or gone since this node started.
  std::uint64_t peers_digest = 0;  ///< Of the ids that its configuration lists.
  friend bool operator==(const MemberReport&, const MemberReport&) = default;
};

// Messages. `term` is the sender's current term unless said otherwise.

/// "Election": the pre-vote. Nothing durable changes at either end.
struct PreVote {
  Term term = 0;
  Term next_term = 0;  ///< The term that the sender would stand for.
  NodeId from = kNobody;
  bool insist = false;    ///< The sender has deferred to higher IDs once in this outage already.
  bool takeover = false;  ///< To the leader: a higher ID asks to lead.
  Incarnation binds{};    ///< The receiver's, by the sender's membership: it may count, though the receiver does not know.
};
enum class PreVoteVerdict : std::uint8_t { would_vote, leave_it_to_me, no };
struct PreVoteAnswer {
  Term term = 0;
  Term next_term = 0;  ///< Echo.
  NodeId from = kNobody;
  PreVoteVerdict verdict = PreVoteVerdict::no;
  NodeId leader = kNobody;  ///< With `no`: who leads, if known.
};
struct VoteRequest {
  Term term = 0;
  NodeId candidate = kNobody;
  Incarnation incarnation;
  bool transfer = false;  ///< The leader of the previous term asked for this: vote although it was not suspected.
  Incarnation binds{};    ///< As in PreVote.
};
struct Vote {
  Term term = 0;
  NodeId from = kNobody;
  Incarnation incarnation;
  bool granted = false;
  ClusterId cluster;      ///< What the voter has adopted, so that a new leader continues with the newest.
  bool founded = false;
  Membership membership;
};
struct Coordinator {
  Term term = 0;
  NodeId leader = kNobody;
};
struct Transfer {
  Term term = 0;
  NodeId to = kNobody;
};
struct Heartbeat {
  Term term = 0;
  NodeId leader = kNobody;
  std::uint64_t round = 0;
  std::uint64_t catalog_root = 0;
  std::uint64_t under_replicated = 0;  ///< Images with fewer verified copies than members.
  ClusterId cluster;
  bool founded = false;  ///< The membership below is on a majority.
  Membership membership;
  bool committed = false;  ///< In this term too: who is not in it is no member any more.
};
struct HeartbeatAck {
  Term term = 0;
  NodeId from = kNobody;
  Incarnation incarnation;
  std::uint64_t round = 0;
  Term membership_term = 0;  ///< Of the membership that the sender holds durably.
  std::uint64_t membership_version = 0;
  MemberReport report;
};
using ElectionMessage = std::variant<PreVote, PreVoteAnswer, VoteRequest, Vote, Coordinator, Transfer, Heartbeat, HeartbeatAck>;

// What comes out.

enum class ElectionRole : std::uint8_t { follower, candidate, leader, learner };
enum class StepDownReason : std::uint8_t { higher_term, lost_majority, store_fault, resigned };

struct PersistState {
  DurableState state;
};
struct SendMessage {
  NodeId to = kNobody;
  ElectionMessage message;
};
/// Lead now: a majority promised. `voters` are the members whose promises were counted, this node among them.
struct LeadTerm {
  Term term = 0;
  std::vector<NodeId> voters;
  bool higher_silent = false;  ///< A higher ID is configured but did not answer: "no Ok received".
};
struct FollowLeader {
  Term term = 0;
  NodeId leader = kNobody;
};
/// The leader is no longer heard or refused; nobody is followed until the next FollowLeader or LeadTerm.
struct LeaderLost {
  Term term = 0;
  NodeId leader = kNobody;
};
struct StepDown {
  Term term = 0;
  StepDownReason reason = StepDownReason::higher_term;
};
/// Every round up to this one was acknowledged by a majority (leader only): reads that began before it may be answered.
struct RoundConfirmed {
  std::uint64_t round = 0;
};
/// A higher ID asks for the lead (leader only): drain, then call `transfer_to`.
struct TakeoverAsked {
  NodeId by = kNobody;
};
/// The adopted membership changed, or became final (`founded`).
struct MembershipAdopted {
  Membership membership;
  bool founded = false;
};
struct MemberReported {
  NodeId from = kNobody;
  MemberReport report;
};
using ElectionAction = std::variant<PersistState, SendMessage, LeadTerm, FollowLeader, LeaderLost, StepDown, RoundConfirmed,
                                    TakeoverAsked, MembershipAdopted, MemberReported>;

/// What the election knows of a connected peer, from its Hello.
struct PeerIdentity {
  NodeId id = kNobody;
  Incarnation incarnation;
  ClusterId cluster;
  bool founded = false;
};
enum class PeerLoss : std::uint8_t {
  closed,   ///< The control connection broke; it may come back.
  refused,  ///< A reconnect was refused: the process is gone.
  silent,   ///< No route or no answer.
};
/// What the node can do at the moment.
struct Fitness {
  bool can_vote = true;    ///< The state store works.
  bool can_lead = true;    ///< The image store takes writes.
  bool caught_up = false;  ///< Nothing is missing and the catalog equals the leader's.
  MemberReport report;
};
/// A snapshot for status screens and for the rest of the node.
struct ElectionView {
  ElectionRole role = ElectionRole::follower;
  Term term = 0;
  NodeId leader = kNobody;  ///< Followed or led; kNobody during an election.
  ClusterId cluster;
  bool founded = false;
  Incarnation incarnation;
  Membership membership;
  /// Leader: the members before a change that is not on its majorities yet; till then both count.
  std::optional<Membership> previous;
  bool committed = false;  ///< Leader: the membership is on its majority in this term.
  std::size_t members_reachable = 0;  ///< Voters connected, this node included.
  std::size_t members_total = 0;
};

/// One voter more, or one less.
struct MemberChange {
  std::vector<NodeId> add;
  std::vector<NodeId> remove;
};

class Election {
 public:
  virtual ~Election() = default;

  // In. After each of these, carry out `take_actions()` and re-arm one timer for `next_deadline()`.
  virtual void start(TimePoint now) = 0;
  virtual void on_message(const ElectionMessage& message, TimePoint now) = 0;
  virtual void on_peer_up(const PeerIdentity& peer, TimePoint now) = 0;
  virtual void on_peer_down(NodeId peer, PeerLoss loss, TimePoint now) = 0;
  virtual void on_deadline(TimePoint now) = 0;
  virtual void on_store_fault(TimePoint now) = 0;
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
  [[nodiscard]] virtual std::vector<ElectionAction> take_actions() = 0;
  [[nodiscard]] virtual TimePoint next_deadline() const = 0;
  [[nodiscard]] virtual const ElectionView& view() const = 0;
};

}  // namespace cloudp2p
