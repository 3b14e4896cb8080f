// SqliteCatalog: the Catalog of a real node, in one SQLite file.
//
// Purpose:   see cloudp2p/catalog.hpp, whose contract it keeps. With a journal: a new file is filled with what that knows.
// Thread:    its own, for everything that may block; callbacks are posted through the executor, in the order of the
//            calls. `open` blocks its caller.
// Ownership: the executor and the log outlive it. Completions still queued in the executor after its end are harmless.
// Durability: write-ahead log, one fdatasync a group of changes. `full` may pass, and changes are tried again; after
//            `io` or `format` every change is refused with read_only until the catalog is opened anew.
// Errors:    besides the contract's: locked (another process), closed (not open), queue_full, invalid_argument (a
//            malformed prefix, cursor or bucket; a term beyond 2^63-1; a name that is too long), cancelled.
// Limits:    page cache and log are bounded by the options; queue_max jobs wait.
#pragma once

#include "store/digest_filter.hpp"
#include "store/sqlite_worker.hpp"

#include <cloudp2p/catalog.hpp>
#include <cloudp2p/log_sink.hpp>
#include <cloudp2p/timers.hpp>

#include <functional>

namespace cloudp2p::store {

struct SqliteCatalogOptions {
  std::int64_t cache_kib = 2048;
  std::size_t wal_pages_max = 1000;  ///< 4 KiB each; then the log is checkpointed and overwritten in place.
  std::size_t queue_max = 16'384;
  /// Asked on the catalog's thread when the disk is full: true if there is room now. Then the changes are tried once more.
  std::function<bool()> make_room;
  JournalOptions journal;
  std::string vfs;  ///< The name of a registered SQLite VFS; empty: the system's.
  /// Empty, or asked on the catalog's thread before and after each commit; its error is then that of the changes.
  std::function<Status()> fence;
};

class SqliteCatalog final : public Catalog {
 public:
  SqliteCatalog(std::string path, Executor& executor, LogSink& log, SqliteCatalogOptions options = {});
  ~SqliteCatalog() override;
  SqliteCatalog(const SqliteCatalog&) = delete;
  SqliteCatalog& operator=(const SqliteCatalog&) = delete;

  [[nodiscard]] Status open() override;
  [[nodiscard]] std::optional<Incarnation> owner() const override { return owner_; }
  void claim(const Incarnation& owner, Callback<void(Status)> done) override;
  void put(CatalogChange change, Callback<void(Result<CatalogEntry>)> done) override;
  void get(const Digest& digest, Callback<void(Result<std::optional<CatalogEntry>>)> done) override;
  void find(std::string hex_prefix, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  void list(ListQuery query, Callback<void(Result<ListPage>)> done) override;
  void bucket(std::size_t bucket, Digest after, std::size_t limit,
              Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  void missing(Digest after, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  void stalest(std::int64_t now_ms, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  void tombstones(std::int64_t before_ms, std::size_t limit,
                  Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  void unburied(Digest after, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) override;
  [[nodiscard]] bool may_hold(const Digest& digest) const override { return filter_.may_contain(digest); }
  [[nodiscard]] const CatalogSummary& summary() const override { return tally_->summary(); }
  [[nodiscard]] const BucketHashes& buckets() const override { return tally_->buckets(); }

 private:
  /// The records that a new catalog's journal knows.
  [[nodiscard]] Status fill(Database& database, RecordTable& table, RecordJournal& journal);
  void push(std::unique_ptr<CatalogJob> job);

  const std::string path_;
  Executor& executor_;
  LogSink& log_;
  const SqliteCatalogOptions options_;
  std::shared_ptr<Tally> tally_ = std::make_shared<Tally>();
  std::optional<Incarnation> owner_;
  DigestFilter filter_;  ///< Of every digest in the table or on its way there.
  std::unique_ptr<CatalogWorker> worker_;
};

}  // namespace cloudp2p::store
