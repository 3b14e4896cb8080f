// Catalog: the records of all images, tombstones included, on one node.
//
// Purpose:   a durable, ordered map digest → record, merged by stamp; listing, prefix search, and the bucket hashes that
//            anti-entropy compares. It knows which images' bytes are here (`present`).
// Thread:    `open` before the node starts; afterwards calls and callbacks on the node's thread, never inline, exactly
//            once. `summary` and `buckets` are snapshots that already contain every change that was called back.
// Durability: a change is durable when its callback reports success. Waiting changes share one transaction and one sync.
// Merging:   a record replaces the held one only if its stamp is larger. `present` is about bytes, which are the same
//            under every stamp: it stays as it is unless the change says otherwise. A tombstone may have bytes: they
//            stay until it is known to be final, so that what wins over it has them.
// Errors:    io, full, read_only, format: nothing of the failed change is durable for certain; the node stops writing.
// Limits:    pages of at most limits::kListPageMax records.
#pragma once

#include <cloudp2p/callback.hpp>
#include <cloudp2p/error.hpp>
#include <cloudp2p/limits.hpp>
#include <cloudp2p/types.hpp>

namespace cloudp2p {

/// A record, and what this node has of its bytes. A Client fills it with what the leader has.
struct CatalogEntry {
  ImageRecord record;            ///< The one with the largest stamp so far; of a tombstone too.
  bool present = false;          ///< This node holds the bytes, verified when they were written.
  std::string file_name;         ///< In the ImageStore; empty unless present.
  std::int64_t verified_ms = 0;  ///< Last time that the stored bytes were known to match the digest; 0 never.
  friend bool operator==(const CatalogEntry&, const CatalogEntry&) = default;
};

/// One change. `presence` unset leaves the bytes' state as it is (metadata only).
struct CatalogChange {
  /// What a change says of the bytes on this node.
  struct Presence {
    bool present = false;          ///< They are here, as `file_name`.
    std::string file_name;         ///< In the ImageStore; ignored unless `present`.
    std::int64_t verified_ms = 0;  ///< When they were last known to match the digest; 0: never. Ignored unless `present`.
    /// Set: says nothing unless this is the file that is held. For what was learnt of a file a while ago. A record that is
    /// not held any more stays forgotten; it is called back with an entry whose stamp is zero.
    std::optional<std::string> of_file{};
  };
  ImageRecord record;                ///< Replaces the held one if its stamp is larger; its digest says which entry is meant.
  std::optional<Presence> presence;  ///< See above; also applies when the record itself loses the merge.
  /// Void unless a record with exactly this stamp is held.
  bool only_this = false;
  /// With `only_this`: no record is held any more. It is called back with an entry whose stamp is zero.
  bool forget = false;
};

/// What is held after `change`, when `held` was before it (null: nothing): the rules of merging, for every Catalog.
[[nodiscard]] inline CatalogEntry merged(const CatalogEntry* held, const CatalogChange& change);

/// 64-bit hashes of the records (digest, stamp, live or tombstone) by the first 12 bits of the digest; order-free sums.
using BucketHashes = std::array<std::uint64_t, limits::kBuckets>;
/// From 0 to limits::kBuckets - 1: the digest's first 12 bits.
[[nodiscard]] constexpr std::size_t bucket_of(const Digest& digest) noexcept {
  return (static_cast<std::size_t>(digest.bytes[0]) << 4) | (static_cast<std::size_t>(digest.bytes[1]) >> 4);
}
/// A record's contribution to its bucket; buckets add these modulo 2^64.
[[nodiscard]] inline std::uint64_t record_hash(const ImageRecord& record) noexcept;
/// One number for all buckets, compared on every heartbeat.
[[nodiscard]] inline std::uint64_t root_of(const BucketHashes& buckets) noexcept;

/// Sums over all records, kept up to date with every change.
struct CatalogSummary {
  std::uint64_t root = 0;          ///< `root_of` the buckets: equal catalogs have equal roots.
  std::uint64_t images = 0;        ///< Live records.
  std::uint64_t tombstones = 0;    ///< Deletes that are still remembered.
  std::uint64_t missing = 0;       ///< Live records whose bytes are not here.
  std::uint64_t unburied = 0;      ///< Tombstones whose bytes are still here.
  std::uint64_t image_bytes = 0;   ///< Of live records.
  Stamp newest;                    ///< The largest stamp ever held.
  std::uint64_t transactions = 0;  ///< Durable commits since `open`; changes ÷ transactions is the group size.
  std::uint64_t changes = 0;       ///< Calls of `put` that became durable, those that lost the merge included.
};

/// Order of listing: newest first, by (time, digest).
struct ListQuery {
  std::size_t limit = 100;    ///< Records in one page; more than limits::kListPageMax counts as that.
  std::string after;          ///< A cursor from the previous page; empty for the first.
  std::int64_t since_ms = 0;  ///< Only records stamped at or after this wall time.
};
/// A part of a listing. From a Client it may hold fewer records than asked for, although another page follows.
struct ListPage {
  /// Live ones, newest first. From a Client without `file_name`, which names a file of the leader.
  std::vector<CatalogEntry> entries;
  std::string next;  ///< Cursor of the next page; empty at the end.
};

/// The records of one node; every implementation merges by `merged`.
class Catalog {
 public:
  virtual ~Catalog() = default;

  /// Opens or creates, recovers, counts. Errc::format when it is not a catalog or damaged (the caller moves it away and
  /// opens a new one), mismatch when a newer program wrote it. One that was lost may come back with what was noted of its
  /// records elsewhere: without bytes, until somebody finds them.
  [[nodiscard]] virtual Status open() = 0;

  /// Whose records these are, as `open` found it: the incarnation that claimed them last. Zero: nobody did since the
  /// catalog was made; then it lacks what the promises of any state file are about. No value: made by a build that noted no
  /// owner.
  [[nodiscard]] virtual std::optional<Incarnation> owner() const = 0;
  /// They are this incarnation's from now on. Durable when it calls back with success, as a change is.
  virtual void claim(const Incarnation& owner, Callback<void(Status)> done) = 0;

  /// Merges one change; calls back with what is held afterwards.
  virtual void put(CatalogChange change, Callback<void(Result<CatalogEntry>)> done) = 0;
  /// What is held, a tombstone too; no value when there is no record of this digest.
  virtual void get(const Digest& digest, Callback<void(Result<std::optional<CatalogEntry>>)> done) = 0;
  /// Answered from memory. False only if there is no record of this digest and no `put` of one is under way.
  [[nodiscard]] virtual bool may_hold(const Digest& digest) const {
    (void)digest;
    return true;
  }
  /// Live records whose digest begins with these hex digits; at most `limit`.
  virtual void find(std::string hex_prefix, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) = 0;
  /// Live records in the order of ListQuery. Errc::invalid_argument for a cursor that no page gave.
  virtual void list(ListQuery query, Callback<void(Result<ListPage>)> done) = 0;
  /// Records of one bucket with a digest above `after`, tombstones included, ordered by digest.
  virtual void bucket(std::size_t bucket, Digest after, std::size_t limit,
                      Callback<void(Result<std::vector<CatalogEntry>>)> done) = 0;
  /// Live records whose bytes are not here, ordered by digest, above `after`.
  virtual void missing(Digest after, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) = 0;
  /// Live records whose bytes are here, by the date of their last verification: those dated after `now_ms` first (a
  /// clock was wrong), then the oldest, by (verified_ms, digest).
  virtual void stalest(std::int64_t now_ms, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) = 0;
  /// Tombstones whose bytes are still here, ordered by digest, above `after`.
  virtual void unburied(Digest after, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) = 0;
  /// Tombstones that were made before this wall time, the oldest first.
  virtual void tombstones(std::int64_t before_ms, std::size_t limit,
                          Callback<void(Result<std::vector<CatalogEntry>>)> done) = 0;

  /// As of the last change that was called back. The reference stays good; what it refers to changes with the next one.
  [[nodiscard]] virtual const CatalogSummary& summary() const = 0;
  /// Likewise.
  [[nodiscard]] virtual const BucketHashes& buckets() const = 0;
};

}  // namespace cloudp2p

#include <cloudp2p/detail/catalog.hpp>
