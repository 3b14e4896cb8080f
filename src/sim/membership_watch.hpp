// MembershipWatch: which members there are, judged by what the disks hold; and the first half of I15.
#pragma once

#include <cloudp2p/state_store.hpp>

#include <map>
#include <set>

namespace cloudp2p::sim {

class MembershipWatch {
 public:
  /// What came to be durable on a node. Changed: nobody held these members, under this term and version, before.
  struct Seen {
    bool changed = false;
    std::string broken;  ///< How I15 is violated; empty: it is not.
  };
  Seen on_state(NodeId node, const DurableState& state);

  /// The newest membership that is durable on a majority of its own members; without members before there is one.
  [[nodiscard]] const Membership& adopted() const noexcept { return adopted_; }
  /// It, and whatever newer one some node holds: each of them may come to count.
  [[nodiscard]] std::vector<Membership> in_force() const;
  /// What this node holds.
  [[nodiscard]] const Membership& of(NodeId node) const;

 private:
  using Number = std::pair<Term, std::uint64_t>;
  [[nodiscard]] std::string judge(const Membership& membership) const;

  std::map<NodeId, Membership> held_;
  std::map<Number, std::vector<Member>> known_;
  Membership adopted_;
};

}  // namespace cloudp2p::sim
