#include "sim/machine.hpp"

#include <stdexcept>

namespace cloudp2p::sim {

Machine::Machine(const World& world, Config config, HostId host, Random random)
    : world_(world),
      config_(std::move(config)),
      host_(host),
      random_(random),
      disk_(world.scheduler, random_.fork(), world.options.disk),
      state_(disk_),
      catalog_(disk_),
      images_(disk_) {
  if (world_.shared != nullptr) {
    mount_ = std::make_unique<SharedMount>(*world_.shared, id(), disk_, catalog_, images_);
  }
  catalog_.use_cheap_root();
  images_.watch(
      [this](const Digest& digest) {
        world_.events.on_bytes_stored(*this, digest);
        reached(testing::Moment::kBytesStored);
      },
      [this](const Digest& digest) { world_.events.on_bytes_gone(*this, digest); });
  state_.watch([this](const DurableState& state) {
    world_.events.on_state_durable(*this, state);
    reached(testing::Moment::kStateSaved);
  });
  catalog_.watch([this](const CatalogChange& change, const CatalogEntry& held) {
    world_.events.on_record_durable(*this, change, held);
    reached(testing::Moment::kRecorded);
  });
}

void Machine::reached(testing::Moment moment) {
  if (!then_ || moment != awaited_) return;
  world_.scheduler.at(world_.scheduler.now(), kWorld, [then = std::exchange(then_, nullptr)] { then(); });
}

Machine::~Machine() {
  if (running()) crash(testing::Crash::kPowerLoss);
}

void Machine::start() {
  process_ = std::make_unique<Process>(world_.scheduler, random_.fork(), skew_percent_);
  entropy_ = std::make_unique<SeededEntropy>(random_.fork());
  disk_.attach(process_.get());
  transport_ = std::make_unique<SimTransport>(world_.network, host_, *process_, Role::node);
  read_ = config_.peers;
  images_.reopen();
  (void)catalog_.open();
  NodePorts ports{process_.get(), transport_.get(), process_.get(), entropy_.get(),
                  &world_.log,    &images_,         &catalog_,      &state_, mount_.get()};
  NodeExtras extras;
  extras.observer = this;
  store_is_copy_ = store_is_copy_ && catalog_.owner()->is_zero();
  extras.store_is_copy = store_is_copy_;
  extras.chunk_bytes = world_.options.chunk_bytes;
  extras.tombstone_age = world_.options.tombstone_age;
  Result<std::unique_ptr<Node>> node = Node::open(config_, ports, extras);
  if (!node.ok()) throw std::invalid_argument(node.error().text());
  node_ = std::move(*node);
  const Status started = node_->start();
  if (!started.ok()) throw std::invalid_argument(started.error().text());
}

void Machine::crash(testing::Crash how) {
  if (!running()) return;
  world_.network.on_process_gone(host_, how == testing::Crash::kKill);
  serving_ = 0;
  node_.reset();
  state_.crash();
  images_.crash();
  catalog_.crash();
  if (mount_) mount_->crash(how);
  if (how == testing::Crash::kPowerLoss) catalog_.tear_journal();
  disk_.detach();
  process_->drop();
  transport_.reset();
  entropy_.reset();
  process_.reset();
}

void Machine::lose(testing::Loss what) {
  using testing::Loss;
  if (running()) throw std::invalid_argument("a node loses its disk while it does not run");
  const bool state = what == Loss::kState || what == Loss::kStateDamaged;
  if (mount_ && !state) throw std::invalid_argument("of a disk that all mount a node loses nothing but its state");
  const bool everything = what == Loss::kEverything;
  const bool index = what == Loss::kCatalog || what == Loss::kIndex;
  if (!index && what != Loss::kImages) state_.lose(what == Loss::kStateDamaged);
  if (what == Loss::kCatalog) catalog_.lose(catalog_.journal());
  if (what == Loss::kIndex || everything) catalog_.lose({});
  if (what == Loss::kImages || everything) images_.replace({});
  if (what == Loss::kSinceBackup) {
    catalog_.lose(backup_.journal);
    images_.replace(backup_.files);
    store_is_copy_ = true;
  }
}

void Machine::drain(Duration patience) {
  node_->drain(patience, [this] {
    world_.scheduler.at(world_.scheduler.now(), kWorld, [this] { crash(testing::Crash::kKill); });
  });
}

}  // namespace cloudp2p::sim
