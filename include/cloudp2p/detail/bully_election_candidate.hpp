// BullyElection: the pre-vote and the vote, at both ends.
#pragma once

#include <cloudp2p/bully_election.hpp>

namespace cloudp2p {

// Pre-vote (rule 2): nothing durable changes at either end.

inline void BullyElection::handle(const PreVote& message, TimePoint now) {
  if (heard(message.from) == nullptr) return;
  if (message.takeover) return consider_takeover(message, now);
  const PreVoteVerdict verdict = judge(message, now);
  const bool names_leader = leading_ ? holds_majority(now) : hears_leader(now);
  send(message.from, PreVoteAnswer{state_.term, message.next_term, self(), verdict, names_leader ? leader_ : kNobody});
  if (verdict == PreVoteVerdict::leave_it_to_me && phase_ == Phase::idle) start_pre_vote(now);
}

inline PreVoteVerdict BullyElection::judge(const PreVote& message, TimePoint now) const {
  const auto peer = peers_.find(message.from);
  const bool hello_seen = peer != peers_.end() && !peer->second.incarnation.is_zero();
  if (message.next_term <= state_.term) return PreVoteVerdict::no;
  // A member of a cluster counts by its members: who is blank is none of them, and would only let it raise its term.
  const bool counts_by_members = peer != peers_.end() && !peer->second.cluster.is_zero();
  const bool votes = able_to_vote() && !(blank() && counts_by_members);
  const bool known = !hello_seen || may_be_candidate(message.from, peer->second.incarnation);
  if (!may_vote(votes, known, message.binds)) return PreVoteVerdict::no;
  if (leading_) return holds_majority(now) ? PreVoteVerdict::no : PreVoteVerdict::would_vote;
  if (hears_leader(now)) return PreVoteVerdict::no;
  if (now < granted_until_ && message.from != state_.voted_for) return PreVoteVerdict::no;
  const bool pauses = failed_votes_ > 0 && now < stand_at_;
  const bool stands = may_stand() && (phase_ != Phase::idle || (ready_at().has_value() && !pauses));
  if (message.from < self() && stands && !message.insist) return PreVoteVerdict::leave_it_to_me;
  return PreVoteVerdict::would_vote;
}

inline bool BullyElection::may_vote(bool votes, bool knows_candidate, const Incarnation& binds) const {
  if (votes && (knows_candidate || sabotaged(Rule::newcomers_are_voted_for))) return knows_candidate;
  return !fault_ && fitness_.can_vote && binds == state_.incarnation;
}

inline void BullyElection::start_pre_vote(TimePoint now) {
  lose_leader(now);
  if (sabotaged(Rule::pre_vote_comes_first)) return start_vote(now, false);
  phase_ = Phase::pre_vote;
  phase_until_ = answers_until_ = now + options_.timing.answer_timeout;
  answers_.clear();
  for (const auto& [id, peer] : peers_) {
    if (peer.link == Link::up) ask_for_pre_vote(id);
  }
  evaluate_pre_vote(now);
}

inline void BullyElection::handle(const PreVoteAnswer& message, TimePoint now) {
  if (heard(message.from) == nullptr) return;
  // Won by those that were faster; whoever is still in time is near, too.
  if (phase_ == Phase::vote && now < answers_until_ && message.next_term == state_.term) answers_[message.from] = message;
  if (phase_ != Phase::pre_vote) return;
  if (message.term > state_.term) {
    // Too low to be voted for: take the term over, so that the next one stands above it.
    enter_term(message.term, now);
    persist();
    if (message.leader != kNobody) retry_after(options_.timing.failure_timeout / 2, now);
    return;
  }
  if (message.next_term != state_.term + 1) return;
  answers_[message.from] = message;
  evaluate_pre_vote(now);
}

inline void BullyElection::evaluate_pre_vote(TimePoint now) {
  const std::vector<NodeId> ids = electors();
  std::size_t would_vote = 0;
  bool pending = false, higher_pending = false, leader_named = false, live_named = false;
  const bool suspect_gone = suspect_ != kNobody && peers_[suspect_].link == Link::refused;
  for (const NodeId id : ids) {
    if (id == self()) {
      ++would_vote;
      continue;
    }
    const auto answer = answers_.find(id);
    if (answer == answers_.end()) {
      const Link link = peers_[id].link;
      // A refused connection is an answer; a broken one may be back within the timeout.
      const bool awaited = link == Link::up || link == Link::closed;
      pending = pending || awaited;
      higher_pending = higher_pending || (awaited && id > self() && id != suspect_);
      continue;
    }
    const PreVoteVerdict verdict = answer->second.verdict;
    if (verdict == PreVoteVerdict::would_vote) ++would_vote;
    const NodeId named = answer->second.leader;
    leader_named = leader_named || named != kNobody;
    live_named = live_named || (named != kNobody && !(suspect_gone && named == suspect_));
    if (verdict == PreVoteVerdict::leave_it_to_me && !insist_) {
      insist_ = !sabotaged(Rule::higher_id_waits_once);  // Once per outage: a half-connected higher ID cannot block for ever.
      return retry_after(3 * options_.timing.answer_timeout + options_.timing.stagger, now);
    }
  }
  const bool late = now >= phase_until_;
  bool won = would_vote >= needed(ids.size()) && (late || !higher_pending);
  // Without a quorum one "no" is all that keeps a second leader away: hear everybody.
  if (options_.quorum == Quorum::none && (leader_named || (pending && !late))) won = false;
  if (won) return start_vote(now, false);
  if (late || !pending) {
    const ElectionTiming& timing = options_.timing;
    Duration delay = timing.answer_timeout;
    if (leader_named) delay = timing.failure_timeout / 2;
    // They name a process that is gone: they will be refused in a moment, as this node was.
    if (leader_named && !live_named) delay = timing.stagger / 8;
    retry_after(delay, now);
  }
}

inline void BullyElection::retry_after(Duration delay, TimePoint now) {
  phase_ = Phase::idle;
  stand_at_ = now + delay;
}

// Vote (rule 3): one per term, durable before it leaves.

inline void BullyElection::start_vote(TimePoint now, bool transfer) {
  enter_term(state_.term + 1, now);
  state_.voted_for = self();
  persist();
  if (transfer && !sabotaged(Rule::failed_hand_over_counts)) note_leader(self(), now);
  phase_ = Phase::vote;
  phase_until_ = now + 2 * options_.timing.answer_timeout;
  if (transfer) {  // There was no pre-vote.
    answers_.clear();
    answers_until_ = now;
  }
  for (const auto& [id, peer] : peers_) {
    if (peer.link == Link::up) ask_for_vote(id, transfer);
  }
  evaluate_votes(now);
}

inline void BullyElection::ask_for_pre_vote(NodeId of) {
  send(of, PreVote{state_.term, state_.term + 1, self(), insist_, false, bound_incarnation(of)});
}

inline void BullyElection::ask_for_vote(NodeId of, bool transfer) {
  send(of, VoteRequest{state_.term, self(), state_.incarnation, transfer, bound_incarnation(of)});
}

inline Incarnation BullyElection::bound_incarnation(NodeId id) const {
  const Member* const member = state_.membership.find(id);
  return member != nullptr ? member->incarnation : Incarnation{};
}

inline void BullyElection::handle(const VoteRequest& message, TimePoint now) {
  if (heard(message.candidate) == nullptr || fault_) return;
  if (refuses_vote(message, now)) return answer_vote(message.candidate, false);
  if (message.term > state_.term) {
    const bool handed_over = message.transfer && transferring_to_ == message.candidate;
    enter_term(message.term, now, handed_over ? StepDownReason::resigned : StepDownReason::higher_term);
  }
  if (message.transfer && !sabotaged(Rule::failed_hand_over_counts)) note_leader(message.candidate, now);
  const bool fresh = state_.voted_for != message.candidate;
  state_.voted_for = message.candidate;
  if (fresh) persist();
  granted_until_ = now + 2 * options_.timing.answer_timeout;
  stand_at_ = std::max(stand_at_, granted_until_);
  answer_vote(message.candidate, true);
}

/// A candidate of a higher term is refused, and its term not taken over, while the leader is heard: to stay silent is
/// always safe, and a candidate that won its pre-vote elsewhere unseats the leader through the acknowledgement of its
/// next heartbeat (Ongaro 2014, §4.2.3). A vote of the same term is repeated, should its answer have been lost. Who does
/// not know that it is bound, or that the candidate is, because it could not save the membership that says so, votes when
/// it is told that it is: the candidate counts by the newest membership that is reported to it, whatever the voter takes
/// the two for.
inline bool BullyElection::refuses_vote(const VoteRequest& message, TimePoint now) const {
  if (!may_vote(able_to_vote(), may_be_candidate(message.candidate, message.incarnation), message.binds)) return true;
  if (message.term < state_.term) return true;
  if (message.term == state_.term) {
    if (sabotaged(Rule::one_vote_a_term)) return false;
    const bool taken = state_.voted_for != kNobody && state_.voted_for != message.candidate;
    return taken || leader_ != kNobody;
  }
  if (message.transfer) return false;
  return leading_ ? holds_majority(now) : hears_leader(now);
}

inline void BullyElection::answer_vote(NodeId candidate, bool granted) {
  send(candidate,
       Vote{state_.term, self(), state_.incarnation, granted, state_.cluster, state_.founded, state_.membership});
}

/// Also one that comes when the election is given up, until another term is entered, if its voter answered the pre-vote in
/// time: where disks are slow all votes come late. Whoever is slow to answer that is too far for this node to lead it.
inline bool BullyElection::counts_vote_of(NodeId voter) const {
  if (phase_ == Phase::vote) return true;
  const auto answer = answers_.find(voter);
  const bool near = answer != answers_.end() && answer->second.verdict == PreVoteVerdict::would_vote;
  const bool led = state_.membership.term == state_.term;
  const bool open = state_.voted_for == self() && !leading_ && leader_ == kNobody && !led;
  return near && open && may_stand() && !sabotaged(Rule::late_votes_count);
}

inline void BullyElection::handle(const Vote& message, TimePoint now) {
  Peer* peer = heard(message.from);
  if (peer == nullptr || fault_) return;
  peer->cluster = message.cluster;
  if (!counts_vote_of(message.from) || message.term < state_.term) return;
  if (message.term > state_.term) {
    enter_term(message.term, now);
    learn_members(message);
    return persist();
  }
  if (learn_members(message)) {
    persist();
    for (const auto& [id, other] : peers_) {
      if (other.link == Link::up && !votes_.contains(id) && id != message.from) ask_for_vote(id, false);
    }
  }
  if (!message.granted) return;
  votes_[message.from] = message;
  evaluate_votes(now);
}

/// A candidate that keeps to former members could stand, and fail, for ever: the votes that it would need are those of
/// members that it does not know, and while it stands nobody else is elected. What it takes over here was proposed in a
/// term that is past; nobody counts its acknowledgement for that any more.
inline bool BullyElection::learn_members(const Vote& vote) {
  if (!vote.founded || (state_.founded && vote.cluster != state_.cluster)) return false;
  if (!vote.membership.newer_than(state_.membership) || sabotaged(Rule::newest_membership_counts)) return false;
  const bool was_voter = !blank() && is_voter();
  state_.cluster = vote.cluster;
  state_.founded = true;
  state_.membership = vote.membership;
  if (was_voter && !is_voter()) leaving_ = true;
  emit(MembershipAdopted{state_.membership, true});
  return true;
}

inline void BullyElection::evaluate_votes(TimePoint now) {
  const DurableState base = newest_reported();
  // A membership is proposed by the leader of its term. Of those who elected it one may have lost its vote since, and
  // have been admitted again: the votes of this term no longer tell that there is a leader.
  const bool led = base.membership.term >= state_.term;
  if (led && options_.quorum == Quorum::majority) return;
  std::vector<NodeId> voters = counted_votes(base);
  const std::size_t size = base.membership.version == 0 ? options_.configured.size() : base.membership.members.size();
  const bool own = std::find(voters.begin(), voters.end(), self()) != voters.end();
  if (own && voters.size() >= needed(size)) become_leader(base, std::move(voters), now);
}

/// The register's read: the newest membership that this node or a voter holds, of the founded cluster if one is known.
inline DurableState BullyElection::newest_reported() const {
  DurableState newest = state_;
  const auto merge = [&](const Vote& vote) {
    if (vote.membership.version == 0) return;
    const bool other_cluster = vote.cluster != newest.cluster;
    if (other_cluster && newest.founded && !vote.founded) return;
    const bool wins = other_cluster && vote.founded && !newest.founded;
    const bool founded = vote.founded || (!other_cluster && newest.founded);
    if (wins || vote.membership.newer_than(newest.membership)) {
      newest.cluster = vote.cluster;
      newest.membership = vote.membership;
      newest.founded = founded;
    } else if (!other_cluster) {
      newest.founded = founded;
    }
  };
  // Twice: a founded cluster seen late decides about what was seen before it.
  for (int pass = 0; pass < 2 && !sabotaged(Rule::newest_membership_counts); ++pass) {
    for (const auto& [id, vote] : votes_)
      merge(vote);
  }
  return newest;
}

inline std::vector<NodeId> BullyElection::counted_votes(const DurableState& base) const {
  const auto counts = [&](NodeId id, const Incarnation& incarnation) {
    if (base.membership.version == 0) return configured(id);
    const Member* member = base.membership.find(id);
    return member != nullptr && (counts_as(*member, incarnation) || sabotaged(Rule::votes_count_by_incarnation));
  };
  std::vector<NodeId> out;
  if (counts(self(), state_.incarnation)) out.push_back(self());
  for (const auto& [id, vote] : votes_) {
    if (counts(id, vote.incarnation)) out.push_back(id);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace cloudp2p
