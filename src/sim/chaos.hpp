// Chaos: what a random run does to its cluster. The seed draws which kinds of fault occur and how often; the kinds stand
// in tables, one line and one function each (faults_network.cpp, faults_process.cpp, faults_disk.cpp,
// faults_loss.cpp, faults_members.cpp).
//
// Every kind has a source of chance of its own, drawn from the seed and its name: a new kind changes no life in which it
// does not occur.
#pragma once

#include "sim/random.hpp"

#include <cloudp2p/testing/random_run.hpp>

#include <functional>
#include <map>
#include <span>

namespace cloudp2p::sim {

class Chaos;

struct FaultKind {
  const char* name;
  /// In so many of 100 lives this kind occurs.
  unsigned percent;
  /// Strikes once. False when it found nothing to do: that is not counted.
  bool (*strike)(Chaos&);
};
[[nodiscard]] std::span<const FaultKind> network_faults();
[[nodiscard]] std::span<const FaultKind> process_faults();
[[nodiscard]] std::span<const FaultKind> disk_faults();
// Where each node has a disk of its own, and others have what is on it.
[[nodiscard]] std::span<const FaultKind> loss_faults();
[[nodiscard]] std::span<const FaultKind> member_faults();
// Where all share one.
[[nodiscard]] std::span<const FaultKind> shared_disk_faults();

class Chaos {
 public:
  /// The options of that cluster.
  Chaos(testing::SimCluster& cluster, Random random, const testing::SimOptions& options);
  /// When the next fault, or the end of one, is due.
  [[nodiscard]] Duration next() const;
  void act();
  /// Nothing strikes any more, and what has struck stays.
  void stop();
  /// Process and disk of this node are well from now on.
  void mend(NodeId node);
  /// Everything is repaired: paths, processes, disks. All files list what is wanted.
  void end();
  [[nodiscard]] const testing::FaultCounts& counts() const noexcept { return counts_; }
  /// What the files list in the end.
  [[nodiscard]] const std::vector<NodeId>& wanted_members() const noexcept { return wanted_members_; }
  /// Files were edited; not all may list that.
  [[nodiscard]] bool members_change() const noexcept { return members_change_; }
  /// No more changes until the end: all files list the members that there are.
  void hold_members();

  // For the kinds.
  [[nodiscard]] testing::SimCluster& cluster() noexcept { return cluster_; }
  /// Of the kind that strikes now, or whose end this is.
  [[nodiscard]] Random& random() noexcept { return plagues_[current_].random; }
  /// Ends what has begun, or goes on with it, that much later.
  void later(Duration delay, std::function<void()> remedy);
  void later(Duration least, Duration most, std::function<void()> remedy) {
    later(random().log_between(least, most), std::move(remedy));
  }
  /// At the next such moment of this node, if chaos still reigns then.
  void at_moment(NodeId node, testing::Moment moment, std::function<void()> then);
  /// A node; the leader more often than others.
  [[nodiscard]] NodeId victim();
  /// Any node but this one; this one when there is no other.
  [[nodiscard]] NodeId other_than(NodeId node);
  [[nodiscard]] testing::Direction one_way();
  /// Whatever members there are to be.
  [[nodiscard]] bool may_lose(NodeId node) const { return cluster_.may_lose(node, wanted_members_); }
  /// How many nodes run.
  [[nodiscard]] std::size_t standing() const;
  /// Who drains, or has seen its disk fail, is well again only after a restart; `restart` gives it one, `end` too.
  void owe_restart(NodeId node) { ++restart_owed_[node]; }
  void restart(NodeId node);
  /// Until `end` tells all: who was not told lists others.
  void want_members(std::vector<NodeId> ids);
  /// The file of this node lists what is wanted now, and is read if it runs.
  void tell_members(NodeId node);

 private:
  struct Plague {
    const FaultKind* kind = nullptr;
    Random random;
    Duration interval{};
    Duration due{};
  };
  struct Remedy {
    Duration due{};
    std::size_t plague = 0;
    std::function<void()> apply;
  };
  void draw(std::span<const FaultKind> kinds, std::uint64_t seed, bool possible);
  void apply_remedies();
  void tell_clients();

  testing::SimCluster& cluster_;
  std::vector<Plague> plagues_;
  std::size_t current_ = 0;
  std::vector<Remedy> remedies_;
  testing::FaultCounts counts_;
  std::map<NodeId, int> restart_owed_;
  bool leaders_first_ = false;
  std::vector<NodeId> wanted_members_;
  bool members_change_ = false;
};

[[nodiscard]] testing::Moment any_moment(Random& random);
/// From this node to all others.
void heal_paths(testing::SimCluster& cluster, NodeId node);
/// All nodes of the cluster.
[[nodiscard]] std::vector<NodeId> nodes_of(const testing::SimCluster& cluster);

}  // namespace cloudp2p::sim
