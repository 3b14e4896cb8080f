#include "core/landing.hpp"

namespace cloudp2p::core {
namespace {

constexpr std::size_t kOrphansMax = 64;

CatalogChange here(const ImageRecord& record, const StoredImage& stored, std::int64_t now_ms) {
  return CatalogChange{record, CatalogChange::Presence{true, stored.file_name, now_ms}};
}

}  // namespace

void Landing::land(std::unique_ptr<LocalPut> put, const ImageRecord& record, Term term, Done done) {
  auto committed = [this, record, term, done = std::move(done)](Result<StoredImage> stored) mutable {
    if (!stored.ok()) return done(stored.error());
    if (services_.superseded(term)) {
      remember(std::move(*stored));
      return done(Errc::stale_term);
    }
    adopt(*stored, record, term, std::move(done));
  };
  put->commit(services_.guard(std::move(committed)));
}

void Landing::adopt(const StoredImage& stored, const ImageRecord& record, Term term, Done done) {
  auto recorded = [this, term, done = std::move(done)](Result<CatalogEntry> entry) mutable {
    if (entry.ok() && services_.superseded(term)) return done(Errc::stale_term);
    done(std::move(entry));
  };
  services_.record(here(record, stored, services_.ports.timers->wall_ms()), std::move(recorded));
}

void Landing::land_repair(std::unique_ptr<LocalPut> put, const ImageRecord& record, Done done) {
  auto committed = [this, record, done = std::move(done)](Result<StoredImage> stored) mutable {
    if (!stored.ok()) return done(stored.error());
    services_.record(here(record, *stored, services_.ports.timers->wall_ms()), std::move(done));
  };
  put->commit(services_.guard(std::move(committed)));
}

void Landing::remember(StoredImage stored) {
  // The file of a forgotten one stays: by now a record may name it. Those without a record go to the trash at the next start.
  if (orphans_.size() >= kOrphansMax) orphans_.pop_front();
  orphans_.push_back(std::move(stored));
}

std::optional<StoredImage> Landing::take_orphan(const Digest& digest) {
  for (auto at = orphans_.begin(); at != orphans_.end(); ++at) {
    if (at->digest != digest) continue;
    StoredImage out = std::move(*at);
    orphans_.erase(at);
    return out;
  }
  return std::nullopt;
}

}  // namespace cloudp2p::core
