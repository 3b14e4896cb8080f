// Bodies of catalog.hpp: the hashes that anti-entropy compares. They are part of the protocol.
#pragma once

#include <cloudp2p/catalog.hpp>
#include <cloudp2p/detail/sabotage.hpp>

namespace cloudp2p {

namespace detail {

/// A bijection of 64 bits in which every input bit moves every output bit (the finaliser of SplitMix64).
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Folds one more word in; the order of the words matters, and so does a word that is zero.
[[nodiscard]] constexpr std::uint64_t fold64(std::uint64_t state, std::uint64_t word) noexcept {
  return mix64((state + 0x9e3779b97f4a7c15) ^ mix64(word + 0xd1b54a32d192ed03));
}

/// Little-endian on every machine: nodes of different kinds compare these hashes.
[[nodiscard]] constexpr std::uint64_t word_at(const Digest& digest, std::size_t offset) noexcept {
  std::uint64_t word = 0;
  for (std::size_t i = 8; i-- > 0;)
    word = (word << 8) | static_cast<std::uint64_t>(digest.bytes[offset + i]);
  return word;
}

}  // namespace detail

inline CatalogEntry merged(const CatalogEntry* held, const CatalogChange& change) {
  CatalogEntry out = held != nullptr ? *held : CatalogEntry{};
  if (change.only_this && out.record.stamp != change.record.stamp) return out;
  if (change.forget) return CatalogEntry{};
  if (held == nullptr && change.presence && change.presence->of_file) return CatalogEntry{};
  const bool newer = held == nullptr || change.record.stamp > held->record.stamp;
  if (newer || sabotaged(detail::Rule::larger_stamp_wins)) out.record = change.record;
  const bool about_held = !change.presence || !change.presence->of_file ||
                          (out.present && out.file_name == *change.presence->of_file);
  if (change.presence && about_held) {
    out.present = change.presence->present;
    out.file_name = change.presence->file_name;
    out.verified_ms = change.presence->verified_ms;
  }
  if (!out.present) {
    out.file_name.clear();
    out.verified_ms = 0;
  }
  return out;
}

inline std::uint64_t record_hash(const ImageRecord& record) noexcept {
  std::uint64_t hash = record.tombstone ? 2 : 1;
  for (std::size_t at = 0; at < Digest::kSize; at += 8)
    hash = detail::fold64(hash, detail::word_at(record.digest, at));
  hash = detail::fold64(hash, record.stamp.term);
  hash = detail::fold64(hash, value(record.stamp.leader));
  return detail::fold64(hash, record.stamp.sequence);
}

inline std::uint64_t root_of(const BucketHashes& buckets) noexcept {
  std::uint64_t root = 0;
  for (const std::uint64_t bucket : buckets)
    root = detail::fold64(root, bucket);
  return root;
}

}  // namespace cloudp2p
