// Machine: one simulated machine of the cluster: its disk, which survives, and its process, which may not.
#pragma once

#include "sim/memory_catalog.hpp"
#include "sim/memory_image_store.hpp"
#include "sim/memory_state_store.hpp"
#include "sim/recorded_log.hpp"
#include "sim/shared_disk.hpp"
#include "sim/sim_transport.hpp"

#include <cloudp2p/node.hpp>

namespace cloudp2p::sim {

class Machine;

/// What happens on a member, for those who judge it.
class MachineEvents {
 public:
  virtual ~MachineEvents() = default;
  virtual void on_state_durable(Machine& member, const DurableState& state) = 0;
  virtual void on_record_durable(Machine& member, const CatalogChange& change, const CatalogEntry& held) = 0;
  virtual void on_bytes_stored(Machine& member, const Digest& digest) = 0;
  virtual void on_bytes_gone(Machine& member, const Digest& digest) = 0;
  virtual void on_leading(Machine& member, Term term) = 0;
  virtual void on_serving(Machine& member, Term term) = 0;
  virtual void on_stepped_down(Machine& member, Term term) = 0;
  virtual void on_stamped(Machine& member, const ImageRecord& record) = 0;
  virtual void on_acknowledged(Machine& member, const ImageRecord& record, Term term) = 0;
  virtual void on_confirmed_read(Machine& member, Term term) = 0;
};

struct World {
  Scheduler& scheduler;
  Network& network;
  RecordedLog& log;
  MachineEvents& events;
  const testing::SimOptions& options;
  SharedDisk* shared = nullptr;  ///< That all machines mount.
};

class Machine final : private NodeObserver {
 public:
  Machine(const World& world, Config config, HostId host, Random random);
  ~Machine() override;

  void start();
  void crash(testing::Crash how);
  void drain(Duration patience);
  /// Only while it does not run.
  void lose(testing::Loss what);
  /// Of this image, where it lies: a bit flips; its file is gone. False when there was nothing to do.
  bool corrupt(const Digest& digest) {
    if (mount_) (void)images_.corrupt(digest);
    return images().corrupt(digest);
  }
  bool lose_file(const Digest& digest) {
    const bool had = images().holds(digest);
    (void)images_.lose(digest);
    return had;
  }
  void back_up() { backup_ = Backup{catalog_.journal(), images_.files()}; }
  /// The file; in force after `reload` or the next start.
  void edit_peers(std::vector<PeerAddress> peers) { config_.peers = std::move(peers); }
  void reload() {
    read_ = config_.peers;
    node_->reload(config_);
  }
  /// The file as it is, and as it was read last.
  [[nodiscard]] const std::vector<PeerAddress>& file() const noexcept { return config_.peers; }
  [[nodiscard]] const std::vector<PeerAddress>& file_in_force() const noexcept { return read_; }
  void pause() { process_->pause(); }
  void resume() { process_->resume(); }
  void slow_down(unsigned factor) {
    slowness_ = factor;
    disk_.slow_down(factor);
  }
  [[nodiscard]] Disk& disk() noexcept { return disk_; }
  /// From its next start on.
  void skew_clock(int percent) noexcept { skew_percent_ = percent; }
  void jump_wall_clock(std::chrono::milliseconds by) {
    if (process_) process_->jump_wall_clock(by);
  }
  void at_moment(testing::Moment moment, Callback<void()> then) {
    awaited_ = moment;
    then_ = std::move(then);
  }

  [[nodiscard]] NodeId id() const noexcept { return config_.node_id; }
  [[nodiscard]] HostId host() const noexcept { return host_; }
  [[nodiscard]] bool running() const noexcept { return node_ != nullptr; }
  [[nodiscard]] bool paused() const { return process_ && process_->paused(); }
  [[nodiscard]] unsigned slowness() const noexcept { return slowness_; }
  [[nodiscard]] NodeStatus status() const { return node_->status(); }
  [[nodiscard]] bool serves() const noexcept { return serving_ != 0; }
  [[nodiscard]] Term serving_term() const noexcept { return serving_; }
  [[nodiscard]] std::size_t longest_queue_bytes() const { return transport_ ? transport_->longest_queue_bytes() : 0; }
  /// What is on its disk, or on the one that it mounts.
  [[nodiscard]] const MemoryCatalog& catalog() const noexcept { return mount_ ? world_.shared->catalog() : catalog_; }
  [[nodiscard]] MemoryImageStore& images() noexcept { return mount_ ? world_.shared->images() : images_; }
  [[nodiscard]] const MemoryImageStore& images() const noexcept { return mount_ ? world_.shared->images() : images_; }
  /// There: a live record, and the bytes that it names, undamaged.
  [[nodiscard]] bool has_copy(const Digest& digest) const {
    const auto& records = catalog().durable();
    const auto at = records.find(digest);
    const bool listed = at != records.end() && !at->second.record.tombstone && at->second.present;
    return listed && images().sound(digest) && images().names(digest, at->second.file_name);
  }

 private:
  void reached(testing::Moment moment);
  void on_leading(Term term) override {
    world_.events.on_leading(*this, term);
    reached(testing::Moment::kLeading);
  }
  void on_serving(Term term) override {
    serving_ = term;
    world_.events.on_serving(*this, term);
    reached(testing::Moment::kServing);
  }
  void on_stepped_down(Term term) override {
    serving_ = 0;
    world_.events.on_stepped_down(*this, term);
    reached(testing::Moment::kSteppedDown);
  }
  void on_stamped(const ImageRecord& record) override {
    world_.events.on_stamped(*this, record);
    reached(testing::Moment::kStamped);
  }
  void on_acknowledged(const ImageRecord& record, Term term) override {
    world_.events.on_acknowledged(*this, record, term);
    reached(testing::Moment::kAcknowledged);
  }
  void on_confirmed_read(Term term) override { world_.events.on_confirmed_read(*this, term); }

  const World world_;
  Config config_;
  std::vector<PeerAddress> read_;
  const HostId host_;
  Random random_;
  Disk disk_;
  MemoryStateStore state_;
  MemoryCatalog catalog_;
  MemoryImageStore images_;
  std::unique_ptr<SharedMount> mount_;  ///< With a shared disk: catalog_ and images_ are what this machine has of it.
  std::unique_ptr<Process> process_;
  std::unique_ptr<SeededEntropy> entropy_;
  std::unique_ptr<SimTransport> transport_;
  std::unique_ptr<Node> node_;
  Term serving_ = 0;
  struct Backup {
    MemoryCatalog::Journal journal;
    MemoryImageStore::Files files;
  };
  Backup backup_;
  bool store_is_copy_ = false;
  unsigned slowness_ = 1;
  int skew_percent_ = 0;
  testing::Moment awaited_ = testing::Moment::kLeading;
  Callback<void()> then_;  ///< Empty: nothing is awaited.
};

}  // namespace cloudp2p::sim
