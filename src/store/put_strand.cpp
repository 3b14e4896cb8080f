#include "store/put_strand.hpp"

namespace cloudp2p::store {
namespace {

// Fairness: a put with a long queue lets others have a worker now and then.
constexpr int kOperationsPerTurn = 8;

}  // namespace

PutStrand::PutStrand(const Surroundings& surroundings, const StoreContext& context, PutHeader header, PutId id)
    : around_(surroundings), id_(id), file_(std::make_shared<PartialFile>(context, std::move(header), id)) {
  ++around_.alive;
}

PutStrand::~PutStrand() {
  --around_.alive;
}

void PutStrand::begin(Callback<void(Result<PutId>)> done) {
  enqueue(Begin{std::move(done)});
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
      scheduled_ = false;
      return;
    }
    Operation operation = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    std::visit([this](auto& what) { execute(std::move(what)); }, operation);
  }
  around_.pool.post([self = shared_from_this()] { self->run(); });
}

Status PutStrand::still_good() {
  if (!ended_) return ended_;
  if (aborted_) return Error{Errc::cancelled, "the put was aborted"};
  if (around_.stopping) return Error{Errc::cancelled, "the store is closing"};
  return {};
}

Status PutStrand::end_with(Status status) {
  if (status.ok()) return status;
  over_ = true;
  ended_ = status;
  if (file_) file_->discard();
  return status;
}

void PutStrand::execute(Begin operation) {
  Status status = still_good();
  if (status) status = file_->open();
  Result<PutId> answer = end_with(std::move(status)).ok() ? Result<PutId>(id_) : Result<PutId>(ended_.error());
  around_.executor.post([done = std::move(operation.done), answer = std::move(answer)] { done(answer); });
}

void PutStrand::execute(Append operation) {
  Status status = still_good();
  if (status) status = file_->append(operation.bytes.view());
  status = end_with(std::move(status));
  operation.bytes = {};
  around_.executor.post([done = std::move(operation.done), status = std::move(status)] { done(status); });
}

void PutStrand::execute(Commit operation) {
  Status status = still_good();
  if (status) status = file_->finish();
  if (status = end_with(std::move(status)); status.ok()) {
    return around_.sync.commit(std::move(file_), std::move(operation.done));
  }
  around_.executor.post([done = std::move(operation.done), status = std::move(status)] { done(status.error()); });
}

void PutStrand::execute(Abort) {
  static_cast<void>(end_with(Errc::cancelled));
}

}  // namespace cloudp2p::store
