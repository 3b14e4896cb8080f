// PutStrand: the operations of one put, in call order, by one worker at a time.
//
// Purpose:   turns begin, append, commit and abort into work of the pool; a put never runs on two workers at once, and
//            different puts do not wait for each other.
// Thread:    `begin`, `append`, `commit` and `abort` from the node's thread; the rest runs on the pool.
// Ownership: shared by the store's table and by the work queued for it.
// Errors:    after the first error every further operation is answered with that error and the partial file is gone.
#pragma once

#include "store/partial_file.hpp"
#include "store/sync_thread.hpp"
#include "store/work_pool.hpp"

#include <cloudp2p/buffer.hpp>
#include <cloudp2p/timers.hpp>

#include <atomic>
#include <variant>

namespace cloudp2p::store {

class PutStrand : public std::enable_shared_from_this<PutStrand> {
 public:
  struct Surroundings {
    Executor& executor;
    WorkPool& pool;
    SyncThread& sync;
    const std::atomic<bool>& stopping;
    std::atomic<std::size_t>& alive;  ///< Counts strands, for the limit on puts.
  };
  PutStrand(const Surroundings& surroundings, const StoreContext& context, PutHeader header, PutId id);
  ~PutStrand();
  PutStrand(const PutStrand&) = delete;
  PutStrand& operator=(const PutStrand&) = delete;

  void begin(Callback<void(Result<PutId>)> done);
  void append(Buffer bytes, Callback<void(Status)> done);
  void commit(Callback<void(Result<StoredImage>)> done);
  void abort();
  /// An error ended the put: its id is no longer valid.
  [[nodiscard]] bool over() const { return over_; }

 private:
  struct Begin {
    Callback<void(Result<PutId>)> done;
  };
  struct Append {
    Buffer bytes;
    Callback<void(Status)> done;
  };
  struct Commit {
    Callback<void(Result<StoredImage>)> done;
  };
  struct Abort {};
  using Operation = std::variant<Begin, Append, Commit, Abort>;

  struct Answer {
    Callback<void(Status)> done;
    Status status;
  };

  void enqueue(Operation operation);
  void run();
  void execute(Begin operation);
  void execute(Append operation);
  void execute(Commit operation);
  void execute(Abort operation);
  /// The error that keeps the put from going on, if there is one; the file is open otherwise.
  [[nodiscard]] Status ready();
  [[nodiscard]] Status end_with(Status status);
  void post_answers();

  Surroundings around_;
  const PutId id_;
  std::shared_ptr<PartialFile> file_;
  std::mutex mutex_;
  std::deque<Operation> waiting_;
  bool scheduled_ = false;
  std::atomic<bool> aborted_{false};
  std::atomic<bool> over_{false};
  // Touched only by the worker that runs the strand.
  Status ended_;
  bool committed_ = false;
  std::vector<Answer> answers_;  ///< Of appends, not posted yet.
  std::size_t answer_bytes_ = 0;
};

}  // namespace cloudp2p::store
