#include "sim/membership_watch.hpp"

#include <fmt/format.h>

namespace cloudp2p::sim {
namespace {

std::string text(const std::vector<Member>& members) {
  std::string out;
  for (const Member& member : members) out += (out.empty() ? "" : ", ") + to_string(member.id);
  return "{" + out + "}";
}

/// Members of one that are not, under the same incarnation, in the other.
std::vector<Member> without(const std::vector<Member>& members, const std::vector<Member>& others) {
  std::vector<Member> out;
  for (const Member& member : members) {
    if (std::find(others.begin(), others.end(), member) == others.end()) out.push_back(member);
  }
  return out;
}

/// One voter more, one less, or one bound or unbound: then any two majorities have a voter in common.
bool adjacent(const std::vector<Member>& before, const std::vector<Member>& after) {
  const std::vector<Member> gone = without(before, after);
  const std::vector<Member> come = without(after, before);
  if (gone.size() + come.size() <= 1) return true;
  if (gone.size() != 1 || come.size() != 1 || gone.front().id != come.front().id) return false;
  return gone.front().incarnation.is_zero() || come.front().incarnation.is_zero();
}

}  // namespace

MembershipWatch::Seen MembershipWatch::on_state(NodeId node, const DurableState& state) {
  const Membership& membership = state.membership;
  held_[node] = membership;
  Seen out;
  if (membership.version == 0) return out;
  if (!known_.contains(Number(membership.term, membership.version))) {
    out.changed = true;
    out.broken = judge(membership);
    known_.emplace(Number(membership.term, membership.version), membership.members);
  }
  if (!membership.newer_than(adopted_)) return out;
  std::size_t holders = 0;
  for (const Member& member : membership.members) holders += of(member.id) == membership ? 1 : 0;
  if (holders >= majority_of(membership.members.size())) adopted_ = membership;
  return out;
}

std::vector<Membership> MembershipWatch::in_force() const {
  std::vector<Membership> out{adopted_};
  for (const auto& [node, held] : held_) {
    if (held.newer_than(adopted_) && std::find(out.begin(), out.end(), held) == out.end()) out.push_back(held);
  }
  return out;
}

const Membership& MembershipWatch::of(NodeId node) const {
  static const Membership none;
  const auto at = held_.find(node);
  return at == held_.end() ? none : at->second;
}

/// A change follows the version before it in the same term; a new leader begins with what some node held.
std::string MembershipWatch::judge(const Membership& membership) const {
  const auto before = known_.find(Number(membership.term, membership.version - 1));
  if (before != known_.end()) {
    if (adjacent(before->second, membership.members)) return {};
    return fmt::format("{} follows {} in term {}", text(membership.members), text(before->second), membership.term);
  }
  if (membership.version == 1) return {};
  for (const auto& [number, members] : known_) {
    if (number.second == membership.version && number.first < membership.term && members == membership.members) return {};
  }
  return fmt::format("{} of term {} follows nothing that a node held", text(membership.members), membership.term);
}

}  // namespace cloudp2p::sim
