// BullyElection: following a leader, and losing it. After a store fault all of it goes on in memory, for the status
// screens: nothing is persisted, so nothing is sent.
#pragma once

#include <cloudp2p/bully_election.hpp>

namespace cloudp2p {

/// A founded cluster's id is final; only the mode without a quorum merges what was founded apart.
inline bool BullyElection::is_foreign(const ClusterId& cluster) const {
  return state_.founded && cluster != state_.cluster && options_.quorum == Quorum::majority;
}

inline void BullyElection::handle(const Heartbeat& message, TimePoint now) {
  Peer* peer = known_peer(message.leader);
  if (peer == nullptr) return;
  peer->cluster = message.cluster;
  if (is_foreign(message.cluster)) return;
  if (refuse_leader(message.term, message.leader, now)) return acknowledge(message.leader, message.round);
  bool changed = message.term != state_.term;
  if (changed) enter_term(message.term, now);
  const bool was_voter = !blank() && is_voter();
  if (adopt(message)) changed = true;
  if (was_voter && !is_voter()) leaving_ = true;
  if (message.committed || is_voter()) leaving_ = false;
  if (changed) persist();
  follow(message.leader, now);
  acknowledge(message.leader, message.round);
}

inline void BullyElection::handle(const Coordinator& message, TimePoint now) {
  const Peer* peer = known_peer(message.leader);
  if (peer == nullptr) return;
  if (!peer->cluster.is_zero() && is_foreign(peer->cluster)) return;
  if (refuse_leader(message.term, message.leader, now)) return acknowledge(message.leader, 0);
  if (message.term > state_.term) {
    enter_term(message.term, now);
    persist();
  }
  follow(message.leader, now);
}

/// The leader hands over: stand at once, it stays quiet for this term's successor.
inline void BullyElection::handle(const Transfer& message, TimePoint now) {
  if (message.to != self() || message.term != state_.term || leading_ || leader_ == kNobody) return;
  if (may_stand()) start_vote(now, true);
}

/// Rule 5, and where there is no quorum (rule 9) two leaders of one term: the higher ID stays.
inline bool BullyElection::refuse_leader(Term term, NodeId leader, TimePoint now) {
  if (term != state_.term) return term < state_.term && !sabotaged(Rule::terms_never_fall);
  if (!leading_) return leader_ != kNobody && leader_ > leader && options_.quorum == Quorum::none;
  if (options_.quorum == Quorum::majority || leader < self()) return true;
  step_down(StepDownReason::higher_term, now);
  return false;
}

inline bool BullyElection::hears_leader(TimePoint now) const {
  if (leader_ == kNobody || leading_ || refused_at_ || sabotaged(Rule::leader_is_heard)) return false;
  // Half a heartbeat less than for standing itself, so that two who heard the same last heartbeat agree.
  return now < last_heard_ + options_.timing.failure_timeout - options_.timing.heartbeat / 2;
}

inline void BullyElection::follow(NodeId leader, TimePoint now) {
  const bool same = leader_ == leader;
  phase_ = Phase::idle;
  suspect_ = kNobody;
  refused_at_.reset();
  insist_ = false;
  failed_votes_ = 0;
  granted_until_ = now;
  last_heard_ = now;
  if (same) return;
  leader_ = leader;
  following_since_ = now;
  asked_at_.reset();
  note_leader(leader, now);
  emit(FollowLeader{state_.term, leader});
}

inline void BullyElection::lose_leader(TimePoint now) {
  if (leader_ == kNobody || leading_) return;
  emit(LeaderLost{state_.term, leader_});
  suspect_ = leader_;
  leader_ = kNobody;
  refused_at_.reset();
  stand_at_ = now;
}

/// Whoever lost the lead to a lower ID, also before it had it when it was handed over, waits longer before it takes over
/// again. Every node keeps count for every other, because the one that flaps forgets when it restarts.
inline void BullyElection::note_leader(NodeId leader, TimePoint now) {
  constexpr std::size_t kept_max = 16;
  if (leader < last_leader_) {
    std::vector<TimePoint>& losses = losses_[last_leader_];
    losses.push_back(now);
    if (losses.size() > kept_max) losses.erase(losses.begin());
  }
  last_leader_ = leader;
}

/// In memory only: the caller persists before anything that depends on it leaves.
inline void BullyElection::enter_term(Term term, TimePoint now, StepDownReason reason) {
  if (leading_) step_down(reason, now);
  if (leader_ != kNobody) emit(LeaderLost{state_.term, leader_});
  leader_ = kNobody;
  refused_at_.reset();
  phase_ = Phase::idle;
  votes_.clear();
  state_.term = term;
  state_.voted_for = kNobody;
  stand_at_ = std::max<TimePoint>(stand_at_, now + options_.timing.answer_timeout);
}

/// True when the durable state changed.
inline bool BullyElection::adopt(const Heartbeat& message) {
  const bool newer = message.membership.newer_than(state_.membership) ||
                     (message.cluster != state_.cluster && message.membership.version != 0);
  const bool founded = message.founded && !state_.founded && (newer || message.cluster == state_.cluster);
  if (!newer && !founded) return false;
  const bool shown = founded || !(message.membership.members == state_.membership.members);
  if (newer) {
    if (message.cluster != state_.cluster) state_.founded = false;
    state_.cluster = message.cluster;
    state_.membership = message.membership;
  }
  if (founded) state_.founded = true;
  if (message.founded && newer) state_.founded = true;
  if (shown) emit(MembershipAdopted{state_.membership, state_.founded});
  return true;
}

inline void BullyElection::acknowledge(NodeId leader, std::uint64_t round) {
  send(leader, HeartbeatAck{state_.term, self(), state_.incarnation, round, state_.membership.term,
                            state_.membership.version, fitness_.report});
}

inline void BullyElection::ask_for_takeover(TimePoint now) {
  asked_at_ = now;
  send(leader_, PreVote{state_.term, state_.term + 1, self(), false, true});
}

}  // namespace cloudp2p
