#include "core/collection.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr Duration kPauseMax = std::chrono::minutes(10);

}  // namespace

wire::Entry Collection::named(const ImageRecord& record) {
  wire::Entry out;
  out.record.digest = record.digest;
  out.record.stamp = record.stamp;
  out.record.tombstone = record.tombstone;
  return out;
}

bool Collection::all_equal() const {
  if (services_.shared()) return true;
  // While the members change, a former one may still be needed; only what all of both hold could be forgotten.
  if (services_.view().previous) return false;
  const std::uint64_t root = services_.ports.catalog->summary().root;
  for (const Member& member : services_.view().membership.members) {
    if (member.id == services_.self) continue;
    const auto report = services_.reports.find(member.id);
    const bool equal = report != services_.reports.end() && report->second.report.catalog_root == root;
    if (!services_.is_voter(member.id) || (!equal && !sabotaged(Rule::tombstone_waits_for_all))) return false;
  }
  return true;
}

void Collection::tick() {
  if (busy_ || !services_.serving || services_.now() < next_) return;
  if (services_.ports.catalog->summary().tombstones == 0 || !all_equal()) return;
  const Duration age = services_.extras.tombstone_age;
  next_ = services_.now() + std::min(kPauseMax, age / 4);
  busy_ = true;
  auto listed = [this](const Result<Entries>& page) {
    busy_ = false;
    // The answer is of now, and so must be the comparison.
    if (!page.ok() || !services_.serving || !all_equal()) return;
    std::vector<wire::Entry> dead;
    for (const CatalogEntry& entry : *page) {
      if (entry.record.digest != kWatermark) dead.push_back(named(entry.record));
    }
    if (!dead.empty()) raise_watermark(std::move(dead));
  };
  const std::int64_t before = services_.ports.timers->wall_ms() -
                              std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
  services_.catalog.tombstones(before, limits::kSyncRecordsPerPage, std::move(listed));
}

void Collection::raise_watermark(std::vector<wire::Entry> dead) {
  busy_ = true;
  ImageRecord watermark;
  watermark.digest = kWatermark;
  watermark.tombstone = true;
  watermark.time_ms = services_.ports.timers->wall_ms();
  auto raised = [this, dead = std::move(dead), term = services_.term()](const Status& status) {
    busy_ = false;
    if (!status.ok() || !services_.leads(term)) return;
    services_.log(LogLevel::info, "tombstones_forgotten", fmt::format("forgetting {} tombstones that every member holds", dead.size()));
    for (const NodeId id : services_.replica_voters()) order(services_.links.at(id).bulk, dead);
    for (const wire::Entry& entry : dead) forget(entry.record);
    if (dead.size() + 1 >= limits::kSyncRecordsPerPage) next_ = TimePoint{};
  };
  if (sabotaged(Rule::watermark_is_raised)) return raised({});
  (void)push_.push({watermark}, services_.guard(std::move(raised)));
}

void Collection::order(ConnectionId member, std::vector<wire::Entry> entries) {
  (void)services_.send(member, wire::Forget{services_.term(), services_.self, std::move(entries)});
}

void Collection::on_forget(const wire::Forget& order) {
  if (order.term != services_.term() || order.from != services_.view().leader || order.from == services_.self) return;
  // What was read from the leader before it forgot would bring a record back.
  repair_.drop_sync();
  for (const wire::Entry& entry : order.entries) forget(entry.record);
}

void Collection::forget(const ImageRecord& record) {
  services_.catalog.look_up(record.digest, [this, record](const Result<std::optional<CatalogEntry>>& held) {
    const bool this_one = held.ok() && held->has_value() && (*held)->record.stamp == record.stamp;
    if (!this_one || landing_.under_way(record.digest)) return;
    repair_.drop_deleted(record);
    CatalogChange change{(*held)->record, std::nullopt, true, true};
    services_.record(std::move(change), [this, before = **held](const Result<CatalogEntry>& after) {
      if (after.ok() && after->record.stamp == Stamp{}) forgotten(before);
    });
  });
}

void Collection::forgotten(const CatalogEntry& held) {
  if (!held.present) return;
  if (held.record.tombstone) return landing_.bury(held.record.digest, held.file_name);
  services_.log(LogLevel::warning, "image_set_aside",
                fmt::format("image {} is known to this node alone, never confirmed to a client or from before deletes that "
                            "were forgotten since: {} moved to the quarantine",
                            short_id(held.record.digest), held.file_name));
  services_.ports.images->quarantine(held.file_name, [](const Status&) {});
}

}  // namespace cloudp2p::core
