#include <cloudp2p/testing/sim_cluster.hpp>

#include "sim/sim_client.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace cloudp2p::testing {

using namespace sim;

namespace {

constexpr Duration kCheckInterval = std::chrono::milliseconds(250);
constexpr std::size_t kHeadBytes = 4096;

/// Bytes that images share; what makes an image unique is its head.
const Buffer& noise() {
  thread_local const Buffer shared = [] {
    Buffer out = Buffer::allocate(std::size_t{1} << 20);
    SeededEntropy(Random(42)).fill({out.data(), out.size()});
    return out;
  }();
  return shared;
}

Config config_of(const SimOptions& options) {
  Config out;
  for (std::uint32_t id = 1; id <= options.nodes; ++id) {
    out.peers.push_back(PeerAddress{NodeId{id}, Address{"10.0.0." + std::to_string(id), 7001}});
  }
  out.timing = options.timing;
  out.takeover = options.takeover;
  out.timeout = options.client_timeout;
  out.retries = options.client_retries;
  out.shared_dir = "/images";
  return out;
}

}  // namespace

SimImage make_image(std::uint64_t salt, std::size_t size_bytes) {
  SimImage out;
  size_bytes = std::clamp(size_bytes, std::size_t{64}, noise().size());
  out.size_bytes = size_bytes;
  out.name = "image-" + std::to_string(salt) + ".jpg";
  out.head = Buffer::allocate(std::min(size_bytes, kHeadBytes));
  SeededEntropy(Random(salt)).fill({out.head.data(), out.head.size()});
  constexpr std::array<unsigned char, 4> kJpeg = {0xff, 0xd8, 0xff, 0xe0};
  std::memcpy(out.head.data(), kJpeg.data(), kJpeg.size());
  out.tail = noise().part(0, size_bytes - out.head.size());
  ContentHash hash;
  hash.update(out.head.view());
  hash.update(out.tail.view());
  out.digest = hash.finish();
  return out;
}

class SimCluster::Impl {
 public:
  explicit Impl(const SimOptions& given)
      : options(given),
        random(options.seed),
        log(scheduler, options.log_lines_max),
        network(scheduler, random.fork(), options.network),
        invariants(scheduler, log, network, options) {
    if (options.nodes == 0 || options.nodes > limits::kMembersMax) throw std::invalid_argument("nodes: 1 to 15");
    const Config common = config_of(options);
    std::vector<Machine*> all;
    for (const PeerAddress& peer : common.peers) {
      Config config = common;
      config.node_id = peer.id;
      const World world{scheduler, network, log, invariants, options};
      const HostId host = network.add_host(peer.address.host);
      members.push_back(std::make_unique<Machine>(world, std::move(config), host, random.fork()));
      all.push_back(members.back().get());
    }
    invariants.watch(std::move(all));
    network.watch([this](const End& to, const Frame& frame) { invariants.on_frame(to, frame); });
    std::vector<HostId> client_hosts;
    for (std::size_t i = 0; i < options.clients; ++i) {
      client_hosts.push_back(network.add_host("10.0.1." + std::to_string(i + 1)));
    }
    for (const auto& member : members)
      member->start();
    for (const HostId host : client_hosts) {
      clients.push_back(std::make_unique<SimClient>(scheduler, network, log, invariants, common, host, random.fork()));
    }
    invariants.topology_changed();
  }

  Machine& of(NodeId id) {
    if (value(id) == 0 || value(id) > members.size()) throw std::invalid_argument("no such node: " + to_string(id));
    return *members[value(id) - 1];
  }
  void fault(const std::string& text) { log.note("--- " + text); }
  void set_cut(NodeId from, NodeId to) { network.cut(of(from).host(), of(to).host()); }
  bool step(TimePoint until) {
    if (scheduler.now() >= next_check) {
      next_check = scheduler.now() + kCheckInterval;
      invariants.check_often();
    }
    return scheduler.step(until);
  }
  NodeId leader() {
    NodeId out = kNobody;
    Term newest = 0;
    for (const auto& member : members) {
      if (!member->running() || member->paused() || member->serving_term() <= newest) continue;
      newest = member->serving_term();
      out = member->id();
    }
    return out;
  }
  /// Why the cluster has not converged; empty when it has.
  std::string difference();
  std::string describe(const Machine& machine) const;

  const SimOptions options;
  Scheduler scheduler;
  Random random;
  RecordedLog log;
  Network network;
  Invariants invariants;
  std::vector<std::unique_ptr<Machine>> members;
  std::vector<std::unique_ptr<SimClient>> clients;
  TimePoint next_check{};
};

std::string SimCluster::Impl::difference() {
  if (leader() == kNobody) return "nobody serves";
  const Machine& first = *members.front();
  for (const auto& machine : members) {
    if (!machine->running() || machine->paused()) return fmt::format("node {} does not run", value(machine->id()));
    if (machine->catalog().summary().root != first.catalog().summary().root) return "the catalogs differ";
  }
  const MemoryCatalog::Records& expected = first.catalog().durable();
  for (const auto& machine : members) {
    const MemoryCatalog::Records& records = machine->catalog().durable();
    if (records.size() != expected.size()) return "the catalogs differ in size";
    for (auto a = expected.begin(), b = records.begin(); a != expected.end(); ++a, ++b) {
      const std::string id = short_id(b->first);
      if (a->second.record != b->second.record)
        return fmt::format("node {} has another record of {}", value(machine->id()), id);
      if (b->second.record.tombstone) {
        if (machine->images().holds(b->first)) {
          return fmt::format("node {} keeps the bytes of {}, which is deleted", value(machine->id()), id);
        }
        continue;
      }
      if (!b->second.present || !machine->images().holds(b->first)) {
        return fmt::format("node {} lists {}, but its bytes are gone", value(machine->id()), id);
      }
    }
  }
  return {};
}

std::string SimCluster::Impl::describe(const Machine& machine) const {
  static constexpr const char* kRoles[] = {"follower", "candidate", "leader", "learner"};
  if (!machine.running()) return fmt::format("node {}: not running", value(machine.id()));
  const NodeStatus status = machine.status();
  return fmt::format(
      "node {}{}: {}{} in term {}, follows {}, {} of {} reachable; {} images, {} missing, catalog {:016x}; {}",
      value(machine.id()), machine.paused() ? " (paused)" : "", status.serving ? "serving " : "",
      kRoles[static_cast<int>(status.election.role)], status.election.term, value(status.election.leader),
      status.election.members_reachable, status.election.members_total, status.catalog.images, status.catalog.missing,
      status.catalog.root, status.store.health == StoreHealth::ok ? "disk ok" : status.store.problem);
}

SimCluster::SimCluster(const SimOptions& options) : impl_(std::make_unique<Impl>(options)) {}
SimCluster::~SimCluster() = default;

Duration SimCluster::now() const {
  return impl_->scheduler.now().time_since_epoch();
}
bool SimCluster::step(Duration until) {
  return impl_->step(TimePoint(until));
}
void SimCluster::run_for(Duration duration) {
  const TimePoint until = impl_->scheduler.now() + duration;
  while (impl_->step(until)) {
  }
}
bool SimCluster::run_until(const Callback<bool()>& holds, Duration bound) {
  const TimePoint until = impl_->scheduler.now() + bound;
  while (!holds()) {
    if (!impl_->step(until)) return holds();
  }
  return true;
}
NodeId SimCluster::run_until_leader(Duration bound) {
  run_until([this] { return impl_->leader() != kNobody; }, bound);
  return impl_->leader();
}
bool SimCluster::converges(Duration bound) {
  const TimePoint until = impl_->scheduler.now() + bound;
  while (true) {
    const std::string difference = impl_->difference();
    if (difference.empty()) break;
    if (impl_->scheduler.now() >= until) {
      impl_->fault("not converged: " + difference);
      return false;
    }
    run_for(std::min<Duration>(std::chrono::milliseconds(50), until - impl_->scheduler.now()));
  }
  impl_->invariants.check_all();
  return true;
}

void SimCluster::cut(NodeId node, Direction direction) {
  for (const auto& other : impl_->members) {
    if (other->id() != node) cut_link(node, other->id(), direction);
  }
}
void SimCluster::cut_link(NodeId node, NodeId other, Direction direction) {
  static constexpr const char* kWays[] = {"both ways", "outgoing", "incoming"};
  impl_->fault(
      fmt::format("cut: node {} from node {}, {}", value(node), value(other), kWays[static_cast<int>(direction)]));
  if (direction != Direction::kIncoming) impl_->set_cut(node, other);
  if (direction != Direction::kOutgoing) impl_->set_cut(other, node);
  impl_->invariants.topology_changed();
}
void SimCluster::cut_clients(NodeId node) {
  impl_->fault(fmt::format("cut: node {} from all clients", value(node)));
  for (const auto& client : impl_->clients) {
    impl_->network.cut(client->host(), impl_->of(node).host());
    impl_->network.cut(impl_->of(node).host(), client->host());
  }
}
void SimCluster::break_links(NodeId node, NodeId other) {
  impl_->fault(fmt::format("connections break: node {} and node {}", value(node), value(other)));
  impl_->network.break_connections(impl_->of(node).host(), impl_->of(other).host());
}
void SimCluster::heal() {
  impl_->fault("the network heals");
  impl_->network.heal_all();
  impl_->invariants.topology_changed();
}
void SimCluster::crash(NodeId node, Crash crash) {
  if (!running(node)) return;
  impl_->fault(fmt::format("node {} {}", value(node), crash == Crash::kKill ? "is killed" : "loses power"));
  impl_->invariants.on_stepped_down(impl_->of(node), 0);
  impl_->of(node).crash(crash);
  impl_->invariants.topology_changed();
}
void SimCluster::restart(NodeId node) {
  if (running(node)) return;
  impl_->fault(fmt::format("node {} starts again", value(node)));
  impl_->of(node).start();
  impl_->network.on_host_back(impl_->of(node).host());
  impl_->invariants.topology_changed();
}
void SimCluster::pause(NodeId node) {
  if (!running(node) || paused(node)) return;
  impl_->fault(fmt::format("node {} is paused", value(node)));
  impl_->of(node).pause();
  impl_->invariants.topology_changed();
}
void SimCluster::resume(NodeId node) {
  if (!running(node) || !paused(node)) return;
  impl_->fault(fmt::format("node {} goes on", value(node)));
  impl_->of(node).resume();
  impl_->network.on_host_back(impl_->of(node).host());
  impl_->invariants.topology_changed();
}
void SimCluster::slow_disk(NodeId node, unsigned factor) {
  impl_->fault(fmt::format("the disk of node {} is {} times as slow", value(node), factor));
  impl_->of(node).slow_down(factor);
}
void SimCluster::disk(NodeId node, Disk state) {
  impl_->fault(fmt::format("the disk of node {} is {}", value(node),
                           state == Disk::kHealthy ? "healthy"
                           : state == Disk::kFull  ? "full"
                                                   : "broken"));
  impl_->of(node).disk().set_fault(static_cast<DiskFault>(state == Disk::kHealthy ? DiskFault::none
                                                          : state == Disk::kFull  ? DiskFault::full
                                                                                  : DiskFault::io));
}
void SimCluster::corrupt(NodeId node, const Digest& digest) {
  impl_->fault(fmt::format("a bit flips in {} on node {}", short_id(digest), value(node)));
  if (impl_->of(node).images().corrupt(digest)) impl_->invariants.bytes_damaged(digest);
}
void SimCluster::drain(NodeId node, Duration patience) {
  impl_->fault(fmt::format("node {} is asked to stop", value(node)));
  impl_->of(node).drain(patience);
}
void SimCluster::network(const NetworkProfile& profile) {
  impl_->network.set_profile(profile);
}

SimResult<UploadOutcome> SimCluster::put(const SimImage& image, std::size_t client) {
  auto state = std::make_shared<SimResult<UploadOutcome>::State>();
  impl_->clients.at(client)->put(image, state);
  return SimResult<UploadOutcome>(std::move(state));
}
SimResult<ImageInfo> SimCluster::get(const Digest& digest, std::size_t client) {
  auto state = std::make_shared<SimResult<ImageInfo>::State>();
  impl_->clients.at(client)->get(digest, state);
  return SimResult<ImageInfo>(std::move(state));
}
SimResult<ImageInfo> SimCluster::info(const Digest& digest, std::size_t client) {
  auto state = std::make_shared<SimResult<ImageInfo>::State>();
  impl_->clients.at(client)->info(digest, state);
  return SimResult<ImageInfo>(std::move(state));
}
SimResult<ImageRecord> SimCluster::remove(const Digest& digest, std::size_t client) {
  auto state = std::make_shared<SimResult<ImageRecord>::State>();
  impl_->clients.at(client)->remove(digest, state);
  return SimResult<ImageRecord>(std::move(state));
}
SimResult<ListPage> SimCluster::list(std::size_t client) {
  auto state = std::make_shared<SimResult<ListPage>::State>();
  impl_->clients.at(client)->list(state);
  return SimResult<ListPage>(std::move(state));
}
SimResult<StepDownOutcome> SimCluster::step_down(std::size_t client) {
  auto state = std::make_shared<SimResult<StepDownOutcome>::State>();
  impl_->clients.at(client)->step_down(state);
  return SimResult<StepDownOutcome>(std::move(state));
}
SimResult<UploadOutcome> SimCluster::put_and_wait(const SimImage& image, Duration bound, std::size_t client) {
  SimResult<UploadOutcome> result = put(image, client);
  run_until([&result] { return result.done(); }, bound);
  return result;
}
void SimCluster::restart_client(std::size_t client) {
  impl_->clients.at(client)->restart();
}

bool SimCluster::running(NodeId node) const {
  return impl_->of(node).running();
}
bool SimCluster::paused(NodeId node) const {
  return impl_->of(node).paused();
}
NodeStatus SimCluster::status(NodeId node) const {
  return impl_->of(node).status();
}
NodeId SimCluster::leader() const {
  return impl_->leader();
}
std::size_t SimCluster::size() const noexcept {
  return impl_->members.size();
}
std::size_t SimCluster::durable_copies(const Digest& digest) const {
  std::size_t copies = 0;
  for (const auto& member : impl_->members) {
    const auto at = member->catalog().durable().find(digest);
    const bool listed = at != member->catalog().durable().end() && !at->second.record.tombstone && at->second.present;
    copies += listed && member->images().holds(digest) ? 1 : 0;
  }
  return copies;
}
const std::vector<ImageRecord>& SimCluster::acknowledged() const {
  return impl_->invariants.acknowledged();
}
const std::vector<std::string>& SimCluster::violations() const {
  return impl_->invariants.violations();
}
std::string SimCluster::report() const {
  std::string out;
  for (const std::string& violation : violations())
    out += violation + "\n";
  out += impl_->log.text();
  for (const auto& machine : impl_->members)
    out += impl_->describe(*machine) + "\n";
  return out;
}
std::uint64_t SimCluster::trace_hash() const {
  return impl_->scheduler.trace_hash();
}
std::uint64_t SimCluster::events() const {
  return impl_->scheduler.executed();
}

}  // namespace cloudp2p::testing
