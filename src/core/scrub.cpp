#include "core/scrub.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr auto kLookPause = std::chrono::seconds(10);
constexpr std::size_t kDueMax = 16;
constexpr std::size_t kChecksAtOnce = 4;
constexpr std::size_t kAwaitedMax = 10'000;
constexpr double kRateFloor = 1024 * 1024;
/// A small image costs a seek and a share of a sync, whatever its size.
constexpr std::uint64_t kCostMin = 128 * 1024;
/// What a tick that came late may make up for.
constexpr auto kCatchUp = std::chrono::milliseconds(200);

bool is_bad(const Status& status) {
  return status.code() == Errc::integrity || status.code() == Errc::not_found;
}

std::uint64_t cost_of(const CatalogEntry& entry) { return std::max(entry.record.size_bytes, kCostMin); }

}  // namespace

void Scrub::tick(bool quiet) {
  quiet_ = quiet;
  if (pass_ && pass_->shown.running) return go_on_with(pass_, quiet ? kChecksAtOnce : 1);
  go_on_in_background();
}

/// Without a store and a catalog that take changes nothing could be dated or put aside.
bool Scrub::able() const {
  const StoreHealth health = services_.ports.images->status().health;
  return (health == StoreHealth::ok || health == StoreHealth::full) && !services_.catalog_failed;
}

double Scrub::background_rate() const {
  const CatalogSummary& held = services_.ports.catalog->summary();
  const auto cost = static_cast<double>(std::max(held.image_bytes, held.images * kCostMin));
  const auto interval = static_cast<double>(std::max<std::int64_t>(services_.config.scrub_interval.count(), 1));
  const double wanted = std::max(kRateFloor, cost / interval);
  const auto most = static_cast<double>(services_.config.scrub_bytes_per_second);
  return most > 0 ? std::min(wanted, most) : wanted;
}

std::int64_t Scrub::due_age_ms(double rate) const {
  const CatalogSummary& held = services_.ports.catalog->summary();
  const auto cost = static_cast<double>(std::max(held.image_bytes, held.images * kCostMin));
  const auto interval = static_cast<double>(services_.config.scrub_interval.count());
  return static_cast<std::int64_t>(1'000 * std::max(0.0, interval - cost / rate));
}

void Scrub::begin(const CatalogEntry& entry, double rate, Callback<void(const Status&)> done) {
  if (rate > 0) {
    const std::chrono::duration<double> share(static_cast<double>(cost_of(entry)) / rate);
    next_check_ = std::max<TimePoint>(next_check_, services_.now() - kCatchUp) + std::chrono::duration_cast<Duration>(share);
  }
  copies_.check(entry, services_.guard(std::move(done)));
}

void Scrub::go_on_in_background() {
  if (looking_ || checking_ || !able()) return;
  const TimePoint now = services_.now();
  if (due_.empty()) {
    if (now >= next_look_) look_for_due(nullptr);
    return;
  }
  if (now < next_check_) return;
  const CatalogEntry entry = std::move(due_.front());
  due_.pop_front();
  checking_ = true;
  begin(entry, background_rate(), [this](const Status& status) {
    checking_ = false;
    if (status.ok() || status.code() == Errc::busy || status.code() == Errc::io || is_bad(status)) {
      if (quiet_ && !(pass_ && pass_->shown.running)) go_on_in_background();
      return;
    }
    due_.clear();
    next_look_ = services_.now() + kLookPause;
  });
}

void Scrub::look_for_due(Callback<void()> looked) {
  looking_ = true;
  next_look_ = services_.now() + kLookPause;
  const std::int64_t now_ms = services_.ports.timers->wall_ms();
  auto found = [this, now_ms, looked = std::move(looked)](const Result<std::vector<CatalogEntry>>& stalest) {
    looking_ = false;
    if (stalest.ok()) note_oldest(*stalest, now_ms);
    if (looked) return looked();
    if (!stalest.ok() || services_.config.scrub_interval.count() == 0) return;
    const std::int64_t due_age = due_age_ms(background_rate());
    for (const CatalogEntry& entry : *stalest) {
      if (entry.verified_ms > now_ms || now_ms - entry.verified_ms >= due_age) due_.push_back(entry);
    }
    if (due_.size() == kDueMax) next_look_ = services_.now();
  };
  services_.catalog.stalest(now_ms, kDueMax, std::move(found));
}

void Scrub::note_oldest(const std::vector<CatalogEntry>& stalest, std::int64_t now_ms) {
  if (stalest.empty()) oldest_ms_ = 0;
  for (const CatalogEntry& entry : stalest) {
    if (entry.verified_ms > now_ms) continue;
    oldest_ms_ = entry.verified_ms;
    return;
  }
}

void Scrub::on_ask(ConnectionId connection, const wire::Scrub& ask) {
  if (ask.action == ScrubAction::begin) begin_pass();
  if (ask.action == ScrubAction::stop && pass_ && pass_->shown.running) {
    pass_->shown.running = false;
    pass_->shown.stopped = true;
    services_.log(LogLevel::info, "scrub_stopped", "scrub of everything: stopped");
  }
  wire::ScrubResult result{ask.request, services_.self, pass_ ? pass_->shown : ScrubPass{}};
  result.pass.missing = services_.ports.catalog->summary().missing;
  result.pass.oldest_verified_ms = oldest_ms_;
  (void)services_.send(connection, result);
}

void Scrub::begin_pass() {
  if (pass_ && pass_->shown.running) return;
  const std::int64_t now_ms = services_.ports.timers->wall_ms();
  const std::uint64_t before = pass_ ? pass_->shown.number : 0;
  const CatalogSummary& held = services_.ports.catalog->summary();
  pass_ = std::make_shared<Pass>();
  // Also differs from those before a restart.
  pass_->shown.number = std::max(before + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(now_ms, 0)));
  pass_->shown.running = true;
  pass_->shown.begun_ms = now_ms;
  pass_->shown.images_total = held.images - held.missing;
  pass_->shown.bytes_total = held.image_bytes;
  due_.clear();
  services_.log(LogLevel::info, "scrub_started", fmt::format("scrub of everything: {} images", pass_->shown.images_total));
}

void Scrub::go_on_with(const PassPtr& pass, std::size_t at_once) {
  const auto rate = static_cast<double>(services_.config.scrub_bytes_per_second);
  while (pass->shown.running && pass->checking < at_once && !pass->waiting.empty()) {
    if (rate > 0 && services_.now() < next_check_) return;
    const CatalogEntry entry = std::move(pass->waiting.front());
    pass->waiting.pop_front();
    ++pass->checking;
    begin(entry, rate, [this, pass, entry](const Status& status) { checked(pass, entry, status); });
  }
  if (pass->shown.running && pass->waiting.empty() && !pass->reading) read_on(pass);
}

void Scrub::read_on(const PassPtr& pass) {
  const BucketHashes& buckets = services_.ports.catalog->buckets();
  while (pass->bucket < limits::kBuckets && buckets[pass->bucket] == 0) ++pass->bucket;
  if (pass->bucket == limits::kBuckets) {
    if (pass->checking == 0) finish(pass);
    return;
  }
  pass->reading = true;
  auto read = [this, pass](Result<std::vector<CatalogEntry>> entries) {
    pass->reading = false;
    if (!entries.ok()) return;  // at the next tick again
    const bool more = entries->size() == limits::kSyncRecordsPerPage;
    pass->after = more ? entries->back().record.digest : Digest{};
    if (!more) ++pass->bucket;
    for (CatalogEntry& entry : *entries) {
      if (entry.present && !entry.record.tombstone) pass->waiting.push_back(std::move(entry));
    }
    go_on_with(pass, quiet_ ? kChecksAtOnce : 1);
  };
  services_.catalog.bucket(pass->bucket, pass->after, std::move(read));
}

void Scrub::checked(const PassPtr& pass, const CatalogEntry& entry, const Status& status) {
  --pass->checking;
  ScrubPass& shown = pass->shown;
  const bool bad = is_bad(status);
  if (bad) ++(status.code() == Errc::not_found ? shown.gone : shown.damaged);
  if (bad && pass->awaited.size() < kAwaitedMax) pass->awaited.insert(entry.record.digest);
  if (bad || status.ok()) {
    ++shown.images_checked;
    shown.bytes_checked += entry.record.size_bytes;
  } else if (status.code() != Errc::busy) {
    ++shown.unchecked;
  }
  // While others need the disk, the next one begins with the next tick.
  if (quiet_ || pass->waiting.empty()) go_on_with(pass, quiet_ ? kChecksAtOnce : 1);
}

void Scrub::finish(const PassPtr& pass) {
  if (looking_) return;  // at the next tick
  look_for_due([this, pass] {
    ScrubPass& shown = pass->shown;
    if (!std::exchange(shown.running, false)) return;
    shown.images_total = shown.images_checked;
    shown.bytes_total = shown.bytes_checked;
    services_.log(shown.damaged + shown.gone > 0 ? LogLevel::warning : LogLevel::info, "scrub_finished",
                  fmt::format("scrub of everything: {} images checked, {} damaged, {} gone, {} could not be checked",
                              shown.images_checked, shown.damaged, shown.gone, shown.unchecked));
  });
}

void Scrub::on_recorded(const CatalogEntry& held) {
  if (!pass_ || pass_->awaited.empty() || (!held.present && !held.record.tombstone)) return;
  pass_->shown.repaired += pass_->awaited.erase(held.record.digest);
}

}  // namespace cloudp2p::core
