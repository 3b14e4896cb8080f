// RecordTable: the schema of the catalogue and every statement that runs on it.
//
// Purpose:   merge and look up records, synchronously. Transactions are the caller's.
// Thread:    that of its Database, which outlives it.
// Errors:    those of Database; invalid_argument for a malformed prefix, cursor or bucket, or a record that cannot be
//            stored; format when a stored row cannot be what we wrote, or the file is not a catalogue of this version.
// Limits:    pages of at most limits::kListPageMax records.
#pragma once

#include "store/digest_filter.hpp"
#include "store/sqlite_database.hpp"
#include "store/sqlite_tally.hpp"

#include <cloudp2p/catalog.hpp>

namespace cloudp2p::store {

/// What is held after a merge, and what that did to the sums (nothing, when nothing was written).
struct MergeOutcome {
  CatalogEntry held;
  std::optional<TallyChange> written;
};

class RecordTable {
 public:
  /// Creates the schema in an empty file; refuses what is not ours or newer than we are.
  [[nodiscard]] static Result<std::unique_ptr<RecordTable>> open(Database& database);

  /// Adds up all records, and enters their digests, by one scan.
  [[nodiscard]] Status count(Tally& tally, DigestFilter& filter);

  /// See Catalog (sqlite_owner.cpp).
  [[nodiscard]] Result<std::optional<Incarnation>> owner();
  [[nodiscard]] Status claim(const Incarnation& owner);

  /// Fails without touching the database when the record cannot be stored.
  [[nodiscard]] static Status check(const CatalogChange& change);
  [[nodiscard]] Result<MergeOutcome> merge(const CatalogChange& change);

  [[nodiscard]] Result<std::optional<CatalogEntry>> get(const Digest& digest);
  [[nodiscard]] Result<std::vector<CatalogEntry>> find(std::string_view hex_prefix, std::size_t limit);
  [[nodiscard]] Result<ListPage> list(const ListQuery& query);
  [[nodiscard]] Result<std::vector<CatalogEntry>> bucket(std::size_t bucket, const Digest& after, std::size_t limit);
  [[nodiscard]] Result<std::vector<CatalogEntry>> missing(const Digest& after, std::size_t limit);
  [[nodiscard]] Result<std::vector<CatalogEntry>> stalest(std::int64_t now_ms, std::size_t limit);
  [[nodiscard]] Result<std::vector<CatalogEntry>> unburied(const Digest& after, std::size_t limit);
  [[nodiscard]] Result<std::vector<CatalogEntry>> tombstones(std::int64_t before_ms, std::size_t limit);

 private:
  explicit RecordTable(Database& database) : database_(database) {}
  [[nodiscard]] Status prepare();
  [[nodiscard]] Status store(const CatalogEntry& entry);
  [[nodiscard]] Status forget(const Digest& digest);
  [[nodiscard]] Result<std::vector<CatalogEntry>> above(Statement& statement, const Digest& after, std::size_t limit);
  /// Appends the rows of a query; stops at an unreadable one.
  [[nodiscard]] Status read_rows(Query& query, std::vector<CatalogEntry>& out) const;
  [[nodiscard]] Result<std::vector<CatalogEntry>> rows_of(Query& query) const;

  Database& database_;
  Statement get_, put_, find_, bucket_, missing_, unburied_, tombstones_, forget_, list_same_time_, list_older_;
  Statement verified_after_, verified_until_;
};

}  // namespace cloudp2p::store
