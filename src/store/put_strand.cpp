#include "store/put_strand.hpp"

namespace cloudp2p::store {
namespace {

// Fairness: a put with a long queue lets others have a worker now and then.
constexpr int kOperationsPerTurn = 8;
// Waking the node's thread costs more than what it does then; but whoever sends more waits for these answers.
constexpr std::size_t kAnswerBytesMax = 256 * 1024;

}  // namespace

PutStrand::PutStrand(const Surroundings& surroundings, const StoreContext& context, PutHeader header, PutId id)
    : around_(surroundings), id_(id), file_(std::make_shared<PartialFile>(context, std::move(header), id)) {
  ++around_.alive;
  around_.sync.expect();
}

PutStrand::~PutStrand() {
  if (!committed_) around_.sync.give_up();
  --around_.alive;
}

/// With room for certain, the file is made together with the first bytes: a hop between threads costs more than the
/// rest of a small image.
void PutStrand::begin(Callback<void(Result<PutId>)> done) {
  if (!file_->admit_unseen()) return enqueue(Begin{std::move(done)});
  around_.executor.post([done = std::move(done), id = id_] { done(id); });
}

void PutStrand::append(Buffer bytes, Callback<void(Status)> done) {
  enqueue(Append{std::move(bytes), std::move(done)});
}

void PutStrand::commit(Callback<void(Result<StoredImage>)> done) {
  enqueue(Commit{std::move(done)});
}

void PutStrand::abort() {
  aborted_ = true;
  enqueue(Abort{});
}

void PutStrand::enqueue(Operation operation) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(operation));
    if (std::exchange(scheduled_, true)) return;
  }
  around_.pool.post([self = shared_from_this()] { self->run(); });
}

void PutStrand::run() {
  for (int turn = 0; turn < kOperationsPerTurn; ++turn) {
    std::unique_lock lock(mutex_);
    if (waiting_.empty()) {
      if (!answers_.empty()) {
        lock.unlock();
        post_answers();
        continue;
      }
      scheduled_ = false;
      return;
    }
    Operation operation = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    std::visit([this](auto& what) { execute(std::move(what)); }, operation);
  }
  post_answers();
  around_.pool.post([self = shared_from_this()] { self->run(); });
}

Status PutStrand::ready() {
  if (!ended_) return ended_;
  if (aborted_) return Error{Errc::cancelled, "the put was aborted"};
  if (around_.stopping) return Error{Errc::cancelled, "the store is closing"};
  return file_->is_open() ? Status() : file_->open();
}

Status PutStrand::end_with(Status status) {
  if (status.ok()) return status;
  over_ = true;
  ended_ = status;
  if (file_) file_->discard();
  return status;
}

void PutStrand::post_answers() {
  if (answers_.empty()) return;
  answer_bytes_ = 0;
  around_.executor.post([answers = std::exchange(answers_, {})] {
    for (const Answer& answer : answers)
      answer.done(answer.status);
  });
}

void PutStrand::execute(Begin operation) {
  const Status status = end_with(ready());
  Result<PutId> answer = status.ok() ? Result<PutId>(id_) : Result<PutId>(status.error());
  around_.executor.post([done = std::move(operation.done), answer = std::move(answer)] { done(answer); });
}

void PutStrand::execute(Append operation) {
  Status status = ready();
  if (status) status = file_->append(operation.bytes.view());
  answer_bytes_ += operation.bytes.size();
  operation.bytes = {};
  answers_.push_back({std::move(operation.done), end_with(std::move(status))});
  if (answer_bytes_ >= kAnswerBytesMax) post_answers();
}

void PutStrand::execute(Commit operation) {
  Status status = ready();
  if (status) status = file_->finish();
  // What was appended just before is answered together with the commit, and before it.
  auto done = [answers = std::exchange(answers_, {}), done = std::move(operation.done)](Result<StoredImage> stored) {
    for (const Answer& answer : answers)
      answer.done(answer.status);
    done(std::move(stored));
  };
  if (status = end_with(std::move(status)); status.ok()) {
    committed_ = true;
    return around_.sync.commit(std::move(file_), std::move(done));
  }
  around_.executor.post([done = std::move(done), status = std::move(status)] { done(status.error()); });
}

void PutStrand::execute(Abort) {
  static_cast<void>(end_with(Errc::cancelled));
}

}  // namespace cloudp2p::store
