// BullyElection: leading, rounds, membership, handing over.
#pragma once

#include <cloudp2p/bully_election.hpp>

namespace cloudp2p {

inline void BullyElection::become_leader(const DurableState& base, std::vector<NodeId> voters, TimePoint now) {
  const bool was_founded = state_.founded;
  const std::vector<Member> old_members = state_.membership.members;
  state_.cluster = base.cluster;
  state_.founded = base.founded;
  state_.membership = base.membership;
  if (blank()) found();
  // Without a quorum it may have stood for itself while nobody was bound to its id.
  for (Member& member : state_.membership.members) {
    if (member.id == self() && member.incarnation.is_zero()) member.incarnation = state_.incarnation;
  }
  // Proposed again under this term: it must be on a majority in it before it may change, and before any older
  // proposal that was left on a minority can be taken for newer.
  state_.membership.term = state_.term;
  persist();
  phase_ = Phase::idle;
  leading_ = true;
  leader_ = self();
  suspect_ = kNobody;
  insist_ = false;
  failed_votes_ = 0;
  committed_ = false;
  previous_.reset();
  transferring_to_ = kNobody;
  resign_at_.reset();
  takeover_shown_.reset();
  rounds_.clear();
  confirmed_round_ = round_;
  confirmed_sent_ = now;
  for (auto& [id, peer] : peers_) {
    peer.acked_round = 0;
    peer.acked_at = {};
    peer.membership_term = 0;
    peer.membership_version = 0;
    peer.caught_up_acks = 0;
  }
  note_leader(self(), now);
  const auto& members = state_.membership.members;
  const bool higher = std::any_of(members.begin(), members.end(), [&](const Member& m) { return m.id > self(); });
  emit(LeadTerm{state_.term, std::move(voters), higher});
  if (members != old_members || was_founded != state_.founded) {
    emit(MembershipAdopted{state_.membership, state_.founded});
  }
  send_all(Coordinator{state_.term, self()});
  begin_round(now);
}

/// Everybody configured is a member; whoever was not seen yet is bound to its incarnation when it appears.
inline void BullyElection::found() {
  state_.cluster = options_.fresh_cluster;
  state_.membership.version = 1;
  state_.membership.members.clear();
  for (const NodeId id : options_.configured) {
    Member member{id, id == self() ? state_.incarnation : Incarnation{}};
    if (const auto peer = peers_.find(id); peer != peers_.end()) {
      if (peer->second.link == Link::up && peer->second.cluster.is_zero()) {
        member.incarnation = peer->second.incarnation;
      }
    }
    if (const auto vote = votes_.find(id); vote != votes_.end()) member.incarnation = vote->second.incarnation;
    state_.membership.members.push_back(member);
  }
}

inline void BullyElection::step_down(StepDownReason reason, TimePoint now) {
  leading_ = false;
  leader_ = kNobody;
  rounds_.clear();
  previous_.reset();
  transferring_to_ = kNobody;
  resign_at_.reset();
  stand_at_ = now + options_.timing.answer_timeout;
  emit(StepDown{state_.term, reason});
}

// Rounds.

inline std::uint64_t BullyElection::begin_round(TimePoint now) {
  constexpr std::size_t rounds_max = 4096;
  if (!leading_) return 0;
  rounds_.push_back({++round_, now});
  if (rounds_.size() > rounds_max) rounds_.pop_front();
  heartbeat_at_ = now + options_.timing.heartbeat;
  for (const auto& [id, peer] : peers_) {
    if (peer.link == Link::up) send_heartbeat(id);
  }
  const std::uint64_t round = round_;
  confirm_rounds();
  check_commit(now);
  finish(now);
  return round;
}

inline void BullyElection::send_heartbeat(NodeId to) {
  send(to, Heartbeat{state_.term, self(), round_, catalog_root_, under_replicated_, state_.cluster, state_.founded,
                     state_.membership, committed_});
}

/// Whether a majority of the membership, and of the one before an uncommitted change, satisfies `acked`.
template <class Acked>
bool BullyElection::majority_acked(Acked acked) const {
  const auto holds = [&](const Membership& membership) {
    std::size_t count = 0;
    for (const Member& member : membership.members) {
      if (member.id == self()) {
        if (member.incarnation == state_.incarnation) ++count;
        continue;
      }
      const auto peer = peers_.find(member.id);
      if (peer == peers_.end() || member.incarnation.is_zero()) continue;
      if (peer->second.acked_as == member.incarnation && acked(peer->second)) ++count;
    }
    return count >= needed(membership.members.size());
  };
  return holds(state_.membership) && (!previous_ || holds(*previous_));
}

inline void BullyElection::confirm_rounds() {
  std::vector<std::uint64_t> acked{round_};
  for (const auto& [id, peer] : peers_)
    acked.push_back(peer.acked_round);
  std::sort(acked.begin(), acked.end(), std::greater<>());
  for (const std::uint64_t round : acked) {
    if (round <= confirmed_round_) return;
    if (!majority_acked([&](const Peer& peer) { return peer.acked_round >= round; })) continue;
    confirmed_round_ = round;
    while (!rounds_.empty() && rounds_.front().number <= round) {
      confirmed_sent_ = rounds_.front().sent_at;
      rounds_.pop_front();
    }
    return emit(RoundConfirmed{round});
  }
}

inline bool BullyElection::holds_majority(TimePoint now) const {
  if (options_.quorum == Quorum::none || sabotaged(Rule::lost_majority_steps_down)) return true;
  return now < confirmed_sent_ + options_.timing.failure_timeout;
}

inline void BullyElection::handle(const HeartbeatAck& message, TimePoint now) {
  Peer* peer = known_peer(message.from);
  if (peer == nullptr || fault_) return;
  if (message.term > state_.term) {
    enter_term(message.term, now);
    return persist();
  }
  if (!leading_ || message.term < state_.term || message.round > round_) return;
  if (peer->acked_as != message.incarnation) {
    peer->acked_as = message.incarnation;
    peer->acked_round = 0;
    peer->caught_up_acks = 0;
  }
  peer->acked_round = std::max(peer->acked_round, message.round);
  peer->acked_at = now;
  peer->membership_term = message.membership_term;
  peer->membership_version = message.membership_version;
  peer->report = message.report;
  emit(MemberReported{message.from, message.report});
  confirm_rounds();
  check_commit(now);
  consider_admission(message.from, now);
}

// Membership.

inline void BullyElection::check_commit(TimePoint now) {
  if (committed_) return;
  const Membership& membership = state_.membership;
  const bool on_majority = majority_acked([&](const Peer& peer) {
    return peer.membership_term == membership.term && peer.membership_version == membership.version;
  });
  if (!on_majority) return;
  committed_ = true;
  if (previous_) begin_round(now);  // Whoever was removed learns that it is final.
  previous_.reset();
  if (state_.founded) return;
  state_.founded = true;
  persist();
  emit(MembershipAdopted{membership, true});
  begin_round(now);
}

/// Rule 8: a member with another incarnation than the one it is bound to has lost its promises. It learns until it has
/// everything that a leader has whose takeover is done. Then two changes, each committed before the next: nobody is bound to that id, then the new incarnation
/// is. Any two majorities of adjacent memberships share a voter so; of one that counts the old incarnation and one that
/// counts the new they need not, and a candidate may still hold a vote of the old one.
inline void BullyElection::consider_admission(NodeId from, TimePoint now) {
  constexpr unsigned acks_needed = 2;
  Peer& peer = peers_[from];
  const Member* member = state_.membership.find(from);
  if (member == nullptr || peer.acked_as.is_zero() || member->incarnation == peer.acked_as) return;
  const bool complete = complete_ || sabotaged(Rule::admission_needs_takeover);
  if (!committed_ || !state_.founded || !complete) return;
  // While a majority answers, so that the changes are not left half done.
  const bool supported = majority_acked([&](const Peer& p) { return p.acked_round + 2 >= round_; });
  const bool caught_up = supported && peer.report.missing == 0 && peer.report.catalog_root == catalog_root_;
  peer.caught_up_acks = caught_up ? peer.caught_up_acks + 1 : 0;
  if (peer.caught_up_acks < acks_needed) return;
  const bool unbound = member->incarnation.is_zero() || sabotaged(Rule::admission_in_two_steps);
  change_incarnation(from, unbound ? peer.acked_as : Incarnation{}, now);
}

inline void BullyElection::change_incarnation(NodeId id, const Incarnation& incarnation, TimePoint now) {
  std::vector<Member> members = state_.membership.members;
  for (Member& member : members) {
    if (member.id == id) member.incarnation = incarnation;
  }
  propose(std::move(members), now);
}

/// Rules (i) and (ii) of a change; rule (iii), where the data is, is the caller's.
inline bool BullyElection::change_members(const MemberChange& change, TimePoint now) {
  const bool committed = committed_ || sabotaged(Rule::changes_are_committed);
  if (!leading_ || fault_ || !committed || !state_.founded) return false;
  if (change.add.size() + change.remove.size() != 1 && !sabotaged(Rule::one_change_at_a_time)) return false;
  std::vector<Member> members = state_.membership.members;
  for (const NodeId id : change.add) {
    const Peer* const peer = known_peer(id);
    if (peer == nullptr || peer->acked_round == 0 || peer->acked_as.is_zero() || state_.membership.find(id) != nullptr) return false;
    members.push_back(Member{id, peer->acked_as});
  }
  for (const NodeId id : change.remove) {
    const auto gone = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.id == id; });
    if (id == self() || gone == members.end()) return false;
    members.erase(gone);
  }
  if (members.size() > limits::kMembersMax) return false;
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.id < b.id; });
  propose(std::move(members), now);
  finish(now);
  return true;
}

inline void BullyElection::propose(std::vector<Member> members, TimePoint now) {
  previous_ = state_.membership;
  ++state_.membership.version;
  state_.membership.members = std::move(members);
  committed_ = false;
  persist();
  emit(MembershipAdopted{state_.membership, state_.founded});
  begin_round(now);
}

// Handing over.

inline bool BullyElection::transfer_to(NodeId successor, TimePoint now) {
  if (!leading_) return false;
  const NodeId to = successor == kNobody ? best_successor(now) : successor;
  if (to == kNobody || to == self() || !connected_voter(to)) return false;
  transferring_to_ = to;
  send(to, Transfer{state_.term, to});
  finish(now);
  return true;
}

inline NodeId BullyElection::best_successor(TimePoint now) const {
  const Peer* best = nullptr;
  NodeId best_id = kNobody;
  for (const auto& [id, peer] : peers_) {
    if (!connected_voter(id) || !configured(id) || peer.acked_round == 0 || peer.report.health != 0) continue;
    if (now - peer.acked_at > options_.timing.failure_timeout) continue;
    // Ascending IDs: of equals the highest stays.
    if (best != nullptr && peer.report.missing > best->report.missing) continue;
    best = &peer;
    best_id = id;
  }
  return best_id;
}

/// Rule 7. The asker counts its own back-off; the leader adds what the asker may have forgotten in a restart.
inline void BullyElection::consider_takeover(const PreVote& message, TimePoint now) {
  if (!leading_ || message.from < self() || !connected_voter(message.from)) return;
  if (takeover_shown_ && now - *takeover_shown_ < std::chrono::seconds(1)) return;
  const bool flapped = losses_.find(message.from) != losses_.end() && !sabotaged(Rule::takeover_backs_off);
  if (flapped && now - peers_[message.from].up_since < takeover_delay(message.from, now)) return;
  takeover_shown_ = now;
  emit(TakeoverAsked{message.from});
}

}  // namespace cloudp2p
