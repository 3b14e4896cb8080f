// What the election decided, carried out.
#include "core/node_impl.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {

void NodeImpl::act(const ElectionAction& action) {
  std::visit([this](const auto& what) { carry_out(what); }, action);
}

void NodeImpl::carry_out(const SendMessage& send) {
  const ConnectionId connection = control_to(send.to);
  if (connection == kNoConnection) return;
  std::visit([&](const auto& message) { (void)services_.send(connection, message); }, send.message);
}

void NodeImpl::carry_out(const LeadTerm& lead) {
  ++services_.counters.terms_led;
  services_.log(LogLevel::contract, "becoming_leader", lead.higher_silent ? "no Ok received -> becoming coordinator"
                                                       : "no higher nodes -> becoming coordinator");
  services_.log(LogLevel::contract, "heartbeats_started", "starting heartbeat task");
  if (services_.extras.observer != nullptr) services_.extras.observer->on_leading(lead.term);
  announced_ = services_.self;
  announced_term_ = lead.term;
  // What was said to this node when it led before is of another time.
  services_.reports.clear();
  services_.led_term = lead.term;
  services_.leads_since = services_.now();
  bully_->set_complete(false);
  replicas_.on_term_changed();
  repair_.on_term_changed();
  if (services_.shared()) return tenure_.begin(lead.term);
  takeover_.begin(lead.term);
  for (const NodeId voter : lead.voters) {
    if (voter != services_.self) takeover_.on_promise(voter);
  }
}

void NodeImpl::meet_term(Term newer) {
  driver_->feed([&](Election&, TimePoint now) { bully_->meet_term(newer, now); });
}

/// Without a quorum two may have led one term apart, and a later one than this: what is stamped now must be newer than what
/// either stamped.
bool NodeImpl::is_outranked_by(const Stamp& stamp) {
  const Term own = services_.term();
  if (services_.config.quorum == Quorum::majority || sabotaged(Rule::stamps_outrank_those_met)) return false;
  if (stamp <= Stamp{own, services_.self, stamp.sequence}) return false;
  services_.log(LogLevel::info, "stamps_met", fmt::format("node {} stamped in term {} what this leader of term {} never heard of: "
                                             "standing for a later one", value(stamp.leader), stamp.term, own));
  meet_term(std::max(stamp.term, own + 1));
  return true;
}

void NodeImpl::serve(Term term) {
  if (!services_.leads(term) || is_outranked_by(services_.ports.catalog->summary().newest)) return;
  services_.serving = true;
  update_fitness();  // Who is to be bound again must equal what the takeover has brought.
  if (!services_.leads(term)) return;
  bully_->set_complete(true);
  services_.log(LogLevel::info, "serving", fmt::format("serving in term {}: {} images, {} missing here", term,
                                            services_.ports.catalog->summary().images,
                                            services_.ports.catalog->summary().missing));
  if (services_.extras.observer != nullptr) services_.extras.observer->on_serving(term);
}

void NodeImpl::leave_office() {
  services_.serving = false;
  bully_->set_complete(false);
  takeover_.stop();
  uploads_.on_stepped_down();
  deletes_.on_stepped_down();
  membership_.on_stepped_down();
  reads_.on_stepped_down();
  replicas_.on_term_changed();
  repair_.on_term_changed();
  if (services_.shared()) let_go();
}

/// What is half done here belongs to the store that the next leader takes.
void NodeImpl::let_go() {
  parked_.clear();
  landing_.forget_orphans();
  tenure_.end();
}

void NodeImpl::carry_out(const FollowLeader& follow) {
  replicas_.on_term_changed();
  repair_.on_term_changed();
  if (announced_ == follow.leader && announced_term_ == follow.term) return;
  announced_ = follow.leader;
  announced_term_ = follow.term;
  services_.log(LogLevel::contract, "leader_announced", fmt::format("Coordinator announced: {}", value(follow.leader)));
}

void NodeImpl::carry_out(const LeaderLost& lost) {
  ++services_.counters.elections_started;
  services_.log(LogLevel::warning, "leader_lost", fmt::format("node {} no longer leads or can not be heard (term {})", value(lost.leader),
                                               lost.term));
}

void NodeImpl::carry_out(const StepDown& down) {
  static constexpr const char* kReasons[] = {"a higher term exists", "no majority acknowledges heartbeats",
                                             "the disk failed", "leadership was handed over"};
  services_.log(LogLevel::warning, "stepped_down", fmt::format("stepping down from term {}: {}", down.term,
                                               kReasons[static_cast<std::size_t>(down.reason)]));
  if (services_.extras.observer != nullptr) services_.extras.observer->on_stepped_down(down.term);
  leave_office();
  if (handover_) services_.ports.executor->post(services_.guard([this] { continue_handover(); }));
}

void NodeImpl::carry_out(const RoundConfirmed& confirmed) {
  reads_.on_round_confirmed(confirmed.round);
  if (!services_.serving) takeover_.tick();
}

void NodeImpl::carry_out(const TakeoverAsked& asked) {
  if (handover_ || (!all_have_reported() && !sabotaged(Rule::early_asker_waits))) return;
  const std::uint64_t bytes = std::max<std::uint64_t>(uploads_.refused_of_late(), 1);
  const bool waits = can_store_under(services_.self, bytes) && !can_store_under(asked.by, bytes);
  if (waits && !sabotaged(Rule::lonely_asker_waits)) {
    const std::string text = fmt::format("node {} asks to lead, but too few of the nodes that it reaches have room", value(asked.by));
    if (services_.news(text)) services_.log(LogLevel::info, "takeover_refused", text);
    return;
  }
  services_.log(LogLevel::info, "takeover_asked", fmt::format("node {} has returned and asks to lead", value(asked.by)));
  hand_over(asked.by);
}

/// Or had the time to. Before that this leader does not know under whom enough have room: what was said to it is of its term.
bool NodeImpl::all_have_reported() const {
  if (services_.shared() || services_.now() - services_.leads_since > services_.config.timing.failure_timeout) return true;
  const std::vector<NodeId> voters = services_.connected_voters();
  return std::all_of(voters.begin(), voters.end(), [this](NodeId id) { return services_.reports.count(id) != 0; });
}

void NodeImpl::hand_over(NodeId to) {
  services_.draining = true;
  handover_ = Handover{to, services_.now() + std::chrono::seconds(1), std::nullopt, nullptr, {}};
  services_.ports.executor->post(services_.guard([this] { continue_handover(); }));
}

void NodeImpl::carry_out(const MembershipAdopted& adopted) {
  services_.log(LogLevel::info, "membership_adopted", fmt::format("membership version {} of {} nodes{}", adopted.membership.version,
                                            adopted.membership.members.size(), adopted.founded ? "" : " (founding)"));
  takeover_.tick();
}

void NodeImpl::carry_out(const MemberReported& reported) {
  services_.reports[reported.from] = PeerReport{reported.report, services_.now()};
  if (!services_.serving) takeover_.on_promise(reported.from);
}

/// Of the whole directory: the images, and what goes with them.
StoreStatus NodeImpl::store_status() const {
  StoreStatus out = services_.ports.images->status();
  const bool state_failed = driver_->has_state_failed();
  if (!services_.catalog_failed && !state_failed && !disk_asked_ && !waits_for_disk_) return out;
  out.health = StoreHealth::failed;
  if (!out.problem.empty()) return out;
  out.problem = state_failed                ? "the state file can not be written"
                : services_.catalog_failed  ? "the catalog takes no more records"
                : services_.catalog.fails() ? "the catalog can not be read: " + services_.catalog.problem().text()
                                            : "the disk hangs";
  return out;
}

MemberReport NodeImpl::own_report() const {
  const CatalogSummary& catalog = services_.ports.catalog->summary();
  const StoreStatus store = store_status();
  std::vector<NodeId> ids;
  for (const PeerAddress& peer : services_.config.peers) ids.push_back(peer.id);
  // Of nodes that share one directory only the leader knows the records, and no other lacks any.
  return MemberReport{services_.shared() ? 0 : catalog.root,
                      catalog.images,
                      catalog.missing,
                      store.free_bytes,
                      static_cast<std::uint8_t>(store.health),
                      scrub_.oldest_verified_ms(),
                      services_.counters.copies_damaged,
                      digest_of_ids(std::move(ids)),
                      services_.replica_voters()};
}

void NodeImpl::update_fitness() {
  const StoreStatus store = services_.ports.images->status();
  const CatalogSummary& catalog = services_.ports.catalog->summary();
  Fitness fitness;
  const bool writes = store.health == StoreHealth::ok && !services_.catalog_failed;
  const bool full = store.health == StoreHealth::full && !services_.catalog_failed;
  fitness.can_vote = writes || full;  // somebody must lead even when all disks are full
  fitness.can_lead = fitness.can_vote && !disk_hangs();
  fitness.caught_up = writes && (services_.shared() || (catalog.missing == 0 && repair_.up_to_date()));
  fitness.report = own_report();
  const bool leads = services_.view().role == ElectionRole::leader;
  if (leads) under_replicated_ = count_under_replicated();
  driver_->feed([&](Election& election, TimePoint now) {
    election.set_fitness(fitness, now);
    if (leads) election.set_catalog(fitness.report.catalog_root, under_replicated_);
  });
}

/// A leader whose disk is full, or under which too few have room for an image that a client sends, makes way for a voter
/// under which enough have; for each in turn, as one may get no majority. So does one whose takeover does not end.
void NodeImpl::make_way_when_full() {
  constexpr auto kRemembered = std::chrono::seconds(20);
  constexpr auto kTakesOver = std::chrono::seconds(5);
  const bool full = services_.ports.images->status().health == StoreHealth::full;
  const TimePoint stuck_from = std::max(services_.leads_since, made_way_at_) + kTakesOver;
  const bool stuck = !services_.serving && services_.leads(services_.led_term) && services_.now() > stuck_from &&
                     !sabotaged(Rule::stuck_takeover_makes_way);
  const std::uint64_t wanted = full || stuck ? 1 : uploads_.refused_of_late();
  if (services_.now() - made_way_at_ > kRemembered) made_way_for_.clear();
  if (wanted == 0 || services_.shared() || !(services_.serving || stuck) || handover_) return;
  const bool own = services_.has_room(services_.self, wanted);
  if (own && (can_store_under(services_.self, wanted) || sabotaged(Rule::lonely_leader_makes_way))) return;
  std::vector<NodeId> able = services_.connected_voters();
  std::erase_if(able, [&](NodeId id) {
    const bool reports = services_.report_within(id, services_.config.timing.failure_timeout) != nullptr;
    return !reports || !services_.has_room(id, wanted) || !can_store_under(id, wanted);
  });
  const std::string why = full  ? "the disk is full"
                          : own ? "too few of the nodes that this one reaches have room"
                                : fmt::format("the disk has no room for an image of {} bytes", wanted);
  std::reverse(able.begin(), able.end());  // The highest first.
  for (const NodeId id : able) {
    if (!made_way_for_.insert(id).second && !sabotaged(Rule::full_leader_tries_each)) continue;
    made_way_at_ = services_.now();
    services_.log(LogLevel::warning, "handing_over_full",
                  fmt::format("{}: handing over to node {}, which reaches enough that have", why, value(id)));
    return hand_over(id);
  }
}

bool NodeImpl::can_store_under(NodeId leader, std::uint64_t bytes) const {
  return services_.shared() || services_.have_room_under(leader, bytes) >= services_.copies_needed();
}

/// Connected, but stopped or overloaded: only the leader can tell.
void NodeImpl::tell_of_the_silent() {
  if (services_.view().role != ElectionRole::leader) return silent_.clear();
  for (const Member& member : services_.view().membership.members) {
    const Duration silence = services_.silence_of(member.id);
    if (silence == Duration::zero()) {
      silent_.erase(member.id);
    } else if (control_to(member.id) != kNoConnection && silent_.insert(member.id).second) {
      services_.log(LogLevel::warning, "member_silent", fmt::format("node {} is connected and has not answered for {} s: is it "
                                                        "stopped or overloaded?", value(member.id), silence / std::chrono::seconds(1)));
    }
  }
}

std::string NodeImpl::catalog_problem() const {
  return services_.catalog.fails() ? " (" + services_.catalog.problem().text() + ")" : "";
}

/// A disk may hang without an error: a path to it is gone, or a file server. What all others have stored waits here then,
/// and with it every client. Relative to them, so that no leader is blamed for what is slow everywhere; and only when they
/// can elect another one. A catalog of which a page can not be read is no better.
void NodeImpl::make_way_when_hanging() {
  constexpr auto kDistrust = std::chrono::seconds(30);
  if (services_.shared()) return;
  if (std::exchange(disk_failed_, false)) ask_disk();
  if (services_.catalog.fails()) services_.catalog.probe();
  note_own_hang();
  if (disk_hangs() || services_.view().role != ElectionRole::leader) return;
  if (!services_.serving && sabotaged(Rule::hung_takeover_makes_way)) return;
  const std::size_t needed = services_.copies_needed();
  if (needed < 2 || services_.connected_voters().size() < needed) return;
  if (!uploads_.own_disk_hangs() && !push_.own_disk_hangs() && !services_.catalog.hangs()) return;
  const char* const what = services_.catalog.fails() ? "the catalog can not be read" : "the disk has not stored what the others have";
  services_.log(LogLevel::error, "disk_hangs", fmt::format("{} for {} s{}: making way for another leader", what,
                                               Services::kDiskPatience / std::chrono::seconds(1), catalog_problem()));
  disk_trusted_from_ = services_.now() + kDistrust;
  ask_disk();
  update_fitness();
}

/// A follower whose disk hangs acknowledges heartbeats: unless it says so the leader counts on it for every image.
void NodeImpl::note_own_hang() {
  const bool hangs = services_.writes_hang() || services_.catalog.hangs();
  const bool waits = hangs && services_.view().role != ElectionRole::leader && !sabotaged(Rule::hanging_follower_says_so);
  if (waits == std::exchange(waits_for_disk_, waits)) return;
  update_fitness();
  if (!hangs) services_.log(LogLevel::info, "disk_answers", "the disk answers again");
  if (!waits) return;
  services_.log(LogLevel::error, "disk_hangs",
                fmt::format("the {} for {} s{}: no image waits for this node until it answers",
                            services_.catalog.fails() ? "catalog can not be read" : "disk has not answered",
                            Services::kDiskPatience / std::chrono::seconds(1), catalog_problem()));
}

/// Answered in order: after all that waits there.
void NodeImpl::ask_disk() {
  disk_asked_ = true;
  services_.catalog.get(kWatermark, [this](const Result<std::optional<CatalogEntry>>& answer) {
    disk_failed_ = !answer.ok() || services_.catalog.fails();
    if (disk_failed_) return;
    disk_asked_ = false;
    services_.log(LogLevel::info, "disk_answers", "the disk answers again");
  });
}

std::uint64_t NodeImpl::count_under_replicated() const {
  const CatalogSummary& catalog = services_.ports.catalog->summary();
  std::uint64_t lacking = catalog.missing;
  if (services_.shared()) return lacking;
  for (const Member& member : services_.view().membership.members) {
    if (member.id == services_.self) continue;
    const MemberReport* const report = services_.report_within(member.id, services_.report_patience());
    if (report == nullptr) return catalog.images;
    const std::uint64_t unlisted = catalog.images > report->images ? catalog.images - report->images : 0;
    lacking += report->missing + unlisted;
  }
  return std::min(lacking, catalog.images);
}

}  // namespace cloudp2p::core
