// MajorityCore: between chaos and peace. Faults end among a majority of the members, and the others stay in trouble: dead,
// asleep, behind bad paths, on bad disks, each for a while and then otherwise. A cluster owes progress as soon as any such
// majority is well, whatever the rest does.
#pragma once

#include "sim/chaos.hpp"

namespace cloudp2p::sim {

class MajorityCore {
 public:
  MajorityCore(Chaos& chaos, Random random) : chaos_(chaos), cluster_(chaos.cluster()), random_(random) {}
  /// Draws the core, and ends chaos there and every change of members. False, and nothing is done, while a change is
  /// open, or if too few of them hold all that they should: then nothing is owed yet.
  bool heal();
  /// When the next of the others comes into another trouble.
  [[nodiscard]] Duration next() const;
  void act();
  /// For people.
  [[nodiscard]] std::string text() const;

 private:
  struct Outsider {
    NodeId node{};
    Duration due{};
    std::function<void()> cure;
  };
  [[nodiscard]] bool change_is_open() const;
  void cut_to_a_star(NodeId hub);
  std::function<void()> trouble(NodeId node);
  std::function<void()> trouble_process(NodeId node);
  std::function<void()> trouble_disk(NodeId node);
  std::function<void()> trouble_paths(NodeId node);

  Chaos& chaos_;
  testing::SimCluster& cluster_;
  Random random_;
  std::vector<NodeId> core_;
  bool star_ = false;
  std::vector<Outsider> outsiders_;
};

}  // namespace cloudp2p::sim
