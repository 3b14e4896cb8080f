#include "store/sqlite_tally.hpp"

namespace cloudp2p::store {

TallyChange TallyChange::of(const CatalogEntry* before, const CatalogEntry& after) {
  TallyChange out;
  const bool forgotten = after.record.stamp == Stamp{};
  out.bucket = bucket_of(forgotten && before != nullptr ? before->record.digest : after.record.digest);
  out.newest = after.record.stamp;
  const auto count = [&out](const CatalogEntry& entry, std::uint64_t times) {
    out.hash += times * record_hash(entry.record);
    if (entry.record.tombstone) {
      out.tombstones += times;
      if (entry.present) out.unburied += times;
      return;
    }
    out.images += times;
    out.image_bytes += times * entry.record.size_bytes;
    if (!entry.present) out.missing += times;
  };
  if (!forgotten) count(after, 1);
  if (before != nullptr) count(*before, ~std::uint64_t{0});  // minus one
  return out;
}

void Tally::apply(const TallyChange& change) {
  buckets_[change.bucket] += change.hash;
  root_is_stale_ = root_is_stale_ || change.hash != 0;
  summary_.images += change.images;
  summary_.tombstones += change.tombstones;
  summary_.missing += change.missing;
  summary_.unburied += change.unburied;
  summary_.image_bytes += change.image_bytes;
  summary_.newest = std::max(summary_.newest, change.newest);
}

const CatalogSummary& Tally::summary() const {
  if (root_is_stale_) {
    summary_.root = root_of(buckets_);
    root_is_stale_ = false;
  }
  return summary_;
}

}  // namespace cloudp2p::store
