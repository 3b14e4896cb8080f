#include "sim/invariants.hpp"

#include "core/services.hpp"
#include "core/wire.hpp"

#include <fmt/format.h>

namespace cloudp2p::sim {
namespace {

constexpr std::size_t kViolationsMax = 20;

std::byte type_of(const wire::Message& message) {
  return wire::encode(message).head.front();
}

std::string described(const ImageRecord& record) {
  return text(record.stamp) + (record.tombstone ? ", deleted" : "");
}

std::string described(const CatalogEntry& entry) {
  return described(entry.record) + (entry.present ? ", present" : "");
}

}  // namespace

std::string text(const Stamp& stamp) {
  return fmt::format("({}, {}, {})", stamp.term, value(stamp.leader), stamp.sequence);
}

void Invariants::watch(Machine& member) {
  watched_.emplace_back();
  watched_.back().member = &member;
}

std::vector<NodeId> Invariants::members() const {
  std::vector<NodeId> out;
  const Membership& adopted = membership_.adopted();
  for (const Watched& node : watched_) {
    if (adopted.version == 0 || adopted.find(node.member->id()) != nullptr) out.push_back(node.member->id());
  }
  return out;
}

void Invariants::violated(const char* rule, const std::string& what) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(scheduler_.now().time_since_epoch()).count();
  const std::string line = fmt::format("{} violated after {} ms: {}", rule, ms, what);
  if (violations_.size() < kViolationsMax) {
    violations_.push_back(line);
    log_.note("*** " + line);
  }
}

void Invariants::tell(const Digest& digest, const Machine* member, const std::string& what) {
  if (options_.watched_image.empty() || digest.hex().rfind(options_.watched_image, 0) != 0) return;
  log_.note(fmt::format("--- {}: {}{}", short_id(digest),
                        member == nullptr ? std::string() : fmt::format("node {}: ", value(member->id())), what));
}

void Invariants::on_bytes_stored(Machine& member, const Digest& digest) {
  tell(digest, &member, "its file is durable");
  of(member.id()).lost.erase(digest);
}

void Invariants::on_bytes_gone(Machine& member, const Digest& digest) {
  tell(digest, &member, "its file is gone");
  doubtful_.insert(digest);
}

void Invariants::on_state_durable(Machine& member, const DurableState& state) {
  Watched& node = of(member.id());
  if (state.incarnation != node.incarnation) {
    node.incarnation = state.incarnation;
    node.promised = 0;
    node.former_votes.merge(node.votes);
    node.votes.clear();
  }
  node.founded = state.founded;
  if (state.term < node.promised) {
    violated("I2 (terms never fall)",
             fmt::format("node {}: durable term {} after {}", value(member.id()), state.term, node.promised));
  }
  node.promised = std::max(node.promised, state.term);
  const bool other_members = !(membership_.of(member.id()) == state.membership);
  const MembershipWatch::Seen seen = membership_.on_state(member.id(), state);
  if (other_members) topology_changed();  // Of other members those that it reaches may be a majority.
  if (seen.changed) {
    if (!seen.broken.empty()) violated("I15 (majorities of adjacent memberships intersect)", seen.broken);
    // What a disk that hung writes when a later leader's members are on their majority is in force no more: it had what
    // was acknowledged when it was proposed, and no candidate can take it for the newest.
    if (!membership_.adopted().newer_than(state.membership)) members_changed(state.membership);
  }
  if (state.voted_for == kNobody) return;
  const auto [vote, first] = node.votes.try_emplace(state.term, state.voted_for);
  if (!first && vote->second != state.voted_for) {
    violated("I3 (one vote a term)", fmt::format("node {} voted for {} and for {} in term {}", value(member.id()),
                                                 value(vote->second), value(state.voted_for), state.term));
  }
}

/// Nobody knows of bytes that rot before somebody looks: the last good ones may leave with a member.
void Invariants::members_changed(const Membership& members) {
  bool all = true;
  for (Watched& node : watched_) {
    if (members.find(node.member->id()) != nullptr) continue;
    node.was_outside = true;
    all = false;
  }
  for (const Digest& digest : rotted_) {
    if (!all && !on_majority(members, [&](const Watched& node) { return node.member->images().sound(digest); })) damaged_.insert(digest);
  }
  for (const auto& [digest, stamp] : newest_acknowledged_)
    check_kept("I15 (what was acknowledged is on a majority of the new members)", members, digest, stamp);
}

void Invariants::on_frame(const End& to, const Frame& frame) {
  static const std::byte kVote = type_of(Vote{});
  static const std::byte kHello = type_of(wire::Hello{});
  if (frame.head.empty() || (frame.head.front() != kVote && frame.head.front() != kHello)) return;
  const Result<wire::Message> message = wire::decode(frame.head);
  const wire::Hello* const hello = message.ok() ? std::get_if<wire::Hello>(&*message) : nullptr;
  if (hello != nullptr) return check_hello(to, hello->node, hello->incarnation);
  const Vote* const vote = message.ok() ? std::get_if<Vote>(&*message) : nullptr;
  if (vote == nullptr || !vote->granted || value(vote->from) == 0 || value(vote->from) > watched_.size()) return;
  // Votes go to their candidate and to nobody else.
  for (const Watched& candidate : watched_) {
    if (candidate.member->host() != to.host) continue;
    const NodeId id = candidate.member->id();
    const auto [sent, first] = of(vote->from).votes_sent.try_emplace({vote->incarnation, vote->term}, id);
    if (!first && sent->second != id) {
      violated("I3 (one vote a term)", fmt::format("node {} sent its vote of term {} to {} and to {}",
                                                   value(vote->from), vote->term, value(sent->second), value(id)));
    }
  }
}

/// A node whose disk fails tells at once what it is, and votes for nobody. What a former process said may come late.
void Invariants::check_hello(const End& to, NodeId from, const Incarnation& told) {
  if (value(from) == 0 || value(from) > watched_.size()) return;
  Watched& node = of(from);
  if (to.info.dialled) node.known_as[to.host] = told;
  if (told == node.incarnation || !node.member->running()) return;
  const NodeStatus teller = node.member->status();
  if (teller.election.incarnation != told || teller.store.health == StoreHealth::failed) return;
  violated("I2 (no incarnation is told before it is durable)",
           fmt::format("node {} said that it is {}", value(from), told.hex().substr(0, 8)));
}

void Invariants::on_record_durable(Machine& member, const CatalogChange& change, const CatalogEntry& held) {
  tell(change.record.digest, &member, "recorded " + described(held) + (change.presence ? ", its file was looked at" : ""));
  if (change.record.digest == core::kWatermark) return;
  if (held.record.stamp == Stamp{}) return on_forgotten(member, change.record);
  Watched& node = of(member.id());
  if (held.present || held.record.tombstone) node.copies.try_emplace(change.record.stamp, Copy{node.promised, node.incarnation});
  const bool less = held.record.tombstone || (change.presence && !change.presence->present);
  if (less) doubtful_.insert(change.record.digest);
  const auto offered = offered_.find(change.record.digest);
  if (offered == offered_.end() || offered->second != change.record.size_bytes) {
    violated("I11 (nothing that nobody uploaded)",
             fmt::format("node {} recorded {}", value(member.id()), short_id(change.record.digest)));
  }
}

void Invariants::on_forgotten(Machine& member, const ImageRecord& record) {
  doubtful_.insert(record.digest);
  Stamp& forgotten = forgotten_[record.digest];
  if (!record.tombstone || record.stamp <= forgotten) return;
  forgotten = record.stamp;
  if (options_.shared) return forget_acknowledged(record);  // all have one catalog
  // Of a machine whose process has just died nobody knows what it took for the membership.
  const Membership membership = member.running() ? member.status().election.membership : Membership{};
  for (const Member& one : membership.members) {
    const Watched& holder = of(one.id);
    // Who has just lost its disk learns it all again.
    const bool bound = holder.incarnation == one.incarnation && !holder.damaged;
    const bool may_lack = one.id == member.id() || !bound || of(member.id()).was_outside;
    if (may_lack || knows(holder, record.digest, record.stamp)) continue;
    violated("I14 (no tombstone is forgotten while a member lacks it)",
             fmt::format("node {} forgot {} {}, which node {} does not hold", value(member.id()), short_id(record.digest),
                         text(record.stamp), value(one.id)));
    log_.note(whereabouts(record.digest));
  }
  forget_acknowledged(record);
}

void Invariants::forget_acknowledged(const ImageRecord& record) {
  const auto acknowledged = newest_acknowledged_.find(record.digest);
  if (acknowledged != newest_acknowledged_.end() && acknowledged->second <= record.stamp) {
    newest_acknowledged_.erase(acknowledged);
  }
}

void Invariants::on_leading(Machine& member, Term term) {
  const auto [leader, first] = leaders_.try_emplace(term, member.id());
  if (!first && leader->second != member.id() && by_majority()) {
    violated("I1 (one leader a term)",
             fmt::format("nodes {} and {} lead term {}", value(leader->second), value(member.id()), term));
  }
  const bool promised = on_majority(held_by(member), [&](const Watched& node) {
    const auto vote = node.votes.find(term);
    const auto former = node.former_votes.find(term);
    const bool voted = vote != node.votes.end() && vote->second == member.id();
    return voted || (former != node.former_votes.end() && former->second == member.id());
  });
  if (!promised) {
    violated("I4 (a leader holds a majority of durable promises)",
             fmt::format("node {} leads term {} without a majority of durable votes", value(member.id()), term));
  }
}

void Invariants::on_serving(Machine& member, Term term) {
  Watched& node = of(member.id());
  node.serving = term;
  for (const auto& [digest, stamp] : newest_acknowledged_) {
    // A leader that slept may begin to serve when a later one has acknowledged already: it will find out.
    if (by_majority() && stamp.term < term && !knows(node, digest, stamp)) {
      violated(
          "I10 (a new leader knows what was acknowledged)",
          fmt::format("node {} serves term {} without {} {}", value(member.id()), term, short_id(digest), text(stamp)));
    }
    check_kept(digest, stamp);
  }
}

void Invariants::on_stepped_down(Machine& member, Term term) {
  (void)term;
  of(member.id()).serving = 0;
}

void Invariants::on_stamped(Machine& member, const ImageRecord& record) {
  tell(record.digest, &member, "stamped " + described(record));
  if (!stamps_.insert(record.stamp).second) {
    violated("I7 (stamps are unique)", fmt::format("node {} gave {} twice", value(member.id()), text(record.stamp)));
  }
  const auto leader = leaders_.find(record.stamp.term);
  const bool led = !by_majority() || (leader != leaders_.end() && leader->second == member.id());
  if (!led || member.status().election.role != ElectionRole::leader) {
    violated("I1 (one leader a term)",
             fmt::format("node {} gave {}, but does not lead that term", value(member.id()), text(record.stamp)));
  }
  if (record.tombstone) newest_tombstone_[record.digest] = std::max(newest_tombstone_[record.digest], record.stamp);
}

bool Invariants::knows(const Watched& node, const Digest& digest, const Stamp& at_least) {
  const auto& records = node.member->catalog().durable();
  const auto at = records.find(digest);
  return at != records.end() && at->second.record.stamp >= at_least;
}

bool Invariants::holds(const Watched& node, const Digest& digest, const Stamp& at_least) {
  const auto& records = node.member->catalog().durable();
  const auto at = records.find(digest);
  if (at == records.end() || at->second.record.stamp < at_least) return false;
  return at->second.record.tombstone || (at->second.present && node.member->images().holds(digest));
}

bool Invariants::has_bytes(const Watched& node, const Digest& digest, const Stamp& at_least) const {
  if (holds(node, digest, at_least)) return true;
  const auto& records = node.member->catalog().durable();
  const auto at = records.find(digest);
  const bool older = rotted_.contains(digest) && at != records.end() && at->second.present;
  return older && node.member->images().holds(digest);
}

Invariants::Kept Invariants::kept(const Membership& members, const Digest& digest, const Stamp& stamp,
                                  bool excuse_damaged) const {
  const auto excused = [&](const Watched& node) { return excuse_damaged && node.damaged; };
  Kept out;
  out.records = on_majority(members, [&](const Watched& node) { return excused(node) || knows(node, digest, stamp); });
  out.bytes = on_majority(members, [&](const Watched& node) { return excused(node) || has_bytes(node, digest, stamp); });
  return out;
}

void Invariants::on_acknowledged(Machine& member, const ImageRecord& record, Term term) {
  tell(record.digest, &member, "acknowledged " + described(record));
  // What was lost while nobody had acknowledged it, and nobody missed it, is missed from now on.
  for (Watched& node : watched_) node.damaged |= !record.tombstone && node.lost.contains(record.digest);
  // The copy of a learner counts in no majority; that of a member counts, though it lost its disk and was unbound since. Who
  // slept holds former members, bound to incarnations that are gone.
  const auto durable = [&](const Membership& members, const Watched& node) {
    const Member* const bound = members.find(node.member->id());
    const auto counts = [&](const Incarnation& incarnation) {
      const bool former = bound != nullptr && bound->incarnation.is_zero() && incarnation != node.incarnation;
      return bound == nullptr || former || bound->incarnation == incarnation;
    };
    const auto copy = node.copies.find(record.stamp);
    // Rot that is found between the record and the answer takes a copy as it would a moment later.
    const bool lost = node.damaged || rotted_.contains(record.digest);
    const auto may_count = [&] {
      const auto known = node.known_as.find(member.host());
      return known == node.known_as.end() || known->second == copy->second.incarnation;
    };
    const bool had = lost && copy != node.copies.end() && counts(copy->second.incarnation) && may_count();
    return had || (counts(node.incarnation) && holds(node, record.digest, record.stamp));
  };
  const auto in_time = [&](const Watched& node) {
    const auto copy = node.copies.find(record.stamp);
    return copy != node.copies.end() && copy->second.promised <= term;
  };
  // A leader that slept may acknowledge late what has been forgotten since, by I14 with all members holding it.
  const auto forgotten = forgotten_.find(record.digest);
  const bool over = forgotten != forgotten_.end() && record.stamp <= forgotten->second;
  for (const Watched& node : watched_) {
    if (by_majority() && node.serving > term && !over && !knows(node, record.digest, record.stamp)) {
      violated("I10 (a new leader knows what was acknowledged)",
               fmt::format("node {} acknowledged {} {}, of which node {} that serves term {} knows nothing",
                           value(member.id()), short_id(record.digest), text(record.stamp), value(node.member->id()),
                           node.serving));
    }
  }
  const auto durable_on = [&](const Membership& members) {
    if (over) return true;
    const Kept all = kept(members, record.digest, record.stamp, false);
    const bool there = on_majority(members, [&](const Watched& node) { return durable(members, node); });
    return there || (rotted_.contains(record.digest) && all.records && all.bytes);
  };
  // Without a quorum each side has members of its own.
  if (!durable_on(held_by(member)) || (by_majority() && !durable_on(membership_.adopted()))) {
    violated("I5 (acknowledged is durable on a majority)",
             fmt::format("node {} acknowledged {} {} without a majority of durable copies", value(member.id()),
                         short_id(record.digest), text(record.stamp)));
    log_.note(whereabouts(record.digest));
  } else if (options_.shared ? !in_time(of(member.id())) : !on_majority(held_by(member), in_time)) {
    violated("I6 (no acknowledgement under a superseded term)",
             fmt::format("node {} acknowledged {} {}, but no majority had it before it promised a term above {}",
                         value(member.id()), short_id(record.digest), text(record.stamp), term));
  }
  // A copy that rotted before its image was deleted counts when the image is stored again, until somebody looks at it.
  const bool rots = rotted_.contains(record.digest) && !record.tombstone;
  const auto sound = [&](const Watched& node) { return node.member->images().sound(record.digest); };
  if (rots && !on_majority(membership_.adopted(), sound)) damaged_.insert(record.digest);
  check_connected(of(member.id()), "acknowledged an upload");
  acknowledged_.push_back(record);
  ever_acknowledged_.insert(record.digest);
  becomes_known(record.digest, record.stamp);
  if (over) return;
  Stamp& newest = newest_acknowledged_[record.digest];
  newest = std::max(newest, record.stamp);
}

void Invariants::on_confirmed_read(Machine& member, Term term) {
  (void)term;
  check_connected(of(member.id()), "confirmed a read");
}

void Invariants::check_kept(const char* rule, const Membership& members, const Digest& digest, const Stamp& stamp) {
  const auto [records, bytes] = kept(members, digest, stamp, true);
  // Of what is deleted, or may be, nobody keeps the bytes.
  const auto tombstone = newest_tombstone_.find(digest);
  const bool owed = !damaged_.contains(digest) && (tombstone == newest_tombstone_.end() || tombstone->second < stamp);
  if (!records || (owed && !bytes)) {
    violated(rule, fmt::format("{} {}: {} are not durable on a majority", short_id(digest), text(stamp),
                               records ? "the bytes" : "records"));
    log_.note(whereabouts(digest));
  }
}

std::string Invariants::whereabouts(const Digest& digest) const {
  std::string out = histories_.at(digest).text();
  for (const Watched& node : watched_) {
    const auto& records = node.member->catalog().durable();
    const auto at = records.find(digest);
    const bool recorded = at != records.end();
    const std::string record = recorded ? text(at->second.record.stamp) : std::string("no record");
    out += fmt::format("  node {}: {}{}{}{}\n", value(node.member->id()), record,
                       recorded && at->second.record.tombstone ? ", deleted" : "",
                       recorded && at->second.present ? ", present" : "",
                       node.member->images().holds(digest) ? ", a file" : "");
  }
  return out;
}

void Invariants::check_all() {
  for (const auto& [digest, stamp] : newest_acknowledged_)
    check_kept(digest, stamp);
  check_often();
}

void Invariants::check_often() {
  settle_damage();
  for (const Digest& digest : doubtful_) {
    const auto acknowledged = newest_acknowledged_.find(digest);
    if (acknowledged != newest_acknowledged_.end()) check_kept(digest, acknowledged->second);
  }
  doubtful_.clear();
  for (const Watched& node : watched_) {
    if (!node.member->running()) continue;
    const NodeStatus status = node.member->status();
    const std::size_t queue = node.member->longest_queue_bytes();
    const std::size_t in_flight_max =
        std::max(limits::kInFlightBytesMax, limits::kUploadsMax * limits::kUploadWindowBytesMin);
    if (status.bytes_in_flight > in_flight_max || status.uploads_in_flight > 2 * limits::kUploadsMax ||
        queue > limits::kBulkQueueBytesMax) {
      violated("I17 (within limits)",
               fmt::format("node {}: {} bytes and {} uploads in flight, {} bytes in one queue",
                           value(node.member->id()), status.bytes_in_flight, status.uploads_in_flight, queue));
    }
  }
}

}  // namespace cloudp2p::sim
