#include "sim/majority_core.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;
using testing::Crash;
using testing::Direction;
using testing::SimCluster;

constexpr unsigned kStarPercent = 30;

}  // namespace

bool MajorityCore::heal() {
  if (change_is_open()) return false;
  std::vector<NodeId> left = cluster_.members();
  const auto draw = [&] {
    const std::size_t at = random_.below(left.size());
    core_.push_back(left[at]);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(at));
  };
  std::erase_if(left, [&](NodeId node) { return cluster_.damaged(node); });
  while (!cluster_.suffice(core_) && !left.empty()) draw();
  if (!cluster_.suffice(core_)) return false;
  std::vector<NodeId> needed;  // The others may be bound to nothing yet, and could not lead.
  for (const NodeId node : core_) {
    std::vector<NodeId> rest = core_;
    std::erase(rest, node);
    if (!cluster_.suffice(rest)) needed.push_back(node);
  }
  // Mostly just enough: one more would hide who waits for too many.
  if (!left.empty() && random_.percent(25)) draw();
  std::sort(core_.begin(), core_.end());
  star_ = random_.percent(kStarPercent);
  chaos_.stop();
  cluster_.heal();
  for (const NodeId node : nodes_of(cluster_)) {
    const bool inside = std::binary_search(core_.begin(), core_.end(), node);
    if (inside || star_) chaos_.mend(node);
    if (!inside) {
      // Slow, if at all, within what a leader may be: its own copy is one of those that an upload needs, and only a disk that
      // hangs makes it give way.
      cluster_.slow_disk(node, 1);
      outsiders_.push_back(Outsider{node, cluster_.now(), nullptr});
    }
  }
  chaos_.hold_members();
  // Nor could one whose disk took nothing when it became a member: only a leader that it hears can tell it so.
  std::erase_if(needed, [&](NodeId node) { return cluster_.status(node).election.membership.find(node) == nullptr; });
  if (star_ && !needed.empty()) cut_to_a_star(random_.pick(needed));
  act();
  return true;
}

/// One hears all others of the core, and those do not hear one another: it alone can lead.
void MajorityCore::cut_to_a_star(NodeId hub) {
  for (const NodeId a : core_) {
    for (const NodeId b : core_) {
      if (a < b && a != hub && b != hub) cluster_.cut_link(a, b, static_cast<Direction>(random_.below(3)));
    }
  }
}

/// A leader has decided on members that no disk may hold yet; or it sleeps, and has not read what its file lists.
bool MajorityCore::change_is_open() const {
  const std::vector<NodeId> nodes = nodes_of(cluster_);
  return std::any_of(nodes.begin(), nodes.end(), [this](NodeId node) {
    if (!cluster_.running(node)) return false;
    const ElectionView view = cluster_.status(node).election;
    return view.role == ElectionRole::leader && (view.previous || (chaos_.members_change() && cluster_.paused(node)));
  });
}

Duration MajorityCore::next() const {
  Duration out = Duration::max();
  for (const Outsider& outsider : outsiders_) out = std::min(out, outsider.due);
  return out;
}

void MajorityCore::act() {
  for (Outsider& outsider : outsiders_) {
    if (outsider.due > cluster_.now()) continue;
    if (outsider.cure) std::exchange(outsider.cure, nullptr)();
    outsider.cure = trouble(outsider.node);
    outsider.due = cluster_.now() + random_.log_between(50ms, 60s);
  }
}

std::function<void()> MajorityCore::trouble(NodeId node) {
  const std::uint64_t what = random_.below(100);
  if (what < 10) return [this, node] { chaos_.mend(node); };  // Well, or as it was.
  if (what < 40) return trouble_process(node);
  if (what < 60) return trouble_disk(node);
  return trouble_paths(node);
}

std::function<void()> MajorityCore::trouble_process(NodeId node) {
  cluster_.restart(node);
  if (random_.percent(50)) {
    cluster_.pause(node);
    return [this, node] { cluster_.resume(node); };
  }
  cluster_.crash(node, random_.percent(50) ? Crash::kKill : Crash::kPowerLoss);
  return [this, node] { cluster_.restart(node); };
}

std::function<void()> MajorityCore::trouble_disk(NodeId node) {
  chaos_.mend(node);
  constexpr testing::DiskCall kCalls[] = {testing::DiskCall::kAppend, testing::DiskCall::kCommit, testing::DiskCall::kRead,
                                          testing::DiskCall::kErase,  testing::DiskCall::kRecord, testing::DiskCall::kLookUp,
                                          testing::DiskCall::kLookUpSome, testing::DiskCall::kSaveState};
  const std::uint64_t what = random_.below(7);
  if (what == 0) cluster_.stall_disk(node, true);
  if (what == 1) cluster_.slow_disk(node, static_cast<unsigned>(1U << random_.between(3, 5)));
  if (what == 2) cluster_.disk(node, SimCluster::Disk::kFull);
  if (what == 3) cluster_.disk(node, SimCluster::Disk::kIo);
  if (what == 4) cluster_.disk(node, SimCluster::Disk::kReadOnly);
  if (what > 4) cluster_.disk_call_fails(node, kCalls[random_.below(std::size(kCalls))], true);
  if (what > 2) chaos_.owe_restart(node);
  return [this, node] { chaos_.mend(node); };
}

/// To all others, or to about half of them.
std::function<void()> MajorityCore::trouble_paths(NodeId node) {
  chaos_.mend(node);
  const std::uint64_t what = random_.below(5);
  const unsigned share = random_.percent(50) ? 100 : 50;
  testing::LinkProfile profile;
  if (what == 3) profile.takes_dials = false;
  if (what == 4) profile.delay = random_.log_between(50ms, 2s);
  for (const NodeId other : nodes_of(cluster_)) {
    if (other == node || !random_.percent(share)) continue;
    if (what < 3) cluster_.cut_link(node, other, static_cast<Direction>(what));
    if (what == 3) cluster_.break_links(node, other);
    if (what >= 3) cluster_.link(node, other, profile);
  }
  return [this, node] { heal_paths(cluster_, node); };
}

std::string MajorityCore::text() const {
  std::vector<std::uint32_t> ids;
  for (const NodeId node : core_) ids.push_back(value(node));
  return fmt::format("nodes {}", fmt::join(ids, ", "));
}

}  // namespace cloudp2p::sim
