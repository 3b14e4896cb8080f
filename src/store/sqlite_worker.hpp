// CatalogWorker: the thread that owns the database, and its queue.
//
// Purpose:   group commit. Everything that waits is run in the order of the calls inside one transaction; one sync
//            makes it durable; then all of it is called back, in the same order, by one post.
// Thread:    `push` and destruction on the node's thread; jobs run on the worker's, finish on the node's.
// Ownership: owns the database and the queue; shares the tally with completions that are still under way.
// Durability: a job finishes after the transaction that it ran in is durable, so reads tell only durable things. When
//            a transaction fails, all its changes fail, and its reads run again.
// Errors:    after a device error or damage every further change is refused (read_only); reads go on.
//            Destruction lets the transaction under way end and cancels what still waits.
#pragma once

#include "store/record_journal.hpp"
#include "store/sqlite_records.hpp"

#include <cloudp2p/log_sink.hpp>
#include <cloudp2p/timers.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace cloudp2p::store {

/// One call of the catalogue, from its arguments to its callback.
class CatalogJob {
 public:
  CatalogJob() = default;
  virtual ~CatalogJob() = default;
  CatalogJob(const CatalogJob&) = delete;
  CatalogJob& operator=(const CatalogJob&) = delete;

  /// Changes need a transaction and fail together with it.
  [[nodiscard]] virtual bool is_change() const = 0;
  /// Memory that the answer may hold until the transaction ends, in records.
  [[nodiscard]] virtual std::size_t cost() const = 0;
  /// Does the work and keeps the answer. Not ok: the transaction is lost.
  [[nodiscard]] virtual Status run(RecordTable& table) = 0;
  /// Replaces the answer.
  virtual void fail(const Error& error) = 0;
  /// Its transaction is durable: what it changed of a record is noted.
  virtual void note(RecordJournal& journal) const { (void)journal; }
  /// On the node's thread: applies the change to the tally, then calls back.
  virtual void finish(Tally& tally) = 0;
};

class CatalogWorker {
 public:
  struct Options {
    std::size_t wal_pages_max = 0;  ///< The log is checkpointed when it has this many pages.
    std::size_t queue_max = 0;      ///< Jobs waiting; more are answered queue_full.
    std::function<bool()> make_room;
    std::function<Status()> fence;  ///< May be empty. Asked before and after each commit: an error is that of the changes.
  };
  /// Without a journal nothing is noted.
  CatalogWorker(std::unique_ptr<Database> database, std::unique_ptr<RecordTable> table,
                std::unique_ptr<RecordJournal> journal, std::shared_ptr<Tally> tally, Executor& executor, LogSink& log,
                Options options);
  ~CatalogWorker();

  void push(std::unique_ptr<CatalogJob> job);

 private:
  using Batch = std::vector<std::unique_ptr<CatalogJob>>;

  void loop();
  /// Empty: it ends, or the journal is being rewritten and nobody waits.
  [[nodiscard]] Batch wait_for_batch();
  void run_batch(Batch& batch);
  [[nodiscard]] Status run_in_transaction(Batch& batch, bool& began);
  void fail_batch(Batch& batch, const Error& error);
  void stop_writing(const Error& error);
  [[nodiscard]] Status ask_fence();
  [[nodiscard]] Status commit();
  void post(Batch batch, bool committed);
  void checkpoint_if_due();

  std::unique_ptr<Database> database_;
  std::unique_ptr<RecordTable> table_;
  std::unique_ptr<RecordJournal> journal_;
  const std::shared_ptr<Tally> tally_;
  Executor& executor_;
  LogSink& log_;
  const Options options_;
  std::optional<Error> refusal_;  ///< Why nothing is written any more.
  bool checkpoint_failed_ = false;
  bool fenced_off_ = false;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<CatalogJob>> queue_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace cloudp2p::store
