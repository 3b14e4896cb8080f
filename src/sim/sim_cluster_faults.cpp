#include "sim/sim_cluster_impl.hpp"

namespace cloudp2p::testing {

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
  static constexpr const char* kStates[] = {"healthy", "full", "broken", "read-only"};
  static constexpr DiskFault kFaults[] = {DiskFault::none, DiskFault::full, DiskFault::io, DiskFault::read_only};
  const auto index = static_cast<std::size_t>(state);
  impl_->fault(fmt::format("the disk of node {} is {}", value(node), kStates[index]));
  impl_->of(node).disk().set_fault(kFaults[index]);
  if (state == Disk::kHealthy) impl_->of(node).disk().heal_calls();
}
void SimCluster::disk_call_fails(NodeId node, DiskCall call, bool fails) {
  static constexpr const char* kCalls[] = {"append", "commit", "read", "erase", "record", "look-up", "look-up of some",
                                           "save of the state"};
  impl_->fault(fmt::format("the disk of node {}: {} {}", value(node), kCalls[static_cast<std::size_t>(call)],
                           fails ? "fails" : "works again"));
  impl_->of(node).disk().set_call_fails(call, fails);
}
void SimCluster::stall_disk(NodeId node, bool stalled) {
  impl_->fault(fmt::format("the disk of node {} {}", value(node), stalled ? "hangs" : "goes on"));
  impl_->of(node).disk().stall(stalled);
  impl_->invariants.expect_delays();
}
void SimCluster::break_lock() {
  impl_->fault("the lock of the shared disk is broken");
  if (impl_->shared) impl_->shared->break_lock();
}
void SimCluster::skew_clock(NodeId node, int percent) {
  if (percent < -50 || percent > 50) throw std::invalid_argument("a clock is skewed by at most 50 percent");
  impl_->fault(fmt::format("the clock of node {} will run {} % faster", value(node), percent));
  impl_->of(node).skew_clock(percent);
}
void SimCluster::jump_wall_clock(NodeId node, std::chrono::milliseconds by) {
  impl_->fault(fmt::format("the wall clock of node {} jumps by {} ms", value(node), by.count()));
  impl_->of(node).jump_wall_clock(by);
}
void SimCluster::at_moment(NodeId node, Moment moment, Callback<void()> then) {
  impl_->of(node).at_moment(moment, std::move(then));
}
void SimCluster::heal_link(NodeId node, NodeId other) {
  impl_->fault(fmt::format("the path between node {} and node {} heals", value(node), value(other)));
  const HostId a = impl_->of(node).host();
  const HostId b = impl_->of(other).host();
  impl_->network.set_link(a, b, LinkProfile{});
  impl_->network.heal(a, b);
  impl_->network.heal(b, a);
  impl_->invariants.topology_changed();
}
void SimCluster::link(NodeId node, NodeId other, const LinkProfile& profile) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(profile.delay).count();
  impl_->fault(fmt::format("the path between node {} and node {}: {} ms more, {} ns a KiB{}", value(node), value(other), ms,
                           profile.nanoseconds_per_kib, profile.takes_dials ? "" : ", no new connections"));
  impl_->network.set_link(impl_->of(node).host(), impl_->of(other).host(), profile);
  impl_->invariants.expect_delays();
}
void SimCluster::pause_client(std::size_t client) {
  impl_->fault(fmt::format("client {} is paused", client));
  impl_->clients.at(client)->pause();
}
void SimCluster::resume_client(std::size_t client) {
  impl_->fault(fmt::format("client {} goes on", client));
  impl_->clients.at(client)->resume();
}
void SimCluster::corrupt(NodeId node, const Digest& digest) {
  impl_->fault(fmt::format("a bit flips in {} on node {}", short_id(digest), value(node)));
  if (!impl_->of(node).corrupt(digest)) return;
  impl_->invariants.bytes_damaged(digest);
}
bool SimCluster::may_corrupt(const Digest& digest) const {
  return impl_->invariants.may_rot(digest);
}
void SimCluster::lose(NodeId node, Loss what) {
  static constexpr const char* kLosses[] = {"its state file",      "both slots of its state file", "its catalog",
                                            "all its image files", "its whole disk",               "all since its backup",
                                            "its catalog and the journal beside it"};
  impl_->fault(fmt::format("node {} loses {}", value(node), kLosses[static_cast<std::size_t>(what)]));
  std::vector<Digest> files;
  for (const auto& [name, file] : impl_->of(node).images().files())
    files.push_back(file.about.digest);
  impl_->invariants.damage(node, files);
  impl_->of(node).lose(what);
}
bool SimCluster::lose_file(NodeId node, const Digest& digest) {
  if (!impl_->of(node).images().holds(digest)) return false;
  impl_->fault(fmt::format("node {} loses the file of {}", value(node), short_id(digest)));
  impl_->invariants.damage(node, {digest});
  return impl_->of(node).lose_file(digest);
}
void SimCluster::back_up(NodeId node) {
  impl_->fault(fmt::format("node {} is backed up", value(node)));
  impl_->of(node).back_up();
}
bool SimCluster::damaged(NodeId node) const {
  return impl_->invariants.damaged(impl_->of(node).id());
}
bool SimCluster::may_lose(NodeId node, const std::vector<NodeId>& planned) const {
  return impl_->invariants.may_be_damaged(impl_->of(node).id(), planned);
}
bool SimCluster::suffice(const std::vector<NodeId>& nodes) const {
  return impl_->invariants.suffice(nodes);
}
bool SimCluster::may_list(const std::vector<NodeId>& peers) const {
  return impl_->invariants.may_be_listed(peers);
}
void SimCluster::drain(NodeId node, Duration patience) {
  impl_->fault(fmt::format("node {} is asked to stop", value(node)));
  impl_->of(node).drain(patience);
}
void SimCluster::network(const NetworkProfile& profile) {
  impl_->network.set_profile(profile);
}


}  // namespace cloudp2p::testing
