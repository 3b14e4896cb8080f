// Changes of members: files are edited and read again, on some nodes late, on some not before all is healed. Clients get
// their new lists then.
#include "sim/chaos.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMembersMin = 2;
constexpr std::size_t kNewcomersMax = 3;

bool listed(const std::vector<NodeId>& ids, NodeId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

/// A machine that was a member before, or a new one; kNobody when there are enough.
NodeId a_newcomer(Chaos& chaos, const std::vector<NodeId>& wanted) {
  std::vector<NodeId> free;
  for (const NodeId id : nodes_of(chaos.cluster())) {
    if (!listed(wanted, id)) free.push_back(id);
  }
  if (!free.empty() && (chaos.random().percent(50) || free.size() >= kNewcomersMax)) return chaos.random().pick(free);
  if (free.size() >= kNewcomersMax || chaos.cluster().size() >= limits::kMembersMax) return kNobody;
  std::vector<NodeId> with_itself = wanted;
  with_itself.push_back(NodeId{static_cast<std::uint32_t>(chaos.cluster().size() + 1)});
  if (!chaos.cluster().may_list(with_itself)) return kNobody;
  return chaos.cluster().add_node(with_itself);
}

/// Each node hears of it now, later, or when all is healed.
void roll_out(Chaos& chaos) {
  for (const NodeId node : nodes_of(chaos.cluster())) {
    const std::uint64_t when = chaos.random().below(100);
    if (when < 70) chaos.tell_members(node);
    if (when >= 70 && when < 92) chaos.later(50ms, 4s, [&chaos, node] { chaos.tell_members(node); });
  }
}

bool want(Chaos& chaos, std::vector<NodeId> wanted) {
  std::sort(wanted.begin(), wanted.end());
  if (wanted.size() < kMembersMin || !chaos.cluster().may_list(wanted)) return false;
  chaos.want_members(std::move(wanted));
  roll_out(chaos);
  return true;
}

bool add_member(Chaos& chaos) {
  std::vector<NodeId> wanted = chaos.wanted_members();
  const NodeId newcomer = a_newcomer(chaos, wanted);
  if (newcomer == kNobody) return false;
  wanted.push_back(newcomer);
  return want(chaos, std::move(wanted));
}

bool remove_member(Chaos& chaos) {
  std::vector<NodeId> wanted = chaos.wanted_members();
  std::erase(wanted, chaos.random().pick(wanted));
  return want(chaos, std::move(wanted));
}

bool replace_member(Chaos& chaos) {
  std::vector<NodeId> wanted = chaos.wanted_members();
  const NodeId goner = chaos.random().pick(wanted);
  const NodeId newcomer = a_newcomer(chaos, wanted);
  if (newcomer == kNobody) return false;
  std::erase(wanted, goner);
  wanted.push_back(newcomer);
  return want(chaos, std::move(wanted));
}

/// Stopped, given another address, and started; the others' files follow.
bool move_member(Chaos& chaos) {
  const NodeId node = chaos.random().pick(chaos.wanted_members());
  chaos.cluster().crash(node);
  chaos.cluster().move(node);
  chaos.want_members(chaos.wanted_members());
  chaos.tell_members(node);
  chaos.later(10ms, 2s, [&chaos, node] { chaos.cluster().restart(node); });
  roll_out(chaos);
  return true;
}

constexpr FaultKind kMemberKinds[] = {
    {"member added", 10, add_member},
    {"member removed", 10, remove_member},
    {"member replaced", 8, replace_member},
    {"member moved", 8, move_member},
};

}  // namespace

std::span<const FaultKind> member_faults() {
  return kMemberKinds;
}

}  // namespace cloudp2p::sim
