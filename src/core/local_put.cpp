#include "core/local_put.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {

struct LocalPut::State {
  Services* services;
  PutHeader header;
  Owner owner;
  std::optional<PutId> id;
  std::deque<Buffer> waiting;  ///< Offered before the put was open.
  std::uint64_t received = 0;
  std::uint64_t written = 0;
  bool over = false;  ///< Failed, or handed to commit.
  bool orphaned = false;
  Error failure;
  Callback<void(Result<StoredImage>)> commit_done;
};

LocalPut::LocalPut(Services& services, PutHeader header) : state_(std::make_shared<State>()) {
  state_->services = &services;
  state_->header = header;
  services.ports.images->begin_put(
      std::move(header), services.writing([state = state_](Result<PutId> put) { opened(state, std::move(put)); }));
}

LocalPut::~LocalPut() {
  state_->owner = {};
  state_->orphaned = true;
  if (!state_->over && state_->id) state_->services->ports.images->abort(*state_->id);
}

void LocalPut::set_owner(Owner owner) { state_->owner = std::move(owner); }
const PutHeader& LocalPut::header() const { return state_->header; }
std::uint64_t LocalPut::received() const { return state_->received; }
std::uint64_t LocalPut::written() const { return state_->written; }
bool LocalPut::failed() const { return static_cast<bool>(state_->failure); }

void LocalPut::opened(const std::shared_ptr<State>& state, Result<PutId> put) {
  if (!put.ok()) return fail(state, put.error());
  if (state->orphaned && !state->commit_done) return state->services->ports.images->abort(*put);
  state->id = *put;
  std::deque<Buffer> waiting;
  waiting.swap(state->waiting);
  for (Buffer& bytes : waiting) append(state, std::move(bytes));
  if (state->commit_done) commit_when_open(state);
}

void LocalPut::append(const std::shared_ptr<State>& state, Buffer bytes) {
  const std::uint64_t size = bytes.size();
  auto done = [state, size](const Status& status) {
    if (state->failure) return;
    if (!status.ok()) return fail(state, status.error());
    state->written += size;
    const auto progress = state->owner.on_progress;
    if (progress) progress();
  };
  state->services->ports.images->append(*state->id, std::move(bytes), state->services->writing(std::move(done)));
}

void LocalPut::fail(const std::shared_ptr<State>& state, const Error& error) {
  if (state->failure) return;
  state->failure = error;
  state->over = true;
  state->waiting.clear();
  if (state->commit_done) {
    const Callback<void(Result<StoredImage>)> done = std::move(state->commit_done);
    return done(error);
  }
  const auto failed = state->owner.on_failed;
  if (failed) failed(error);
}

Status LocalPut::offer(std::uint64_t offset, Buffer bytes) {
  if (state_->failure) return state_->failure;
  if (offset > state_->received || offset + bytes.size() > state_->header.size_bytes) {
    return Error{Errc::protocol, fmt::format("chunk at {} of {} bytes where {} was expected, of {} in all", offset,
                                             bytes.size(), state_->received, state_->header.size_bytes)};
  }
  const std::uint64_t known = state_->received - offset;
  if (known >= bytes.size()) return {};
  if (known > 0) bytes = bytes.part(static_cast<std::size_t>(known), bytes.size() - static_cast<std::size_t>(known));
  state_->received += bytes.size();
  if (state_->id) {
    append(state_, std::move(bytes));
  } else {
    state_->waiting.push_back(std::move(bytes));
  }
  return {};
}

void LocalPut::commit(Callback<void(Result<StoredImage>)> done) {
  if (state_->failure) {
    state_->services->ports.executor->post(
        [done = std::move(done), error = state_->failure]() { done(Result<StoredImage>(error)); });
    return;
  }
  state_->commit_done = std::move(done);
  if (state_->id) commit_when_open(state_);
}

void LocalPut::commit_when_open(const std::shared_ptr<State>& state) {
  state->over = true;
  auto finished = [state](Result<StoredImage> stored) {
    if (!state->commit_done) return;  // an append failed first and has answered
    const Callback<void(Result<StoredImage>)> done = std::move(state->commit_done);
    done(std::move(stored));
  };
  state->services->ports.images->commit(*state->id, state->services->writing(std::move(finished)));
}

void ParkedPuts::park(std::unique_ptr<LocalPut> put) {
  if (!put || put->failed() || put->received() == 0) return;
  put->set_owner({});
  if (parked_.size() >= limits::kParkedPutsMax) parked_.pop_front();
  parked_.push_back(Parked{services_.now(), std::move(put)});
}

std::unique_ptr<LocalPut> ParkedPuts::take(const Digest& digest, std::uint64_t size_bytes) {
  for (auto at = parked_.begin(); at != parked_.end(); ++at) {
    if (at->put->header().digest != digest) continue;
    std::unique_ptr<LocalPut> out = std::move(at->put);
    parked_.erase(at);
    const bool usable = !out->failed() && out->header().size_bytes == size_bytes;
    return usable ? std::move(out) : nullptr;
  }
  return nullptr;
}

void ParkedPuts::expire() {
  while (!parked_.empty() && services_.now() - parked_.front().since > limits::kParkedPutAge) parked_.pop_front();
}

}  // namespace cloudp2p::core
