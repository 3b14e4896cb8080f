#include "sim/chaos.hpp"

namespace cloudp2p::sim {

using namespace std::chrono_literals;
using testing::Direction;
using testing::SimCluster;

Chaos::Chaos(SimCluster& cluster, Random random, const testing::SimOptions& options)
    : cluster_(cluster), wanted_members_(nodes_of(cluster)) {
  leaders_first_ = random.percent(50);
  const std::uint64_t seed = random.next();
  for (const auto& kinds : {network_faults(), process_faults(), disk_faults()}) draw(kinds, seed, true);
  // What one node alone may have acknowledged must not be lost with it.
  const bool others_have_it = !options.shared && options.quorum == Quorum::majority;
  for (const auto& kinds : {loss_faults(), member_faults()}) draw(kinds, seed, others_have_it);
  draw(shared_disk_faults(), seed, options.shared);
}

void Chaos::draw(std::span<const FaultKind> kinds, std::uint64_t seed, bool possible) {
  for (const FaultKind& kind : kinds) {
    std::uint64_t own = seed;
    for (const char* c = kind.name; *c != '\0'; ++c) own = detail::fold64(own, static_cast<unsigned char>(*c));
    Random random(own);
    counts_.emplace(kind.name, 0);
    if (!possible || !random.percent(kind.percent)) continue;
    const Duration interval = random.log_between(300ms, 6s);
    const Duration first = 500ms + random.between(Duration(0), interval);
    plagues_.push_back(Plague{&kind, random, interval, first});
  }
}

Duration Chaos::next() const {
  Duration out = Duration::max();
  for (const Plague& plague : plagues_)
    out = std::min(out, plague.due);
  for (const Remedy& remedy : remedies_)
    out = std::min(out, remedy.due);
  return out;
}

void Chaos::apply_remedies() {
  const Duration now = cluster_.now();
  for (std::size_t i = 0; i < remedies_.size();) {
    if (remedies_[i].due > now) {
      ++i;
      continue;
    }
    const Remedy remedy = std::move(remedies_[i]);
    remedies_.erase(remedies_.begin() + static_cast<std::ptrdiff_t>(i));
    current_ = remedy.plague;
    remedy.apply();
  }
}

void Chaos::act() {
  apply_remedies();
  const Duration now = cluster_.now();
  for (std::size_t i = 0; i < plagues_.size(); ++i) {
    Plague& plague = plagues_[i];
    if (plague.due > now) continue;
    plague.due = now + plague.random.between(plague.interval / 2, plague.interval * 2);
    current_ = i;
    if (plague.kind->strike(*this)) ++counts_[plague.kind->name];
  }
}

void Chaos::stop() {
  remedies_.clear();
  plagues_.clear();
  for (const NodeId node : nodes_of(cluster_)) cluster_.at_moment(node, testing::Moment::kLeading, nullptr);
  for (std::size_t client = 0; client < cluster_.client_count(); ++client) cluster_.resume_client(client);
}

void Chaos::mend(NodeId node) {
  cluster_.stall_disk(node, false);
  cluster_.disk(node, SimCluster::Disk::kHealthy);
  cluster_.slow_disk(node, 1);
  cluster_.resume(node);
  // A file that is gone is missed at the next start, if nobody has asked for it before.
  if (restart_owed_[node] > 0 || cluster_.damaged(node)) cluster_.crash(node);
  restart_owed_[node] = 0;
  cluster_.restart(node);
}

void Chaos::end() {
  stop();
  cluster_.heal();
  for (const NodeId node : nodes_of(cluster_)) {
    if (members_change_) tell_members(node);
    mend(node);
    // It began with itself in its file.
    if (members_change_) tell_members(node);
  }
  if (members_change_) tell_clients();
}

void Chaos::hold_members() {
  if (!members_change_) return;
  std::vector<NodeId> wanted = std::exchange(wanted_members_, cluster_.members());
  for (const NodeId node : nodes_of(cluster_)) tell_members(node);
  tell_clients();
  wanted_members_ = std::move(wanted);
}

/// Their lists come with their next start.
void Chaos::tell_clients() {
  for (std::size_t client = 0; client < cluster_.client_count(); ++client) {
    cluster_.edit_client_peers(client, wanted_members_);
    cluster_.restart_client(client);
  }
}

void Chaos::want_members(std::vector<NodeId> ids) {
  wanted_members_ = std::move(ids);
  members_change_ = true;
}

/// Who is not listed keeps itself in its file for its next start.
void Chaos::tell_members(NodeId node) {
  cluster_.edit_peers(node, wanted_members_);
  if (cluster_.running(node)) cluster_.reload(node);
  if (std::find(wanted_members_.begin(), wanted_members_.end(), node) != wanted_members_.end()) return;
  std::vector<NodeId> with_itself = wanted_members_;
  with_itself.push_back(node);
  cluster_.edit_peers(node, with_itself);
}

void Chaos::later(Duration delay, std::function<void()> remedy) {
  remedies_.push_back(Remedy{cluster_.now() + delay, current_, std::move(remedy)});
}

void Chaos::at_moment(NodeId node, testing::Moment moment, std::function<void()> then) {
  cluster_.at_moment(node, moment, [this, plague = current_, then = std::move(then)] {
    current_ = plague;
    then();
  });
}

NodeId Chaos::victim() {
  const NodeId leader = cluster_.leader();
  if (leader != kNobody && random().percent(leaders_first_ ? 70 : 20)) return leader;
  return NodeId{static_cast<std::uint32_t>(1 + random().below(cluster_.size()))};
}

NodeId Chaos::other_than(NodeId node) {
  if (cluster_.size() < 2) return node;
  const auto step = static_cast<std::uint32_t>(1 + random().below(cluster_.size() - 1));
  return NodeId{static_cast<std::uint32_t>((value(node) - 1 + step) % cluster_.size() + 1)};
}

Direction Chaos::one_way() {
  return random().percent(50) ? Direction::kOutgoing : Direction::kIncoming;
}

std::size_t Chaos::standing() const {
  std::size_t out = 0;
  for (const NodeId node : nodes_of(cluster_))
    out += cluster_.running(node) ? 1 : 0;
  return out;
}

void Chaos::restart(NodeId node) {
  cluster_.crash(node);
  --restart_owed_[node];
  cluster_.restart(node);
}

testing::Moment any_moment(Random& random) {
  return static_cast<testing::Moment>(random.below(static_cast<std::uint64_t>(testing::Moment::kBytesStored) + 1));
}

void heal_paths(SimCluster& cluster, NodeId node) {
  for (const NodeId other : nodes_of(cluster)) {
    if (other != node) cluster.heal_link(node, other);
  }
}

std::vector<NodeId> nodes_of(const SimCluster& cluster) {
  std::vector<NodeId> out;
  for (std::uint32_t id = 1; id <= cluster.size(); ++id)
    out.push_back(NodeId{id});
  return out;
}

}  // namespace cloudp2p::sim
