// Who has lost durable data on purpose, and has made up for it.
#include "sim/invariants.hpp"

#include <limits>

namespace cloudp2p::sim {
namespace {

std::vector<NodeId> ids_of(const std::vector<PeerAddress>& peers) {
  std::vector<NodeId> out;
  for (const PeerAddress& peer : peers) out.push_back(peer.id);
  return out;
}

}  // namespace

void Invariants::damage(NodeId id, const std::vector<Digest>& files) {
  of(id).damaged = true;
  of(id).lost.insert(files.begin(), files.end());
  lost_.insert(files.begin(), files.end());
}

bool Invariants::may_lack_bytes(const Digest& digest) const {
  const auto sound = [&](const Watched& node) { return node.member->images().sound(digest); };
  // What only former members have no member can fetch.
  const std::vector<NodeId> ids = members();
  if (std::any_of(ids.begin(), ids.end(), [&](NodeId id) { return sound(of(id)); })) return false;
  // The last good copies left with their nodes, since nobody knew that the others had rotted: only a scrub would tell.
  if (damaged_.contains(digest)) return true;
  // A delete came undone where nobody kept the bytes.
  if (!by_majority() && newest_tombstone_.contains(digest)) return true;
  if (!lost_.contains(digest)) return false;
  const auto acknowledged = newest_acknowledged_.find(digest);
  if (acknowledged == newest_acknowledged_.end()) return true;
  const auto tombstone = newest_tombstone_.find(digest);
  return tombstone != newest_tombstone_.end() && tombstone->second >= acknowledged->second;
}

/// As long as the founding is not known to all, a promise that is forgotten may found a second cluster; nobody promises
/// otherwise.
bool Invariants::may_be_damaged(NodeId id, const std::vector<NodeId>& planned) const {
  const Membership& members = membership_.adopted();
  for (const Watched& node : watched_) {
    if (!node.founded && (members.version == 0 || members.find(node.member->id()) != nullptr)) return false;
  }
  if (blank_or_damaged() + 1 >= majority_of(shortest_file_)) return false;
  if (members.version != 0 && members.find(id) == nullptr) return false;
  std::set<std::vector<NodeId>> lists{planned};
  for (const Watched& node : watched_) {
    lists.insert(ids_of(node.member->file()));
    lists.insert(ids_of(node.member->file_in_force()));
  }
  for (const Membership& one : membership_.in_force()) {
    const auto survives = [&](const std::vector<NodeId>& listed) { return outlives_change(one, listed, id); };
    if (!std::all_of(lists.begin(), lists.end(), survives)) return false;
  }
  return true;
}

bool Invariants::is_intact_member(const Watched& node, const Membership& members) {
  const Member* const bound = members.find(node.member->id());
  return !node.damaged && bound != nullptr && bound->incarnation == node.incarnation;
}

bool Invariants::suffice(const std::vector<NodeId>& nodes) const {
  std::vector<Membership> all = membership_.in_force();
  // Who has led may have decided on others, which its disk has yet to save.
  for (const Watched& node : watched_) {
    const Membership decided = node.member->running() ? node.member->status().election.membership : Membership();
    if (decided.newer_than(membership_.adopted())) all.push_back(decided);
  }
  const auto enough = [&](const Membership& members) {
    return members.version != 0 && on_majority(members, [&](const Watched& node) {
      return std::find(nodes.begin(), nodes.end(), node.member->id()) != nodes.end() && is_intact_member(node, members);
    });
  };
  return std::all_of(all.begin(), all.end(), enough);
}

bool Invariants::outlives(const Membership& members, NodeId loss) const {
  return on_majority(members, [&](const Watched& node) {
    return node.member->id() != loss && is_intact_member(node, members);
  });
}

/// Those that are not listed go one by one, the lowest first. Newcomers change nothing: they come with all they need.
bool Invariants::outlives_change(Membership members, const std::vector<NodeId>& listed, NodeId loss) const {
  const auto unlisted = [&](const Member& member) {
    return std::find(listed.begin(), listed.end(), member.id) == listed.end();
  };
  while (!members.members.empty()) {
    if (!outlives(members, loss)) return false;
    const auto next = std::find_if(members.members.begin(), members.members.end(), unlisted);
    if (next == members.members.end()) return true;
    members.members.erase(next);
  }
  return true;
}

long Invariants::spare_copies(const Digest& digest) const {
  const auto good = [&](const Watched& node) { return node.member->has_copy(digest); };
  long fewest = std::numeric_limits<long>::max();
  for (const Membership& members : membership_.in_force()) {
    fewest = std::min(fewest, static_cast<long>(count_of(members, good)) - static_cast<long>(needed(members)));
  }
  return fewest;
}

bool Invariants::may_be_listed(const std::vector<NodeId>& peers) const {
  const auto is_new = [&](NodeId id) { return value(id) > watched_.size(); };
  const auto newcomers = static_cast<std::size_t>(std::count_if(peers.begin(), peers.end(), is_new));
  if (blank_or_damaged() + newcomers >= majority_of(peers.size())) return false;
  const std::vector<Membership> all = membership_.in_force();
  return std::all_of(all.begin(), all.end(), [&](const Membership& one) {
    return meets_in(peers, one) && outlives_change(one, peers, kNobody);
  });
}

/// After a restart of all, members meet who are listed in a file, or both dial one that is.
bool Invariants::meets_in(const std::vector<NodeId>& peers, const Membership& members) const {
  return members.version == 0 || std::any_of(peers.begin(), peers.end(), [&](NodeId id) {
    return members.find(id) != nullptr && is_intact_member(of(id), members);
  });
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
    const bool file = node.member->images().holds(digest);
    if (!entry.record.tombstone && !(entry.present && file) && !may_lack_bytes(digest)) return false;
    // The file that is believed to be here counts again when the image is stored again.
    if (entry.record.tombstone && entry.present && !file) return false;
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
