#include "store/sqlite_catalog.hpp"

namespace cloudp2p::store {
namespace {

constexpr std::size_t kPageCost = 64;  // of a full page of records, in a batch of 1024

class PutJob final : public CatalogJob {
 public:
  PutJob(CatalogChange change, Callback<void(Result<CatalogEntry>)> done)
      : change_(std::move(change)), done_(std::move(done)) {}

  bool is_change() const override { return true; }
  std::size_t cost() const override { return 1; }
  Status run(RecordTable& table) override {
    // A record that cannot be stored is its caller's problem, not that of the others in the transaction.
    if (const Status status = RecordTable::check(change_); !status.ok()) {
      result_ = status.error();
      return {};
    }
    Result<MergeOutcome> outcome = table.merge(change_);
    if (!outcome.ok()) return outcome.error();
    written_ = outcome->written;
    result_ = std::move(outcome->held);
    return {};
  }
  void fail(const Error& error) override {
    result_ = error;
    written_.reset();
  }
  void note(RecordJournal& journal) const override {
    // Whether the bytes are here is no news for a journal: the files themselves tell.
    if (!written_ || written_->hash == 0) return;
    const bool forgotten = result_->record.stamp == Stamp{};
    journal.add({forgotten ? change_.record : result_->record, forgotten}, *written_);
  }
  void finish(Tally& tally) override {
    if (written_) {
      tally.apply(*written_);
      tally.count_change();
    }
    done_(std::move(result_));
  }

 private:
  const CatalogChange change_;
  const Callback<void(Result<CatalogEntry>)> done_;
  Result<CatalogEntry> result_ = Errc::cancelled;
  std::optional<TallyChange> written_;
};

class ClaimJob final : public CatalogJob {
 public:
  ClaimJob(const Incarnation& owner, Callback<void(Status)> done) : owner_(owner), done_(std::move(done)) {}

  bool is_change() const override { return true; }
  std::size_t cost() const override { return 1; }
  Status run(RecordTable& table) override { return table.claim(owner_); }
  void fail(const Error& error) override { result_ = error; }
  void finish(Tally&) override { done_(result_); }

 private:
  const Incarnation owner_;
  const Callback<void(Status)> done_;
  Status result_;
};

template <class T, class Read>
class ReadJob final : public CatalogJob {
 public:
  ReadJob(std::size_t cost, Read read, Callback<void(Result<T>)> done)
      : cost_(cost), read_(std::move(read)), done_(std::move(done)) {}

  bool is_change() const override { return false; }
  std::size_t cost() const override { return cost_; }
  Status run(RecordTable& table) override {
    result_ = read_(table);
    return result_.ok() ? Status() : Status(result_.error());
  }
  void fail(const Error& error) override { result_ = error; }
  void finish(Tally&) override { done_(std::move(result_)); }

 private:
  const std::size_t cost_;
  const Read read_;
  const Callback<void(Result<T>)> done_;
  Result<T> result_ = Errc::cancelled;
};

/// `read` may run twice: again, when the transaction that it ran in failed.
template <class T, class Read>
std::unique_ptr<CatalogJob> read_job(std::size_t cost, Callback<void(Result<T>)> done, Read read) {
  return std::make_unique<ReadJob<T, Read>>(cost, std::move(read), std::move(done));
}

}  // namespace

SqliteCatalog::SqliteCatalog(std::string path, Executor& executor, LogSink& log, SqliteCatalogOptions options)
    : path_(std::move(path)), executor_(executor), log_(log), options_(std::move(options)) {}

SqliteCatalog::~SqliteCatalog() = default;

Status SqliteCatalog::open() {
  if (worker_) return Error{Errc::invalid_argument, "catalog " + path_ + " is already open"};
  Result<std::unique_ptr<Database>> database = Database::open(path_, {options_.vfs, options_.cache_kib});
  if (!database.ok()) return database.error();
  Result<std::unique_ptr<RecordTable>> table = RecordTable::open(**database);
  if (!table.ok()) return table.error();
  const Result<std::optional<Incarnation>> owner = (*table)->owner();
  if (!owner.ok()) return owner.error();
  owner_ = *owner;
  std::unique_ptr<RecordJournal> journal;
  if (!options_.journal.path.empty()) journal = std::make_unique<RecordJournal>(options_.journal, log_);
  if (journal && owner_ && owner_->is_zero()) {
    if (Status status = fill(**database, **table, *journal); !status.ok()) return status;
  }
  const auto tally = std::make_shared<Tally>();
  if (Status status = (*table)->count(*tally, filter_); !status.ok()) return status;
  if (journal) journal->begin(*tally);

  tally_ = tally;
  log_.log_event(LogLevel::debug, "catalog_opened", "catalog " + path_ + ": " + std::to_string(tally->summary().images) + " images, " +
                                std::to_string(tally->summary().missing) + " of them missing here");
  worker_ = std::make_unique<CatalogWorker>(std::move(*database), std::move(*table), std::move(journal), tally_, executor_,
                                            log_, CatalogWorker::Options{options_.wal_pages_max, options_.queue_max,
                                                                         options_.make_room, options_.fence});
  return {};
}

/// All or nothing: a start that is interrupted here finds the catalog as empty as before.
Status SqliteCatalog::fill(Database& database, RecordTable& table, RecordJournal& journal) {
  Tally before;
  if (Status status = table.count(before, filter_); !status.ok()) return status;
  if (before.summary().images + before.summary().tombstones > 0) return {};
  if (Status status = database.execute("BEGIN IMMEDIATE"); !status.ok()) return status;
  const Result<std::uint64_t> entries = journal.replay(table);
  if (!entries.ok()) {
    database.roll_back();
    return entries.error();
  }
  if (*entries > 0) {
    log_.log_event(LogLevel::warning, "catalog_from_journal", "catalog " + path_ + " is new: " + std::to_string(*entries) + " entries of its journal are in it");
  }
  return database.execute("COMMIT");
}

void SqliteCatalog::push(std::unique_ptr<CatalogJob> job) {
  if (worker_) {
    worker_->push(std::move(job));
    return;
  }
  job->fail({Errc::closed, "catalog " + path_ + " is not open"});
  executor_.post([job = std::move(job), tally = tally_] { job->finish(*tally); });
}

void SqliteCatalog::claim(const Incarnation& owner, Callback<void(Status)> done) {
  push(std::make_unique<ClaimJob>(owner, std::move(done)));
}

void SqliteCatalog::put(CatalogChange change, Callback<void(Result<CatalogEntry>)> done) {
  filter_.insert(change.record.digest);
  push(std::make_unique<PutJob>(std::move(change), std::move(done)));
}

void SqliteCatalog::get(const Digest& digest, Callback<void(Result<std::optional<CatalogEntry>>)> done) {
  push(read_job(1, std::move(done), [digest](RecordTable& table) { return table.get(digest); }));
}

void SqliteCatalog::find(std::string hex_prefix, std::size_t limit,
                         Callback<void(Result<std::vector<CatalogEntry>>)> done) {
  push(read_job(kPageCost, std::move(done),
                [prefix = std::move(hex_prefix), limit](RecordTable& table) { return table.find(prefix, limit); }));
}

void SqliteCatalog::list(ListQuery query, Callback<void(Result<ListPage>)> done) {
  push(read_job(kPageCost, std::move(done),
                [query = std::move(query)](RecordTable& table) { return table.list(query); }));
}

void SqliteCatalog::bucket(std::size_t bucket, Digest after, std::size_t limit,
                           Callback<void(Result<std::vector<CatalogEntry>>)> done) {
  push(read_job(kPageCost, std::move(done), [=](RecordTable& table) { return table.bucket(bucket, after, limit); }));
}

void SqliteCatalog::missing(Digest after, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) {
  push(read_job(kPageCost, std::move(done), [=](RecordTable& table) { return table.missing(after, limit); }));
}

void SqliteCatalog::stalest(std::int64_t now_ms, std::size_t limit,
                            Callback<void(Result<std::vector<CatalogEntry>>)> done) {
  push(read_job(kPageCost, std::move(done), [=](RecordTable& table) { return table.stalest(now_ms, limit); }));
}

void SqliteCatalog::unburied(Digest after, std::size_t limit, Callback<void(Result<std::vector<CatalogEntry>>)> done) {
  push(read_job(kPageCost, std::move(done), [=](RecordTable& table) { return table.unburied(after, limit); }));
}

void SqliteCatalog::tombstones(std::int64_t before_ms, std::size_t limit,
                               Callback<void(Result<std::vector<CatalogEntry>>)> done) {
  push(read_job(kPageCost, std::move(done), [=](RecordTable& table) { return table.tombstones(before_ms, limit); }));
}

}  // namespace cloudp2p::store
