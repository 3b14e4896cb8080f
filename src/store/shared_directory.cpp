#include "store/shared_directory.hpp"

#include "store/image_files.hpp"

#include <pthread.h>

#include <filesystem>

namespace cloudp2p::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kRetryPause = std::chrono::milliseconds(20);
constexpr auto kLookPause = std::chrono::seconds(5);
constexpr auto kPatience = std::chrono::milliseconds(500);  ///< With a former leader that is closing its catalog.

bool passes(Errc code) { return code == Errc::locked || code == Errc::full; }

bool is_final(StoreHealth health) { return health == StoreHealth::failed || health == StoreHealth::read_only; }

}  // namespace

SharedDirectory::SharedDirectory(Executor& executor, StoreDirectory& directory, HasherFactory make_hasher, NodeId self,
                                 LogSink& log)
    : executor_(executor),
      directory_(directory),
      make_hasher_(std::move(make_hasher)),
      log_(log),
      lock_(directory, self) {
  directory.set_fence([this] { return lock_.check(); });
  look_after();
  thread_ = std::thread([this] { run(); });
}

SharedDirectory::~SharedDirectory() {
  let_go();
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void SharedDirectory::take(Term term, Callback<void(Result<Opened>)> done) {
  {
    const std::lock_guard guard(mutex_);
    wish_ = Wish{term, *tenure_, std::move(done)};
    tried_ = told_ = false;
    waits_since_ = Clock::now();
  }
  wake_.notify_one();
}

void SharedDirectory::let_go() {
  ++*tenure_;
  std::optional<Wish> given_up;
  {
    const std::lock_guard guard(mutex_);
    given_up.swap(wish_);
    waits_for_.clear();
    if (open_.images) closing_ = std::exchange(open_, {});
  }
  wake_.notify_one();
  if (given_up) answer(std::move(*given_up), Errc::cancelled);
}

/// What was taken and let go of before anybody heard of it is not there any more.
void SharedDirectory::answer(Wish wish, const Result<Opened>& outcome) {
  executor_.post([now = tenure_, wish = std::move(wish), outcome] {
    wish.done(*now == wish.tenure ? outcome : Result<Opened>(Errc::cancelled));
  });
}

void SharedDirectory::run() {
  ::pthread_setname_np(::pthread_self(), "cloudp2p-share");
  Clock::time_point next_look = Clock::now() + kLookPause;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait_until(lock, wish_ && tried_ ? Clock::now() + kRetryPause : next_look,
                     [this] { return stopping_ || closing_.images || (wish_ && !tried_); });
    if (closing_.images) {
      Stores stores = std::exchange(closing_, {});
      lock.unlock();
      close(std::move(stores));
      lock.lock();
    } else if (stopping_) {
      return;
    } else if (wish_) {
      const Wish tried{wish_->term, wish_->tenure, nullptr};
      lock.unlock();
      std::optional<Result<Stores>> stores = try_to_open(tried.term);
      lock.lock();
      if (stores) opened(tried, std::move(*stores), lock);
      tried_ = true;
    } else {
      const bool is_open = open_.images != nullptr;  // then its own threads look after it
      lock.unlock();
      if (!is_open) look_after();
      lock.lock();
      next_look = Clock::now() + kLookPause;
    }
  }
}

void SharedDirectory::opened(const Wish& tried, Result<Stores> stores, std::unique_lock<std::mutex>& lock) {
  if (!wish_ || wish_->tenure != tried.tenure) {
    lock.unlock();
    if (stores.ok()) close(std::move(*stores));
    return lock.lock();
  }
  Result<Opened> outcome = Errc::cancelled;
  if (stores.ok()) {
    open_ = std::move(*stores);
    outcome = Opened{open_.images.get(), open_.catalog.get(), open_.catalog_is_new};
  } else {
    outcome = stores.error();
  }
  waits_for_.clear();
  answer(std::move(*wish_), outcome);
  wish_.reset();
}

std::optional<Result<SharedDirectory::Stores>> SharedDirectory::try_to_open(Term term) {
  if (const Status taken = lock_.try_take(term); !taken.ok()) {
    if (!passes(taken.code())) return Result<Stores>(taken.error());
    note_wait(taken.code() == Errc::locked ? "node " + to_string(lock_.holder()) + " to let go of the directory"
                                           : "room on the shared disk");
    return std::nullopt;
  }
  Result<Stores> stores = open_stores();
  if (stores.ok()) return stores;
  lock_.release();
  if (!passes(stores.code())) return stores;
  note_wait(stores.code() == Errc::locked ? "another process to let go of the catalog" : "room on the shared disk");
  return std::nullopt;
}

Result<SharedDirectory::Stores> SharedDirectory::open_stores() {
  const std::string path = directory_.meta_path() + "/" + kCatalogFile;
  std::error_code unreadable;
  const auto bytes = std::filesystem::file_size(path, unreadable);
  Stores out;
  out.catalog_is_new = unreadable || bytes == 0;
  if (out.catalog_is_new) {
    // Beside a new one they would look unlisted, and be cleared away by the next leader.
    const auto images = list_images(directory_.root());
    if (!images.ok()) return images.error();
    if (!images->empty()) {
      return Error{Errc::format, path + " is gone, and " + std::to_string(images->size()) + " images lie there: put it "
                                 "back, or move the images away and store them again"};
    }
  }
  SqliteCatalogOptions options;
  options.fence = [this] { return lock_.check(); };
  options.make_room = [this] { return directory_.tend_reserve(); };
  out.catalog = std::make_unique<SqliteCatalog>(path, executor_, log_, std::move(options));
  if (Status opened = out.catalog->open(); !opened.ok()) return opened.error();
  out.images = std::make_unique<DirectoryImageStore>(executor_, directory_, make_hasher_, log_);
  return out;
}

void SharedDirectory::note_wait(const std::string& what) {
  const std::lock_guard guard(mutex_);
  if (!wish_) return;
  waits_for_ = what;
  if (told_ || Clock::now() - waits_since_ < kPatience) return;
  told_ = true;
  log_.log_event(LogLevel::warning, "shared_waiting", "shared directory " + directory_.path() + ": waiting for " + what);
}

/// The lock goes last: whoever gets it finds everything written.
void SharedDirectory::close(Stores stores) {
  const StoreStatus last = stores.images->status();
  const bool held = lock_.check().ok();
  {
    const std::lock_guard guard(mutex_);
    // What failed because the hold was lost says nothing of the disk.
    if (held || !is_final(last.health)) status_ = last;
    faulty_ = faulty_ || (held && is_final(last.health));
  }
  stores.images.reset();
  stores.catalog.reset();
  lock_.release();
}

void SharedDirectory::look_after() {
  const auto free = directory_.free_bytes();
  const Status there = directory_.check_disk();
  StoreStatus seen;
  if (!there.ok() || !free) {
    seen = {StoreHealth::failed, 0, there.ok() ? free.error().text() : there.error().text()};
  } else {
    seen = {*free == 0 ? StoreHealth::full : StoreHealth::ok, *free, {}};
    if (*free == 0) seen.problem = directory_.path() + " has no room above its free-space floor";
  }
  const std::lock_guard guard(mutex_);
  if (!faulty_) status_ = std::move(seen);
}

std::string SharedDirectory::waits_for() const {
  const std::lock_guard guard(mutex_);
  return waits_for_;
}

StoreStatus SharedDirectory::status() const {
  const std::lock_guard guard(mutex_);
  return status_;
}

std::uint64_t SharedDirectory::identity() const {
  std::uint64_t hash = 1469598103934665603ULL;
  for (const char digit : directory_.store_id()) hash = (hash ^ static_cast<unsigned char>(digit)) * 1099511628211ULL;
  return hash;
}

}  // namespace cloudp2p::store
