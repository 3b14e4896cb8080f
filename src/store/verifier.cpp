#include "store/verifier.hpp"

#include "store/image_files.hpp"

#include <fcntl.h>

namespace cloudp2p::store {
namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;

}  // namespace

Verifier::Verifier(Executor& executor, WorkPool& pool, BufferPool& buffers, const StoreContext& context,
                   const std::atomic<bool>& stopping, Options options)
    : executor_(executor), pool_(pool), buffers_(buffers), context_(context), stopping_(stopping), options_(options) {}

void Verifier::verify(Job job) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
    if (std::exchange(scheduled_, true)) return;
  }
  schedule(0);
}

void Verifier::schedule(std::size_t bytes_just_read) {
  const double seconds = static_cast<double>(bytes_just_read) / static_cast<double>(options_.bytes_per_second_max);
  const auto pause = std::chrono::duration_cast<WorkPool::Clock::duration>(std::chrono::duration<double>(seconds));
  pool_.post_idle(WorkPool::Clock::now() + pause, [this] { step(); });
}

void Verifier::step() {
  if (!active_) {
    const std::lock_guard lock(mutex_);
    active_.emplace(Active{std::move(waiting_.front()), {}, nullptr, 0});
    waiting_.pop_front();
  }
  std::size_t bytes_read = 0;
  if (auto outcome = advance(bytes_read)) {
    if (outcome->code() == Errc::integrity) ++context_.counters.integrity_failures;
    executor_.post([done = std::move(active_->job.done), status = std::move(*outcome)] { done(status); });
    active_.reset();
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      scheduled_ = false;
      return;
    }
  }
  schedule(bytes_read);
}

Status Verifier::open_active() {
  auto file = open_image(context_.directory.root(), active_->job.file_name);
  if (!file) return std::move(file).error();
  active_->file = std::move(*file);
  active_->hasher = context_.make_hasher();
  // What is asked is what the disk holds, not what memory remembers of it.
  ::posix_fadvise(active_->file.get(), 0, 0, POSIX_FADV_DONTNEED);
  ::posix_fadvise(active_->file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return {};
}

std::optional<Status> Verifier::advance(std::size_t& bytes_read) {
  if (stopping_) return Errc::cancelled;
  if (!active_->file.valid()) {
    if (auto status = open_active(); !status) return status;
  }
  Buffer block = buffers_.take(kBlockBytes);
  const auto got = read_at(active_->file.get(), {block.data(), block.size()}, active_->offset);
  if (!got) return Status(got.error());
  bytes_read = *got;
  active_->hasher->update(block.view().first(*got));
  active_->offset += *got;
  if (*got == block.size()) return std::nullopt;
  if (active_->hasher->finish() == active_->job.digest) return Status{};
  return Status(
      Error{Errc::integrity, active_->job.file_name + " does not match its digest " + short_id(active_->job.digest)});
}

}  // namespace cloudp2p::store
