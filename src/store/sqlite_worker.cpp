#include "store/sqlite_worker.hpp"

#include <pthread.h>

#include <exception>

namespace cloudp2p::store {
namespace {

/// Bounds the memory of one transaction's answers and the wait of its first change.
constexpr std::size_t kBatchCostMax = 1024;

/// After these nobody knows what the file holds.
bool ends_writing(Errc code) {
  return code == Errc::io || code == Errc::format;
}

Status run_caught(CatalogJob& job, RecordTable& table) {
  try {
    return job.run(table);
  } catch (const std::exception& failure) {
    return Error{Errc::io, std::string("a catalog operation ended early: ") + failure.what()};
  }
}

}  // namespace

CatalogWorker::CatalogWorker(std::unique_ptr<Database> database, std::unique_ptr<RecordTable> table,
                             std::unique_ptr<RecordJournal> journal, std::shared_ptr<Tally> tally, Executor& executor,
                             LogSink& log, Options options)
    : database_(std::move(database)),
      table_(std::move(table)),
      journal_(std::move(journal)),
      tally_(std::move(tally)),
      executor_(executor),
      log_(log),
      options_(options),
      thread_([this] { loop(); }) {}

CatalogWorker::~CatalogWorker() {
  Batch waiting;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    std::move(queue_.begin(), queue_.end(), std::back_inserter(waiting));
    queue_.clear();
  }
  wake_.notify_one();
  thread_.join();
  const Error cancelled{Errc::cancelled, "the catalog was closed"};
  for (const auto& job : waiting)
    job->fail(cancelled);
  if (!waiting.empty()) post(std::move(waiting), false);
  journal_.reset();
  table_.reset();
  if (refusal_ || !ask_fence().ok()) return;
  if (const Status status = database_->checkpoint(); !status.ok()) {
    log_.log_event(LogLevel::warning, "catalog_checkpoint_failed", status.error().text() + "; the next start recovers from the log");
  }
}

void CatalogWorker::push(std::unique_ptr<CatalogJob> job) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() < options_.queue_max) {
      queue_.push_back(std::move(job));
    }
  }
  if (job == nullptr) {
    wake_.notify_one();
    return;
  }
  job->fail({Errc::queue_full, std::to_string(options_.queue_max) + " catalog operations are waiting"});
  Batch refused;
  refused.push_back(std::move(job));
  post(std::move(refused), false);
}

void CatalogWorker::loop() {
  ::pthread_setname_np(::pthread_self(), "cloudp2p-sql");
  while (!stopping_) {
    Batch batch = wait_for_batch();
    if (!batch.empty()) run_batch(batch);
    checkpoint_if_due();
    if (journal_ && journal_->rewriting()) journal_->rewrite_some(*table_);
  }
}

CatalogWorker::Batch CatalogWorker::wait_for_batch() {
  Batch batch;
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !queue_.empty() || (journal_ && journal_->rewriting()); });
  for (std::size_t cost = 0; !queue_.empty() && cost < kBatchCostMax;) {
    cost += queue_.front()->cost();
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch;
}

void CatalogWorker::run_batch(Batch& batch) {
  const std::int64_t written_before = database_->rows_written();
  bool began = false;
  Status status = run_in_transaction(batch, began);
  if (status.code() == Errc::full && options_.make_room && options_.make_room()) {
    database_->roll_back();
    began = false;
    status = run_in_transaction(batch, began);
  }
  if (!status.ok()) fail_batch(batch, status.error());
  const bool committed = status.ok() && began && database_->rows_written() != written_before;
  if (committed && journal_) {
    for (const auto& job : batch)
      job->note(*journal_);
    journal_->flush();
  }
  post(std::move(batch), committed);
}

Status CatalogWorker::run_in_transaction(Batch& batch, bool& began) {
  for (const auto& job : batch) {
    if (job->is_change() && refusal_) {
      job->fail(*refusal_);
      continue;
    }
    if (job->is_change() && !began) {
      if (Status status = database_->execute("BEGIN IMMEDIATE"); !status.ok()) return status;
      began = true;
    }
    Status status = run_caught(*job, *table_);
    if (status.ok()) continue;
    if (job->is_change()) return status;
    job->fail(status.error());
    if (ends_writing(status.code())) stop_writing(status.error());
  }
  return began ? commit() : Status();
}

/// Once more behind it: who opened the database before the commit was there may not have seen it.
Status CatalogWorker::commit() {
  if (Status mine = ask_fence(); !mine.ok()) return mine;
  if (Status done = database_->execute("COMMIT"); !done.ok()) return done;
  return ask_fence();
}

Status CatalogWorker::ask_fence() {
  Status mine = options_.fence ? options_.fence() : Status();
  if (!mine.ok() && !fenced_off_) {
    fenced_off_ = true;
    database_->leave_log_for_recovery();
  }
  return mine;
}

void CatalogWorker::fail_batch(Batch& batch, const Error& error) {
  database_->roll_back();
  if (ends_writing(error.code)) stop_writing(error);
  for (const auto& job : batch) {
    if (job->is_change()) {
      job->fail(error);
    } else if (const Status again = run_caught(*job, *table_); !again.ok()) {
      job->fail(again.error());
    }
  }
}

void CatalogWorker::stop_writing(const Error& error) {
  if (refusal_) return;
  log_.log_event(LogLevel::error, "catalog_stopped", error.text() + "; nothing more is written until the node is restarted");
  database_->leave_log_for_recovery();
  refusal_ = Error{Errc::read_only, "read-only since an earlier fault, restart the node: " + error.text()};
}

void CatalogWorker::post(Batch batch, bool committed) {
  executor_.post([batch = std::move(batch), committed, tally = tally_] {
    if (committed) tally->count_transaction();
    for (const auto& job : batch)
      job->finish(*tally);
  });
}

void CatalogWorker::checkpoint_if_due() {
  if (refusal_ || database_->wal_pages() < options_.wal_pages_max || !ask_fence().ok()) return;
  if (journal_) journal_->sync();
  const Status status = database_->checkpoint();
  if (!status.ok() && ends_writing(status.code()))
    stop_writing(status.error());
  else if (!status.ok() && !checkpoint_failed_)
    log_.log_event(LogLevel::warning, "catalog_checkpoint_failed", status.error().text());
  checkpoint_failed_ = !status.ok();
}

}  // namespace cloudp2p::store
