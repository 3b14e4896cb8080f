// A Catalog under test, its calls as blocking ones, records to put, and what its summary must be.
#pragma once

#include <doctest/doctest.h>
#include <cloudp2p/catalog.hpp>

#include <limits>
#include <map>
#include <random>

namespace cloudp2p::catalog_conformance {

class CatalogUnderTest {
 public:
  virtual ~CatalogUnderTest() = default;
  [[nodiscard]] virtual Catalog& catalog() = 0;
  /// Lets the node's thread run until `done` holds; fails the test when it never does.
  virtual void run_until(const std::function<bool()>& done) = 0;
};

/// Makes the call and waits for its only answer.
template <class T, class Call>
Result<T> await(CatalogUnderTest& test, Call call) {
  auto answers = std::make_shared<std::vector<Result<T>>>();
  call(test.catalog(), Callback<void(Result<T>)>([answers](Result<T> r) { answers->push_back(std::move(r)); }));
  CHECK_MESSAGE(answers->empty(), "called back inline");
  test.run_until([&] { return !answers->empty(); });
  return std::move(answers->front());
}

using Entries = std::vector<CatalogEntry>;

inline Status claim(CatalogUnderTest& t, const Incarnation& owner) {
  std::optional<Status> claimed;
  t.catalog().claim(owner, [&](const Status& status) { claimed = status; });
  CHECK_MESSAGE(!claimed, "called back inline");
  t.run_until([&] { return claimed.has_value(); });
  return *claimed;
}
inline Result<CatalogEntry> put(CatalogUnderTest& t, CatalogChange change) {
  return await<CatalogEntry>(t, [&](Catalog& c, auto done) { c.put(std::move(change), std::move(done)); });
}
inline Result<std::optional<CatalogEntry>> get(CatalogUnderTest& t, const Digest& digest) {
  return await<std::optional<CatalogEntry>>(t, [&](Catalog& c, auto done) { c.get(digest, std::move(done)); });
}
inline Result<Entries> find(CatalogUnderTest& t, const std::string& prefix, std::size_t limit = 100) {
  return await<Entries>(t, [&](Catalog& c, auto done) { c.find(prefix, limit, std::move(done)); });
}
inline Result<ListPage> list(CatalogUnderTest& t, ListQuery query) {
  return await<ListPage>(t, [&](Catalog& c, auto done) { c.list(std::move(query), std::move(done)); });
}
inline Result<Entries> bucket(CatalogUnderTest& t, std::size_t index, Digest after = {}, std::size_t limit = 100) {
  return await<Entries>(t, [&](Catalog& c, auto done) { c.bucket(index, after, limit, std::move(done)); });
}
inline Result<Entries> missing(CatalogUnderTest& t, Digest after = {}, std::size_t limit = 100) {
  return await<Entries>(t, [&](Catalog& c, auto done) { c.missing(after, limit, std::move(done)); });
}
inline Result<Entries> stalest(CatalogUnderTest& t, std::int64_t now_ms, std::size_t limit = 100) {
  return await<Entries>(t, [&](Catalog& c, auto done) { c.stalest(now_ms, limit, std::move(done)); });
}
inline Result<Entries> unburied(CatalogUnderTest& t) {
  return await<Entries>(t, [&](Catalog& c, auto done) { c.unburied(Digest{}, 100, std::move(done)); });
}

/// The digest whose hex form begins so and goes on with zeros, but for a last 1: no digest is zero.
inline Digest digest_of(std::string_view hex_prefix) {
  std::string hex(hex_prefix);
  hex.resize(2 * Digest::kSize, '0');
  if (hex_prefix.size() < hex.size()) hex.back() = '1';
  return *Digest::from(hex);
}
/// Spread over all buckets.
inline Digest digest_number(std::uint64_t number) {
  std::mt19937_64 spread(number);
  Digest out;
  for (std::byte& byte : out.bytes)
    byte = static_cast<std::byte>(spread());
  return out;
}
inline Stamp stamp(Term term, std::uint64_t sequence) {
  return {term, NodeId{3}, sequence};
}

inline CatalogChange live(const Digest& digest, const Stamp& stamp, std::int64_t time_ms = 1000) {
  CatalogChange out;
  out.record = {digest, stamp, false, 4096, ImageType::jpeg, "holiday.jpg", time_ms};
  return out;
}
inline CatalogChange here(CatalogChange change) {
  change.presence = {true, short_id(change.record.digest) + "-holiday.jpg", 1234};
  return change;
}
inline CatalogChange absent(CatalogChange change) {
  change.presence = CatalogChange::Presence{false, "", 0};
  return change;
}
inline CatalogChange deleted(const Digest& digest, const Stamp& stamp) {
  CatalogChange out = live(digest, stamp);
  out.record.tombstone = true;
  return out;
}

inline std::vector<Digest> digests(const Entries& entries) {
  std::vector<Digest> out;
  for (const CatalogEntry& entry : entries)
    out.push_back(entry.record.digest);
  return out;
}

/// What the summary must be, from the records themselves.
inline CatalogSummary recomputed(CatalogUnderTest& t, BucketHashes& hashes) {
  CatalogSummary out;
  hashes.fill(0);
  for (std::size_t index = 0; index < limits::kBuckets; ++index) {
    const Result<Entries> entries = bucket(t, index, {}, limits::kListPageMax);
    REQUIRE(entries.ok());
    for (const CatalogEntry& entry : *entries) {
      hashes[index] += record_hash(entry.record);
      out.newest = std::max(out.newest, entry.record.stamp);
      ++(entry.record.tombstone ? out.tombstones : out.images);
      if (entry.record.tombstone) {
        out.unburied += entry.present ? 1 : 0;
        continue;
      }
      out.image_bytes += entry.record.size_bytes;
      if (!entry.present) ++out.missing;
    }
  }
  out.root = root_of(hashes);
  return out;
}
inline void check_summary(CatalogUnderTest& t) {
  BucketHashes hashes;
  const CatalogSummary expected = recomputed(t, hashes);
  const CatalogSummary& actual = t.catalog().summary();
  CHECK(actual.root == expected.root);
  CHECK(actual.images == expected.images);
  CHECK(actual.tombstones == expected.tombstones);
  CHECK(actual.missing == expected.missing);
  CHECK(actual.unburied == expected.unburied);
  CHECK(actual.image_bytes == expected.image_bytes);
  CHECK(actual.newest == expected.newest);
  CHECK(t.catalog().buckets() == hashes);
}

}  // namespace cloudp2p::catalog_conformance
