#include "sim/sim_cluster_impl.hpp"

namespace cloudp2p::testing {

namespace {

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

PeerAddress address_of(NodeId id) { return PeerAddress{id, Address{"10.0.0." + to_string(id), 7001}}; }

std::string listed(const std::vector<NodeId>& ids) {
  std::string out;
  for (const NodeId id : ids) out += (out.empty() ? "" : ", ") + to_string(id);
  return out;
}

Config config_of(const SimOptions& options) {
  Config out;
  for (std::uint32_t id = 1; id <= options.nodes; ++id) out.peers.push_back(address_of(NodeId{id}));
  out.timing = options.timing;
  out.takeover = options.takeover;
  out.quorum = options.quorum;
  out.timeout = options.client_timeout;
  out.retries = options.client_retries;
  out.scrub_interval = options.scrub_interval;
  out.repair_bytes_per_second = options.repair_bytes_per_second;
  out.shared_dir = "/images";
  out.shared = options.shared;
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

SimCluster::Impl::Impl(const SimOptions& given)
    : options(given),
      random(options.seed),
      log(scheduler, options.log_lines_max),
      network(scheduler, random.fork(), options.network),
      invariants(scheduler, log, network, options) {
  if (options.nodes == 0 || options.nodes > limits::kMembersMax) throw std::invalid_argument("nodes: 1 to 15");
  const Config common = config_of(options);
  if (options.shared) shared = std::make_unique<SharedDisk>(scheduler, random.fork(), options.disk);
  for (const PeerAddress& peer : common.peers) build(peer, common.peers);
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

std::vector<PeerAddress> SimCluster::Impl::addresses_of(const std::vector<NodeId>& ids) {
  std::vector<PeerAddress> out;
  for (const NodeId id : ids) {
    out.push_back(address_of(id));
    if (value(id) <= members.size()) out.back().address.host = network.address_of(of(id).host());
  }
  return out;
}

Machine& SimCluster::Impl::build(const PeerAddress& self, std::vector<PeerAddress> peers) {
  Config config = config_of(options);
  config.node_id = self.id;
  config.peers = std::move(peers);
  const World world{scheduler, network, log, invariants, options, shared.get()};
  const HostId host = network.add_host(self.address.host);
  members.push_back(std::make_unique<Machine>(world, std::move(config), host, random.fork()));
  invariants.watch(*members.back());
  return *members.back();
}

std::string SimCluster::Impl::difference(bool reread) {
  const NodeId serving = leader();
  if (serving == kNobody) return "nobody serves";
  std::vector<const Machine*> voters;
  for (const NodeId id : invariants.members()) voters.push_back(&of(id));
  const Machine& first = of(serving);
  for (const Machine* machine : voters) {
    if (!machine->running() || machine->paused()) return fmt::format("node {} does not run", value(machine->id()));
    if (!reread && machine->catalog().summary().root != first.catalog().summary().root) return "the catalogs differ";
  }
  const MemoryCatalog::Records& expected = first.catalog().durable();
  for (const Machine* machine : voters) {
    const MemoryCatalog::Records& records = machine->catalog().durable();
    for (auto a = expected.begin(), b = records.begin(); a != expected.end() || b != records.end(); ++a, ++b) {
      if (b == records.end() || (a != expected.end() && a->first < b->first)) {
        return fmt::format("node {} has no record of {}", value(machine->id()), short_id(a->first));
      }
      const std::string id = short_id(b->first);
      if (a == expected.end() || b->first < a->first) return fmt::format("node {} alone has a record of {}", value(machine->id()), id);
      if (a->second.record != b->second.record)
        return fmt::format("node {} has another record of {}", value(machine->id()), id);
      if (b->second.record.tombstone) {
        if (machine->images().holds(b->first)) {
          return fmt::format("node {} keeps the bytes of {}, which is deleted", value(machine->id()), id);
        }
        continue;
      }
      if (invariants.may_lack_bytes(b->first)) continue;
      if (!b->second.present || !machine->images().holds(b->first)) {
        return fmt::format("node {} lists {}, but its bytes are gone", value(machine->id()), id);
      }
      if (!machine->images().sound(b->first) || (reread && !machine->images().intact(b->first))) {
        return fmt::format("node {} holds damaged bytes of {}", value(machine->id()), id);
      }
    }
    for (const auto& [name, file] : machine->images().files()) {
      const auto record = records.find(file.about.digest);
      if (record != records.end() && record->second.present && record->second.file_name != name) {
        return fmt::format("node {} keeps {}, which no record claims", value(machine->id()), name);
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
    if (impl_->difference(false).empty() && impl_->difference(true).empty()) break;
    if (impl_->scheduler.now() >= until) {
      impl_->fault("not converged: " + impl_->difference(true));
      return false;
    }
    run_for(std::min<Duration>(std::chrono::milliseconds(50), until - impl_->scheduler.now()));
  }
  impl_->invariants.check_all();
  return true;
}

NodeId SimCluster::add_node(const std::vector<NodeId>& peers) {
  if (size() >= limits::kMembersMax) throw std::invalid_argument("nodes: at most 15");
  const NodeId id{static_cast<std::uint32_t>(size() + 1)};
  impl_->fault(fmt::format("node {} is new; its file lists {}", value(id), listed(peers)));
  impl_->invariants.files_list(peers.size());
  impl_->build(address_of(id), impl_->addresses_of(peers)).start();
  impl_->invariants.topology_changed();
  return id;
}
void SimCluster::edit_peers(NodeId node, const std::vector<NodeId>& peers) {
  impl_->fault(fmt::format("the file of node {} lists {}", value(node), listed(peers)));
  impl_->invariants.files_list(peers.size());
  impl_->of(node).edit_peers(impl_->addresses_of(peers));
}
void SimCluster::move(NodeId node) {
  if (running(node)) throw std::invalid_argument("a machine moves while it does not run");
  const HostId host = impl_->of(node).host();
  const std::string address = fmt::format("10.{}.0.{}", ++impl_->moves, value(node));
  impl_->fault(fmt::format("node {} moves from {} to {}", value(node), impl_->network.address_of(host), address));
  impl_->network.rename_host(host, address);
}
void SimCluster::edit_client_peers(std::size_t client, const std::vector<NodeId>& peers) {
  impl_->fault(fmt::format("the file of client {} lists {}", client, listed(peers)));
  impl_->clients.at(client)->edit_peers(impl_->addresses_of(peers));
}
void SimCluster::reload(NodeId node) {
  impl_->fault(fmt::format("node {} reads its file again", value(node)));
  impl_->of(node).reload();
}
void SimCluster::propose(const std::vector<NodeId>& peers) {
  for (const auto& machine : impl_->members) {
    const NodeId id = machine->id();
    edit_peers(id, peers);
    if (machine->running()) reload(id);
    if (std::find(peers.begin(), peers.end(), id) != peers.end()) continue;
    std::vector<NodeId> with_itself = peers;
    with_itself.push_back(id);
    edit_peers(id, with_itself);
  }
}
SimProgram& SimCluster::start_program(StartProgram start) {
  const std::string address = "10.0.2." + std::to_string(impl_->programs.size() + 1);
  const World world{impl_->scheduler, impl_->network, impl_->log, impl_->invariants, impl_->options};
  const auto host_of = [impl = impl_.get()](NodeId id) { return impl->of(id).host(); };
  impl_->programs.push_back(std::make_unique<Program>(world, impl_->invariants, host_of, config_of(impl_->options),
                                                      impl_->network.add_host(address), impl_->random.fork(),
                                                      std::move(start)));
  return *impl_->programs.back();
}
std::vector<NodeId> SimCluster::members() const {
  return impl_->invariants.members();
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
SimResult<std::vector<CopyCheck>> SimCluster::verify(const Digest& digest, std::size_t client) {
  auto state = std::make_shared<SimResult<std::vector<CopyCheck>>::State>();
  impl_->clients.at(client)->verify(digest, state);
  return SimResult<std::vector<CopyCheck>>(std::move(state));
}
SimResult<std::vector<ScrubView>> SimCluster::scrub(ScrubAction action, std::size_t client) {
  auto state = std::make_shared<SimResult<std::vector<ScrubView>>::State>();
  impl_->clients.at(client)->scrub(action, state);
  return SimResult<std::vector<ScrubView>>(std::move(state));
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
std::size_t SimCluster::client_count() const noexcept {
  return impl_->clients.size();
}
std::size_t SimCluster::size() const noexcept {
  return impl_->members.size();
}
std::size_t SimCluster::durable_copies(const Digest& digest) const {
  const auto has = [&](const auto& member) { return member->has_copy(digest); };
  return static_cast<std::size_t>(std::count_if(impl_->members.begin(), impl_->members.end(), has));
}
std::vector<Digest> SimCluster::lost_images() const {
  std::vector<Digest> out;
  const NodeId serving = impl_->leader();
  if (serving == kNobody) return out;
  for (const auto& [digest, entry] : impl_->of(serving).catalog().durable()) {
    if (!entry.record.tombstone && impl_->invariants.may_lack_bytes(digest)) out.push_back(digest);
  }
  return out;
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
