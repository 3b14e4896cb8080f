#include "store/state_file.hpp"

#include <fcntl.h>

namespace cloudp2p::store {
namespace {

constexpr std::size_t kSlots = 2;

bool is_blank(const Slot& slot) {
  return std::all_of(slot.begin(), slot.end(), [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

StateFile::StateFile(Executor& executor, StoreDirectory& directory)
    : executor_(executor),
      directory_(directory),
      broken_(Error{Errc::closed, "the state file was not loaded"}),
      thread_([this] { run(); }) {}

StateFile::~StateFile() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  answer(std::move(waiting_), Errc::cancelled);
}

Status StateFile::open_file() {
  auto file = open_below(directory_.own(), kStateFile, directory_.read_only() ? O_RDONLY : O_RDWR);
  if (file.code() == Errc::not_found) return create_file();
  if (!file) return Error{file.code(), directory_.own_path() + ": " + file.error().message};
  file_ = std::move(*file);
  return {};
}

/// Zeros that are written, not only reserved: the first save must not have to allocate either.
Status StateFile::create_file() {
  auto file = open_below(directory_.own(), kStateFile, O_RDWR | O_CREAT, 0600);
  if (!file) return Error{file.code(), directory_.own_path() + ": " + file.error().message};
  const Slot blank{};
  DiskCalls& disk = directory_.disk();
  int error = 0;
  for (std::size_t slot = 0; slot < kSlots && error == 0; ++slot) {
    error = disk.write_all(file->get(), blank, slot * kSlotBytes);
  }
  if (error == 0) error = disk.sync_data(file->get());
  if (error == 0) error = disk.sync_directory(directory_.own());
  if (error != 0) return posix_error(error, "cannot create " + directory_.own_path() + "/" + kStateFile);
  file_ = std::move(*file);
  return {};
}

Result<std::optional<DurableState>> StateFile::load() {
  // The thread looks at the file only after a save, which the owner calls after this.
  const std::lock_guard lock(mutex_);
  if (auto status = open_file(); !status) return std::move(status).error();
  std::optional<SlotContent> newest;
  std::size_t blank = 0;
  damaged_ = 0;
  for (std::size_t i = 0; i < kSlots; ++i) {
    Slot slot{};
    const auto got = read_at(file_.get(), slot, i * kSlotBytes);
    if (!got) return got.error();
    auto content = decode_slot(slot);
    if (is_blank(slot)) ++blank;
    if (!content && !is_blank(slot)) ++damaged_;
    if (!content || (newest && newest->generation >= content->generation)) continue;
    newest = std::move(content);
    next_slot_ = (i + 1) % kSlots;
  }
  if (newest && newest->generation > 1) damaged_ += blank;  // Both had been written.
  if (newest) generation_ = newest->generation;
  broken_ = {};
  if (damaged_ > 0) {
    // The one that is left may be the older.
    return Error{Errc::format, directory_.own_path() + "/" + kStateFile + ": " + std::to_string(damaged_) + " of " +
                                   std::to_string(kSlots) + " copies are damaged"};
  }
  return newest ? std::optional(std::move(newest->state)) : std::nullopt;
}

void StateFile::save(const DurableState& state, Callback<void(Status)> done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({state, std::move(done)});
  }
  wake_.notify_one();
}

/// Into the slot whose turn it is; into both, if both were damaged.
Status StateFile::write(const DurableState& state) {
  if (!broken_) return broken_;
  if (directory_.read_only()) return Error{Errc::read_only, directory_.path() + " is on a read-only file system"};
  DiskCalls& disk = directory_.disk();
  do {
    const auto slot = encode_slot({generation_ + 1, state});
    if (!slot) return slot.error();
    int error = disk.write_all(file_.get(), *slot, next_slot_ * kSlotBytes);
    if (error == 0) error = disk.sync_data(file_.get());
    if (error != 0) {
      broken_ = posix_error(error, "cannot save " + directory_.own_path() + "/" + kStateFile);
      return broken_;
    }
    ++generation_;
    next_slot_ = (next_slot_ + 1) % kSlots;
    if (damaged_ > 0) --damaged_;
  } while (damaged_ > 0);
  return {};
}

void StateFile::run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    std::vector<Waiting> group = std::exchange(waiting_, {});
    lock.unlock();
    const Status status = write(group.back().state);
    answer(std::move(group), status);
  }
}

void StateFile::answer(std::vector<Waiting> group, const Status& status) {
  if (group.empty()) return;
  executor_.post([group = std::move(group), status] {
    for (const Waiting& waiting : group)
      waiting.done(status);
  });
}

}  // namespace cloudp2p::store
