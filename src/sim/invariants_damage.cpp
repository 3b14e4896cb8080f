// Who has lost durable data on purpose, and has made up for it.
#include "sim/invariants.hpp"

namespace cloudp2p::sim {

void Invariants::damage(NodeId id, const std::vector<Digest>& files) {
  of(id).damaged = true;
  lost_.insert(files.begin(), files.end());
}

bool Invariants::may_lack_bytes(const Digest& digest) const {
  if (!lost_.contains(digest)) return false;
  for (const Watched& node : watched_) {
    if (node.member->images().sound(digest)) return false;
  }
  const auto acknowledged = newest_acknowledged_.find(digest);
  if (acknowledged == newest_acknowledged_.end()) return true;
  const auto tombstone = newest_tombstone_.find(digest);
  return tombstone != newest_tombstone_.end() && tombstone->second >= acknowledged->second;
}

/// As long as the founding is not known to all, a promise that is forgotten may found a second cluster; nobody promises
/// otherwise.
bool Invariants::may_be_damaged(NodeId id) const {
  const Membership& members = membership_.adopted();
  for (const Watched& node : watched_) {
    if (!node.founded && (members.version == 0 || members.find(node.member->id()) != nullptr)) return false;
  }
  if (blank_or_damaged() + 1 >= majority_of(shortest_file_)) return false;
  if (members.version != 0 && members.find(id) == nullptr) return false;
  return on_majority(members, [&](const Watched& node) {
    const Member* const bound = members.find(node.member->id());
    return node.member->id() != id && !node.damaged && bound != nullptr && bound->incarnation == node.incarnation;
  });
}

bool Invariants::may_be_listed(const std::vector<NodeId>& peers) const {
  const auto is_new = [&](NodeId id) { return value(id) > watched_.size(); };
  const auto newcomers = static_cast<std::size_t>(std::count_if(peers.begin(), peers.end(), is_new));
  return blank_or_damaged() + newcomers < majority_of(peers.size());
}

std::size_t Invariants::blank_or_damaged() const {
  const auto counts = [&](const Watched& node) { return node.damaged || membership_.of(node.member->id()).version == 0; };
  return static_cast<std::size_t>(std::count_if(watched_.begin(), watched_.end(), counts));
}

/// Bound under its incarnation, whether it knows it or not; equal to the leader, and no byte missing.
bool Invariants::whole(const Watched& node, const Machine& leader) const {
  const NodeStatus here = node.member->status();
  const NodeStatus there = leader.status();
  const Member* const bound = membership_.adopted().find(node.member->id());
  if (bound == nullptr || bound->incarnation != here.election.incarnation) return false;
  if (here.catalog.root != there.catalog.root) return false;
  for (const auto& [digest, entry] : node.member->catalog().durable()) {
    const bool here_too = entry.present && node.member->images().holds(digest);
    if (!entry.record.tombstone && !here_too && !may_lack_bytes(digest)) return false;
  }
  return true;
}

void Invariants::settle_damage() {
  const Watched* leader = nullptr;
  for (const Watched& node : watched_) {
    const bool serves = node.member->running() && !node.member->paused() && node.serving > 0;
    if (serves && (leader == nullptr || node.serving > leader->serving)) leader = &node;
  }
  if (leader == nullptr) return;
  for (Watched& node : watched_) {
    if (node.damaged && node.member->running() && whole(node, *leader->member)) node.damaged = false;
  }
}

}  // namespace cloudp2p::sim
