// BullyElection: its inputs, who counts, and when something is due.
#pragma once

#include <cloudp2p/bully_election.hpp>

namespace cloudp2p {

inline BullyElection::BullyElection(BullyOptions options, DurableState state)
    : options_(std::move(options)), state_(std::move(state)) {
  state_.node = options_.self;
  for (const NodeId id : options_.configured) {
    if (id != options_.self) peers_[id];
  }
  update_view();
}

inline void BullyElection::start(TimePoint now) {
  started_ = true;
  stand_at_ = now;
  finish(now);
}

inline void BullyElection::on_message(const ElectionMessage& message, TimePoint now) {
  if (!started_) return;
  std::visit([&](const auto& m) { handle(m, now); }, message);
  finish(now);
}

/// Also of whoever is neither configured nor a member: it may become one while the connection lasts, and is not
/// announced again then.
inline void BullyElection::on_peer_up(const PeerIdentity& identity, TimePoint now) {
  if (identity.id == self() || identity.id == kNobody) return;
  Peer* peer = &peers_[identity.id];
  if (peer->incarnation != identity.incarnation) *peer = Peer{};
  if (peer->link != Link::up) peer->up_since = now;
  if (identity.id == suspect_) suspect_ = kNobody;
  peer->link = Link::up;
  peer->incarnation = identity.incarnation;
  peer->cluster = identity.cluster;
  if (leading_) {
    send(identity.id, Coordinator{state_.term, self()});
    send_heartbeat(identity.id);
  } else if (phase_ == Phase::pre_vote) {
    ask_for_pre_vote(identity.id);
  } else if (phase_ == Phase::vote) {
    ask_for_vote(identity.id, false);
  }
  finish(now);
}

inline void BullyElection::on_peer_down(NodeId id, PeerLoss loss, TimePoint now) {
  const auto at = peers_.find(id);
  if (at == peers_.end()) return;
  at->second.link = loss == PeerLoss::closed ? Link::closed : loss == PeerLoss::refused ? Link::refused : Link::silent;
  // Rule 1: a refusal is as good as a message that the process is gone; a mere break is not.
  if (loss == PeerLoss::refused && id == leader_ && !refused_at_) refused_at_ = now;
  if (phase_ == Phase::pre_vote) evaluate_pre_vote(now);
  if (known_peer(id) == nullptr) peers_.erase(id);
  finish(now);
}

inline void BullyElection::on_deadline(TimePoint now) {
  if (!started_) return;
  if (leading_) {
    leader_deadline(now);
  } else {
    follower_deadline(now);
  }
  finish(now);
}

inline void BullyElection::on_store_fault(TimePoint now) {
  fault_ = true;
  phase_ = Phase::idle;
  if (leading_) step_down(StepDownReason::store_fault, now);
  finish(now);
}

inline void BullyElection::set_fitness(const Fitness& fitness, TimePoint now) {
  fitness_ = fitness;
  if (may_stand()) {
    resign_at_.reset();
  } else {
    phase_ = Phase::idle;
    // Hand over rather than leave a gap; what cannot be handed over in time is given up.
    if (leading_ && !resign_at_) {
      if (transfer_to(kNobody, now)) {
        resign_at_ = now + options_.timing.failure_timeout;
      } else {
        step_down(StepDownReason::store_fault, now);
      }
    }
  }
  finish(now);
}

inline void BullyElection::meet_term(Term term, TimePoint now) {
  if (term > state_.term && !fault_) {
    enter_term(term, now);
    persist();
  }
  finish(now);
}

inline void BullyElection::set_catalog(std::uint64_t root, std::uint64_t under_replicated) {
  catalog_root_ = root;
  under_replicated_ = under_replicated;
}

/// Those that are gone from the list stay known while they are members or connected.
inline void BullyElection::set_configured(std::vector<NodeId> ids, TimePoint now) {
  options_.configured = std::move(ids);
  for (const NodeId id : options_.configured) {
    if (id != self()) peers_[id];
  }
  for (auto at = peers_.begin(); at != peers_.end();) {
    const bool keep = known_peer(at->first) != nullptr || at->second.link == Link::up;
    at = keep ? std::next(at) : peers_.erase(at);
  }
  finish(now);
}

inline std::vector<ElectionAction> BullyElection::take_actions() {
  return std::exchange(actions_, {});
}

// Who counts.

inline bool BullyElection::configured(NodeId id) const {
  return std::find(options_.configured.begin(), options_.configured.end(), id) != options_.configured.end();
}

inline bool BullyElection::is_voter() const {
  return may_be_candidate(self(), state_.incarnation);
}

/// Without a quorum also whoever has the id of a member that nobody is bound to: it may have led by itself until it met the
/// others.
inline bool BullyElection::counts_as(const Member& member, const Incarnation& incarnation) const {
  return member.incarnation == incarnation || (options_.quorum == Quorum::none && member.incarnation.is_zero());
}

/// Rule 8: with a membership only its exact incarnations count; before there is one, everybody configured does.
inline bool BullyElection::may_be_candidate(NodeId id, const Incarnation& incarnation) const {
  if (blank()) return configured(id);
  const Member* member = state_.membership.find(id);
  return member != nullptr && !incarnation.is_zero() && counts_as(*member, incarnation);
}

inline bool BullyElection::connected_voter(NodeId id) const {
  if (id == self()) return is_voter();
  const auto at = peers_.find(id);
  return at != peers_.end() && at->second.link == Link::up && may_be_candidate(id, at->second.incarnation);
}

inline std::size_t BullyElection::needed(std::size_t member_count) const {
  if (options_.quorum == Quorum::none) return 1;
  const std::size_t majority = majority_of(member_count);
  return sabotaged(Rule::majority_leads) && majority > 1 ? majority - 1 : majority;
}

inline std::vector<NodeId> BullyElection::electors() const {
  if (blank()) return options_.configured;
  std::vector<NodeId> out;
  for (const Member& member : state_.membership.members)
    out.push_back(member.id);
  return out;
}

inline std::size_t BullyElection::reachable() const {
  const std::vector<NodeId> ids = electors();
  const auto count = std::count_if(ids.begin(), ids.end(), [&](NodeId id) { return connected_voter(id); });
  return static_cast<std::size_t>(count);
}

inline std::size_t BullyElection::higher_alive() const {
  const NodeId gone = leader_ != kNobody ? leader_ : suspect_;
  std::size_t count = 0;
  for (const NodeId id : electors()) {
    if (id > self() && id != gone && connected_voter(id)) ++count;
  }
  return count;
}

/// Configured and members only, so that what strangers say costs no memory.
inline BullyElection::Peer* BullyElection::known_peer(NodeId id) {
  if (id == self() || id == kNobody) return nullptr;
  const bool before = previous_ && previous_->find(id) != nullptr;
  if (!configured(id) && state_.membership.find(id) == nullptr && !before) return nullptr;
  return &peers_[id];
}

/// A known peer took part in an election. A lost leader that does is alive: whoever is lower stands after it again. Else
/// the two could stand in step for ever, each with the votes that the other lacks.
inline BullyElection::Peer* BullyElection::heard(NodeId id) {
  Peer* const peer = known_peer(id);
  if (peer != nullptr && id == suspect_ && !sabotaged(Rule::lost_leader_may_speak)) suspect_ = kNobody;
  return peer;
}

inline bool BullyElection::is_up(NodeId id) const {
  const auto at = peers_.find(id);
  return at != peers_.end() && at->second.link == Link::up;
}

// Time.

inline void BullyElection::finish(TimePoint now) {
  track_connectivity(now);
  update_view();
}

inline void BullyElection::track_connectivity(TimePoint now) {
  // By ID, not by incarnation: this node's membership may be older than that of those who are to vote.
  const std::vector<NodeId> ids = electors();
  const auto connected = std::count_if(ids.begin(), ids.end(), [&](NodeId id) { return id == self() || is_up(id); });
  bool ready = started_ && static_cast<std::size_t>(connected) >= needed(ids.size());
  bool all = ready;
  for (const auto& [id, peer] : peers_) {
    // A member with state wins over blank ones: wait to be taught, also by one that does not know this node yet.
    const bool there = peer.link == Link::up || peer.link == Link::closed;
    if (blank() && there && !peer.cluster.is_zero()) ready = false;
    if (peer.link != Link::up) all = false;
  }
  if (!ready) ready_since_.reset();
  if (ready && !ready_since_) ready_since_ = now;
  if (!ready || !all) all_since_.reset();
  if (ready && all && !all_since_) all_since_ = now;
}

inline void BullyElection::update_view() {
  view_.role = leading_                ? ElectionRole::leader
               : !is_voter()           ? ElectionRole::learner
               : phase_ != Phase::idle ? ElectionRole::candidate
                                       : ElectionRole::follower;
  view_.term = state_.term;
  view_.leader = leader_;
  view_.cluster = state_.cluster;
  view_.founded = state_.founded;
  view_.incarnation = state_.incarnation;
  if (!(view_.membership == state_.membership)) view_.membership = state_.membership;
  if (view_.previous != previous_) view_.previous = previous_;
  view_.committed = leading_ && committed_;
  view_.members_reachable = reachable();
  view_.members_total = electors().size();
}

/// From when on this node may stand, as far as connections go. A short settling time lets a higher ID that starts in
/// the same moment be seen; founding, and standing without a majority, wait longer for those that are not here yet.
inline BullyElection::Instant BullyElection::ready_at() const {
  if (!ready_since_) return std::nullopt;
  const ElectionTiming& timing = options_.timing;
  if (electors().size() == 1) return *ready_since_;
  if (!blank() && options_.quorum == Quorum::majority) return *ready_since_ + 2 * timing.heartbeat;
  const TimePoint patient = *ready_since_ + timing.founding_grace;
  return all_since_ ? std::min<TimePoint>(patient, *all_since_ + 2 * timing.heartbeat) : patient;
}

/// When the leader counts as lost, or, while nobody leads, when to stand. Rule 1.
inline BullyElection::Instant BullyElection::candidacy_at() const {
  if (leading_ || phase_ != Phase::idle) return std::nullopt;
  const Duration stagger = options_.timing.stagger * static_cast<int>(higher_alive());
  if (leader_ != kNobody) {
    return (refused_at_ ? *refused_at_ : last_heard_ + options_.timing.failure_timeout) + stagger;
  }
  const Instant ready = ready_at();
  if (!may_stand() || !ready) return std::nullopt;
  return std::max(stand_at_, *ready) + stagger;
}

/// Rule 7: doubled for each time that the lead was lost within the last ten minutes, at most ten minutes. `immediate` has no
/// delay to double, until it is the second time: then its node flaps, or is handed a lead that it can not get.
inline Duration BullyElection::takeover_delay(NodeId id, TimePoint now) const {
  constexpr Duration window = std::chrono::minutes(10);
  std::ptrdiff_t doublings = 0;
  if (const auto at = losses_.find(id); at != losses_.end() && !sabotaged(Rule::takeover_backs_off)) {
    doublings = std::count_if(at->second.begin(), at->second.end(), [&](TimePoint loss) { return now - loss < window; });
  }
  if (options_.takeover == Takeover::immediate && (doublings -= 2) < 0) return Duration::zero();
  Duration delay = options_.timing.takeover_delay;
  for (; doublings > 0; --doublings) delay = std::min(window, delay * 2);
  return delay;
}

inline BullyElection::Instant BullyElection::takeover_at() const {
  if (leading_ || phase_ != Phase::idle || leader_ == kNobody || leader_ > self()) return std::nullopt;
  if (options_.takeover == Takeover::never || !may_stand() || !configured(self()) || !fitness_.caught_up || !ready_since_) return std::nullopt;
  const TimePoint since = std::max(following_since_, *ready_since_);
  const TimePoint first = std::max<TimePoint>(since + takeover_delay(self(), since), held_until_);
  if (!asked_at_) return first;
  return std::max(first, *asked_at_ + std::max<Duration>(std::chrono::seconds(1), takeover_delay(self(), *asked_at_)));
}

inline TimePoint BullyElection::next_deadline() const {
  TimePoint next = TimePoint::max();
  const auto consider = [&](const Instant& at) {
    if (at) next = std::min(next, *at);
  };
  if (!started_) return next;
  if (leading_) {
    consider(heartbeat_at_);
    consider(resign_at_);
    if (options_.quorum == Quorum::majority) consider(confirmed_sent_ + options_.timing.failure_timeout);
    return next;
  }
  if (phase_ != Phase::idle) consider(phase_until_);
  consider(candidacy_at());
  consider(takeover_at());
  return next;
}

/// Whoever does not hear the other candidate is not staggered by it: by rank, so that the two part, and further each time, as
/// one may be nearer to the voters than the other. Longer each time, too: the votes of some may always come too late, and
/// while this node asks all for theirs nobody else can win.
inline Duration BullyElection::pause_after_vote() {
  constexpr unsigned doublings_max = 4;
  const std::vector<NodeId> ids = electors();
  auto higher = std::count_if(ids.begin(), ids.end(), [&](NodeId id) { return id > self(); });
  if (sabotaged(Rule::split_votes_part)) higher = 0;
  const int times = 1 << std::min(failed_votes_++, doublings_max);
  return times * options_.timing.answer_timeout + std::min(times, 4) * static_cast<int>(higher) * options_.timing.stagger;
}

inline void BullyElection::follower_deadline(TimePoint now) {
  if (phase_ != Phase::idle) {
    if (now < phase_until_) return;
    if (phase_ == Phase::pre_vote) return evaluate_pre_vote(now);
    return retry_after(pause_after_vote(), now);
  }
  if (const Instant due = candidacy_at(); due && now >= *due) {
    if (leader_ != kNobody) lose_leader(now);
    const Instant ready = ready_at();
    if (may_stand() && ready && now >= *ready) start_pre_vote(now);
    return;
  }
  if (const Instant due = takeover_at(); due && now >= *due) ask_for_takeover(now);
}

inline void BullyElection::leader_deadline(TimePoint now) {
  if (!holds_majority(now)) return step_down(StepDownReason::lost_majority, now);
  if (resign_at_ && now >= *resign_at_) return step_down(StepDownReason::store_fault, now);
  if (now >= heartbeat_at_) begin_round(now);
}

// Out.

inline void BullyElection::persist() {
  if (fault_) return;
  DurableState state = state_;
  if (sabotaged(Rule::vote_is_durable)) state.voted_for = kNobody;
  emit(PersistState{std::move(state)});
}

inline void BullyElection::send(NodeId to, ElectionMessage message) {
  if (!fault_) emit(SendMessage{to, std::move(message)});
}

inline void BullyElection::send_all(const ElectionMessage& message) {
  for (const auto& [id, peer] : peers_) {
    if (peer.link == Link::up) send(id, message);
  }
}

}  // namespace cloudp2p
