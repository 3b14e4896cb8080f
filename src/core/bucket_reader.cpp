#include "core/bucket_reader.hpp"

namespace cloudp2p::core {
namespace {

struct Reading {
  std::uint32_t bucket;
  std::vector<CatalogEntry> entries;
  BucketDone done;
};

void read_page(Services& services, const std::shared_ptr<Reading>& reading) {
  auto page_read = [&services, reading](Result<std::vector<CatalogEntry>> page) {
    if (!page.ok()) return reading->done(page.error());
    const bool more = page->size() == limits::kSyncRecordsPerPage;
    std::move(page->begin(), page->end(), std::back_inserter(reading->entries));
    if (more) return read_page(services, reading);
    reading->done(std::move(reading->entries));
  };
  const Digest after = reading->entries.empty() ? Digest{} : reading->entries.back().record.digest;
  services.ports.catalog->bucket(reading->bucket, after, limits::kSyncRecordsPerPage,
                                 services.guard(std::move(page_read)));
}

}  // namespace

void read_bucket(Services& services, std::uint32_t bucket, BucketDone done) {
  auto reading = std::make_shared<Reading>();
  reading->bucket = bucket;
  reading->done = std::move(done);
  read_page(services, reading);
}

std::optional<BucketHashes> hashes_in(const Buffer& payload) {
  BucketHashes out;
  if (payload.size() != sizeof out) return std::nullopt;
  std::memcpy(out.data(), payload.data(), sizeof out);
  return out;
}

}  // namespace cloudp2p::core
