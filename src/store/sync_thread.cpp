#include "store/sync_thread.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include <ctime>

namespace cloudp2p::store {
namespace {

// A sync costs the processor as much as writing a small image does. While others are on their way, one waits for them
// about as long as a sync takes on a busy disk.
constexpr auto kGatherMax = std::chrono::milliseconds(4);
constexpr std::size_t kGroupEnough = 32;

}  // namespace

void purge(int directory, std::chrono::seconds age) {
  // The change time is when it was moved here: a rename leaves the modification time alone.
  const std::time_t newest = std::time(nullptr) - static_cast<std::time_t>(age.count());
  std::vector<std::string> old;
  static_cast<void>(for_each_name(directory, [&](const char* name) {
    struct stat info {};
    if (::fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(info.st_mode)) return;
    if (age.count() == 0 || info.st_ctim.tv_sec <= newest) old.emplace_back(name);
  }));
  for (const std::string& name : old)
    ::unlinkat(directory, name.c_str(), 0);
}

SyncThread::SyncThread(Executor& executor, const StoreContext& context, SyncThreadOptions options)
    : executor_(executor), context_(context), options_(options), publisher_(context), thread_([this] { run(); }) {}

void SyncThread::expect() {
  const std::lock_guard lock(mutex_);
  ++expected_;
}

void SyncThread::give_up() {
  const std::lock_guard lock(mutex_);
  --expected_;
}

void SyncThread::commit(std::shared_ptr<PartialFile> file, Committed done) {
  ++context_.counters.commits_waiting;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    --expected_;
    waiting_.commits.push_back({std::move(file), std::move(done)});
    wake = !gathering_ || gathered();
  }
  if (wake) wake_.notify_one();
}

void SyncThread::remove(Removal removal, Removed done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.removals.push_back({std::move(removal), std::move(done)});
  }
  wake_.notify_one();
}

void SyncThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void SyncThread::run() {
  ::pthread_setname_np(::pthread_self(), "cloudp2p-sync");
  publisher_.load();
  auto next_check = std::chrono::steady_clock::now() + options_.check_interval;
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait_until(lock, next_check, [this] { return stopping_ || !waiting_.empty(); });
    gather(lock);
    Group group = std::exchange(waiting_, {});
    const bool stopping = stopping_;
    lock.unlock();
    if (stopping) return cancel(std::move(group));
    if (!group.empty()) work_on(std::move(group));
    if (std::chrono::steady_clock::now() < next_check) continue;
    tend();
    next_check = std::chrono::steady_clock::now() + options_.check_interval;
  }
}

bool SyncThread::gathered() const {
  return stopping_ || expected_ == 0 || waiting_.commits.empty() || waiting_.commits.size() >= kGroupEnough;
}

void SyncThread::gather(std::unique_lock<std::mutex>& lock) {
  if (gathered()) return;
  gathering_ = true;
  wake_.wait_for(lock, kGatherMax, [this] { return gathered(); });
  gathering_ = false;
}

void SyncThread::tend() {
  context_.guard.check();
  if (context_.guard.writable()) purge(context_.directory.trash(), options_.trash_age);
}

SyncThread::Callbacks SyncThread::callbacks_of(Group& group) {
  Callbacks out;
  for (WaitingCommit& waiting : group.commits)
    out.committed.push_back(std::move(waiting.done));
  for (WaitingRemoval& waiting : group.removals)
    out.removed.push_back(std::move(waiting.done));
  return out;
}

void SyncThread::work_on(Group group) {
  context_.counters.commits_waiting -= group.commits.size();
  std::vector<Publication> publications(group.commits.size());
  for (std::size_t i = 0; i < publications.size(); ++i)
    publications[i].file = group.commits[i].file.get();
  std::vector<Removal> removals;
  for (WaitingRemoval& waiting : group.removals)
    removals.push_back(std::move(waiting.removal));

  publisher_.run(publications, removals);

  // What failed is gone before anybody hears of it, and what is posted does not refer to this store.
  Callbacks callbacks = callbacks_of(group);
  group = {};
  executor_.post(
      [callbacks = std::move(callbacks), publications = std::move(publications), removals = std::move(removals)] {
        for (std::size_t i = 0; i < publications.size(); ++i)
          callbacks.committed[i](publications[i].outcome);
        for (std::size_t i = 0; i < removals.size(); ++i)
          callbacks.removed[i](removals[i].outcome);
      });
}

void SyncThread::cancel(Group group) {
  if (group.empty()) return;
  context_.counters.commits_waiting -= group.commits.size();
  executor_.post([callbacks = callbacks_of(group)] {
    for (const Committed& done : callbacks.committed)
      done(Errc::cancelled);
    for (const Removed& done : callbacks.removed)
      done(Errc::cancelled);
  });
}

}  // namespace cloudp2p::store
