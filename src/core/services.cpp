#include "core/services.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr std::size_t kUntoldMax = 4'096;

}  // namespace

bool Services::is_voter(NodeId id) const {
  const Member* const member = view().membership.find(id);
  if (member == nullptr) return false;
  if (id == self) return member->incarnation == view().incarnation;
  const auto link = links.find(id);
  if (link == links.end() || !link->second.control_up) return false;
  return member->incarnation == link->second.incarnation || sabotaged(Rule::learners_do_not_count);
}

Incarnation Services::incarnation_of(NodeId id) const {
  const auto link = links.find(id);
  return link == links.end() ? Incarnation{} : link->second.incarnation;
}

std::vector<NodeId> Services::connected_voters() const {
  std::vector<NodeId> out;
  for (const Member& member : view().membership.members) {
    const auto link = links.find(member.id);
    if (member.id != self && link != links.end() && link->second.bulk_up && is_voter(member.id)) out.push_back(member.id);
  }
  return out;
}

Duration Services::silence_of(NodeId id) const {
  if (id == self || !leads(led_term)) return {};
  const auto report = reports.find(id);
  const auto link = links.find(id);
  TimePoint since = report == reports.end() ? leads_since : report->second.at;
  if (link != links.end() && link->second.control_up) since = std::max(since, link->second.up_since);
  const Duration silence = now() - since;
  return silence <= report_patience() ? Duration::zero() : silence;
}

bool Services::has_room(NodeId id, std::uint64_t bytes) const {
  if (id == self) {
    const StoreStatus status = ports.images->status();
    return status.health == StoreHealth::ok && status.free_bytes >= bytes;
  }
  // What a node that this leader does not hear said long ago tells nothing of its disk now.
  const MemberReport* const report = report_within(id, sabotaged(Rule::reports_grow_old) ? Duration::max() : report_patience());
  return report == nullptr || (report->health == static_cast<std::uint8_t>(StoreHealth::ok) && report->free_bytes >= bytes);
}

std::size_t Services::have_room_under(NodeId leader, std::uint64_t bytes) const {
  std::vector<NodeId> reached = replica_voters();
  if (leader != self) {
    const auto at = reports.find(leader);
    if (at != reports.end() && !at->second.report.reaches.empty()) reached = at->second.report.reaches;
    if (std::find(reached.begin(), reached.end(), self) == reached.end()) reached.push_back(self);
    std::erase(reached, leader);
  }
  const auto counts = [&](NodeId id) {
    const bool silent = leader == self && silence_of(id) != Duration::zero();
    return view().membership.find(id) != nullptr && !silent && has_room(id, bytes);
  };
  const auto others = std::count_if(reached.begin(), reached.end(), counts);
  return static_cast<std::size_t>(others) + (has_room(leader, bytes) ? 1 : 0);
}

std::size_t Services::voters_needed(const Membership& membership) const {
  if (config.quorum == Quorum::none) return 1;
  const std::size_t majority = majority_of(membership.members.size());
  return sabotaged(Rule::majority_acknowledges) ? std::max<std::size_t>(majority - 1, 1) : majority;
}

std::string Services::no_quorum_text() const {
  return fmt::format("no quorum: {} of {} reachable", connected_voters().size() + 1, view().membership.members.size());
}

Error Services::not_serving() const {
  if (view().role != ElectionRole::leader) return {Errc::not_leader, "this node does not lead"};
  if (!serving) return {Errc::no_leader, "the leader is taking over"};
  if (draining) return {Errc::no_leader, "the leader is handing over"};
  if (changing) return {Errc::no_leader, "the leader is changing the members"};
  return {};
}

std::uint64_t Services::window_bytes(std::size_t transfers) {
  if (sabotaged(Rule::credit_bounds_memory)) return limits::kImageBytesMaxDefault;
  return std::clamp(limits::kInFlightBytesMax / std::max<std::size_t>(transfers, 1), limits::kUploadWindowBytesMin,
                    limits::kUploadWindowBytesMax);
}

Stamp Services::next_stamp() {
  if (!sabotaged(Rule::stamps_are_unique)) ++sequence_;
  return Stamp{term(), self, sequence_};
}

void Services::raise_sequence(const Stamp& seen) {
  if (seen.leader == self) sequence_ = std::max(sequence_, seen.sequence);
}

Status Services::send(ConnectionId connection, const wire::Message& message, Buffer payload) {
  Status sent = ports.transport->send(connection, wire::encode(message, std::move(payload)));
  if (sent.ok() || (sent.code() == Errc::queue_full && std::holds_alternative<wire::Chunk>(message))) return sent;
  const wire::RequestId request = request_of(message);
  if (calls.awaits(connection, request)) {
    ports.executor->post(guard([this, request] { calls.fail(request); }));
  }
  return sent;
}

void Services::cancel(ConnectionId connection, wire::RequestId request) {
  if (ports.transport->send(connection, wire::encode(wire::Cancel{request})).code() != Errc::queue_full) return;
  std::vector<wire::RequestId>& untold = untold_[connection];
  untold.push_back(request);
  if (untold.size() > kUntoldMax) ports.transport->close(connection, {Errc::queue_full, "this node does not take what is sent"});
}

void Services::on_drained(ConnectionId connection) {
  const auto at = untold_.find(connection);
  if (at == untold_.end()) return;
  std::vector<wire::RequestId> untold;
  untold.swap(at->second);
  untold_.erase(at);
  for (const wire::RequestId request : untold) cancel(connection, request);
}

void Services::record(CatalogChange change, Callback<void(Result<CatalogEntry>)> done) {
  auto checked = [this, done = std::move(done)](Result<CatalogEntry> held) {
    const Errc code = held.code();
    const bool for_good = code == Errc::io || code == Errc::read_only || code == Errc::format;
    if (for_good && !catalog_failed) {
      catalog_failed = true;
      log(LogLevel::error, "catalog_failed", "the catalog takes no more records: " + held.error().text() + "; restart this node once mended");
    }
    if (held.ok() && held->record.digest == kWatermark) watermark = held->record.stamp;
    if (held.ok()) on_recorded(*held);
    done(std::move(held));
  };
  ports.catalog->put(std::move(change), guard(std::move(checked)));
}

void Services::send_error(ConnectionId connection, wire::RequestId request, Errc code, std::string message) {
  (void)send(connection, wire::ErrorReply{request, code, std::move(message), view().leader});
}

void Services::log(LogLevel level, std::string_view event, const std::string& text) const {
  ports.log->log_event(level, event, fmt::format("[Node {}] {}", value(self), text));
}

bool Services::news(const std::string& text) {
  constexpr auto kRepeatAfter = std::chrono::minutes(1);
  constexpr std::size_t kKept = 64;
  if (said_.size() >= kKept) said_.clear();
  const auto [at, fresh] = said_.try_emplace(text, now());
  if (!fresh && now() - at->second < kRepeatAfter) return false;
  at->second = now();
  return true;
}

}  // namespace cloudp2p::core
