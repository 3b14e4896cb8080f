#include "store/store_guard.hpp"

namespace cloudp2p::store {

StoreGuard::StoreGuard(StoreDirectory& directory, LogSink& log) : directory_(directory), log_(log) {
  if (directory.read_only()) become(StoreHealth::read_only, directory.path() + " is on a read-only file system");
  observe_space();
}

void StoreGuard::become(StoreHealth health, const std::string& problem) {
  {
    const std::lock_guard lock(mutex_);
    const bool final = status_.health == StoreHealth::failed || status_.health == StoreHealth::read_only;
    if (status_.health == health || (final && health != StoreHealth::failed)) return;
    status_.health = health;
    status_.problem = problem;
  }
  if (health == StoreHealth::ok) {
    log_.log_event(LogLevel::info, "store_recovered", "store: there is room again, writing goes on");
  } else {
    log_.log_event(LogLevel::error, "store_stopped", "store: no more writes: " + problem);
  }
}

void StoreGuard::observe_space() {
  const auto free = directory_.free_bytes();
  if (!free) return fault(free.error());
  {
    const std::lock_guard lock(mutex_);
    status_.free_bytes = *free > promised_bytes_ ? *free - promised_bytes_ : 0;
  }
  if (*free == 0) {
    become(StoreHealth::full, directory_.path() + " has no room above its free-space floor");
  } else if (status().health == StoreHealth::full) {
    become(StoreHealth::ok, {});
  }
}

Status StoreGuard::admit(std::uint64_t size_bytes) {
  if (auto status = writable(); !status) return status;
  observe_space();
  const std::lock_guard lock(mutex_);
  if (size_bytes > status_.free_bytes) {
    return Error{Errc::full, directory_.path() + " has room for " + std::to_string(status_.free_bytes) +
                                 " bytes above its free-space floor, the image has " + std::to_string(size_bytes)};
  }
  promised_bytes_ += size_bytes;
  status_.free_bytes -= size_bytes;
  return {};
}

bool StoreGuard::admit_unseen(std::uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  if (status_.health != StoreHealth::ok || size_bytes > status_.free_bytes) return false;
  promised_bytes_ += size_bytes;
  status_.free_bytes -= size_bytes;
  return true;
}

Status StoreGuard::confirm() {
  if (auto status = writable(); !status) return status;
  const auto free = directory_.free_bytes();
  if (!free) return free.error();
  {
    const std::lock_guard lock(mutex_);
    if (*free >= promised_bytes_) return {};
  }
  directory_.tend_reserve();
  observe_space();
  return Error{Errc::full, directory_.path() + " has no more room above its free-space floor for the images under way"};
}

void StoreGuard::release(std::uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  promised_bytes_ -= size_bytes;
}

Status StoreGuard::writable() const {
  const std::lock_guard lock(mutex_);
  if (status_.health == StoreHealth::failed) return Error{Errc::io, status_.problem};
  if (status_.health == StoreHealth::read_only) return Error{Errc::read_only, status_.problem};
  return {};
}

void StoreGuard::fault(const Error& error) {
  switch (error.code) {
    case Errc::io:
    case Errc::stale_term: return become(StoreHealth::failed, error.text());
    case Errc::permission:
    case Errc::read_only: return become(StoreHealth::read_only, error.text());
    case Errc::full: directory_.tend_reserve(); return become(StoreHealth::full, error.text());
    default: return;
  }
}

void StoreGuard::check() {
  if (auto there = directory_.check_sentinel(); !there) return fault(there.error());
  directory_.tend_reserve();
  observe_space();
}

StoreStatus StoreGuard::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

}  // namespace cloudp2p::store
