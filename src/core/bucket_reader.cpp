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
  services.catalog.bucket(reading->bucket, after, std::move(page_read));
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

Buffer record_hashes(const std::vector<CatalogEntry>& entries) {
  std::vector<std::uint64_t> hashes;
  for (const CatalogEntry& entry : entries) hashes.push_back(record_hash(entry.record));
  return as_payload(hashes);
}

std::optional<std::vector<std::uint64_t>> record_hashes_in(const Buffer& payload) {
  if (payload.size() % sizeof(std::uint64_t) != 0) return std::nullopt;
  std::vector<std::uint64_t> out(payload.size() / sizeof(std::uint64_t));
  if (!out.empty()) std::memcpy(out.data(), payload.data(), payload.size());
  std::sort(out.begin(), out.end());
  return out;
}

BucketDifference difference(std::vector<CatalogEntry> here, const std::vector<std::uint64_t>& there_sorted) {
  BucketDifference out;
  std::vector<std::uint64_t> hashes;
  for (CatalogEntry& entry : here) {
    hashes.push_back(record_hash(entry.record));
    const bool there = std::binary_search(there_sorted.begin(), there_sorted.end(), hashes.back());
    if (!there) out.only_here.push_back(std::move(entry));
  }
  std::sort(hashes.begin(), hashes.end());
  std::set_difference(there_sorted.begin(), there_sorted.end(), hashes.begin(), hashes.end(),
                      std::back_inserter(out.only_there));
  return out;
}

Buffer as_payload(const std::vector<std::uint64_t>& hashes) {
  const std::size_t size = hashes.size() * sizeof(std::uint64_t);
  if (size == 0 || size > limits::kPayloadBytesMax) return {};
  Buffer out = Buffer::allocate(size);
  std::memcpy(out.data(), hashes.data(), size);
  return out;
}

}  // namespace cloudp2p::core
