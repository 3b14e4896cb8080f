#include "core/bucket_reader.hpp"

#include <doctest/doctest.h>

using namespace cloudp2p;
using namespace cloudp2p::core;

namespace {

CatalogEntry entry(std::uint8_t digest, std::uint64_t sequence) {
  CatalogEntry out;
  out.record.digest.bytes[31] = std::byte{digest};
  out.record.stamp = {1, NodeId{1}, sequence};
  return out;
}

std::vector<std::uint64_t> told(const std::vector<CatalogEntry>& entries) {
  return record_hashes_in(record_hashes(entries)).value();
}

}  // namespace

TEST_SUITE("buckets") {
  TEST_CASE("two nodes that hold the same records have nothing to tell each other") {
    const std::vector<CatalogEntry> same{entry(1, 1), entry(2, 2), entry(3, 3)};
    const BucketDifference differs = difference(same, told(same));
    CHECK(differs.only_here.empty());
    CHECK(differs.only_there.empty());
  }

  TEST_CASE("a record that one side lacks, and one that it holds under another stamp, are told by both sides") {
    const std::vector<CatalogEntry> here{entry(1, 1), entry(2, 2), entry(3, 9)};
    const std::vector<CatalogEntry> there{entry(1, 1), entry(3, 3), entry(4, 4)};
    const BucketDifference differs = difference(here, told(there));
    CHECK(differs.only_here == std::vector<CatalogEntry>{entry(2, 2), entry(3, 9)});
    std::vector<std::uint64_t> only_there{record_hash(there[1].record), record_hash(there[2].record)};
    std::sort(only_there.begin(), only_there.end());
    CHECK(differs.only_there == only_there);
  }

  TEST_CASE("hashes of records travel as a payload, and half a hash is refused") {
    const std::vector<CatalogEntry> some{entry(1, 1), entry(2, 2)};
    CHECK(record_hashes(some).size() == 16);
    CHECK(record_hashes({}).empty());
    CHECK_FALSE(record_hashes_in(record_hashes(some).part(0, 12)).has_value());
    const std::vector<CatalogEntry> too_many(limits::kPayloadBytesMax / 8 + 1, entry(1, 1));
    CHECK(record_hashes(too_many).empty());
  }
}
