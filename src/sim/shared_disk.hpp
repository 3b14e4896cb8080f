// SharedDisk, SharedMount: a file server's disk that all simulated machines mount, and one machine's mount of it.
//
// What the holder of the lock changes on its mount is changed on the disk at the same instant; the mount of everybody
// else refuses. So a lock that is broken fences its holder off, as a file server does that knows of leases. A crash of
// the holder frees the lock: at once when its kernel lives to say so, after `kLease` when the power failed.
#pragma once

#include "sim/memory_catalog.hpp"
#include "sim/memory_image_store.hpp"

#include <cloudp2p/shared_store.hpp>

namespace cloudp2p::sim {

class SharedMount;

class SharedDisk {
 public:
  SharedDisk(Scheduler& scheduler, Random random, const testing::DiskProfile& profile)
      : disk_(scheduler, random, profile), catalog_(disk_), images_(disk_) {}

  /// The server gives the lock up although its holder lives.
  void break_lock();
  [[nodiscard]] MemoryCatalog& catalog() noexcept { return catalog_; }
  [[nodiscard]] MemoryImageStore& images() noexcept { return images_; }

 private:
  friend class SharedMount;
  Disk disk_;  ///< Nothing runs on it: time passes on the mounts.
  MemoryCatalog catalog_;
  MemoryImageStore images_;
  SharedMount* holder_ = nullptr;
  NodeId last_holder_ = kNobody;
  Term newest_term_ = 0;
  TimePoint free_at_{};
};

class SharedMount final : public SharedStore {
 public:
  SharedMount(SharedDisk& shared, NodeId self, Disk& disk, MemoryCatalog& catalog, MemoryImageStore& images);

  void take(Term term, Callback<void(Result<Opened>)> done) override;
  void let_go() override;
  [[nodiscard]] Term newest_term() const override { return shared_.newest_term_; }
  [[nodiscard]] std::string waits_for() const override;
  [[nodiscard]] StoreStatus status() const override;
  [[nodiscard]] std::uint64_t identity() const override { return 7; }

  /// The process is gone, after its stores have decided what became of unfinished work.
  void crash(testing::Crash how);
  [[nodiscard]] bool holds() const noexcept { return shared_.holder_ == this; }

 private:
  static constexpr Duration kLease = std::chrono::seconds(1);
  friend class SharedDisk;
  void go_on();
  void look_again();
  void fence_off();
  void open(Callback<void(Result<Opened>)> done);

  SharedDisk& shared_;
  const NodeId self_;
  Disk& disk_;
  MemoryCatalog& catalog_;
  MemoryImageStore& images_;
  Term term_ = 0;
  Callback<void(Result<Opened>)> wish_;  ///< Empty: none.
  bool open_ = false;
  bool closing_ = false;  ///< What is under way has to end first.
  std::uint64_t tenure_ = 0;
};

}  // namespace cloudp2p::sim
