// Chaos and Workload: what a random run does to its cluster, and what its clients do meanwhile.
#pragma once

#include "sim/random.hpp"

#include <cloudp2p/testing/sim_cluster.hpp>

#include <functional>
#include <map>

namespace cloudp2p::sim {

class Chaos {
 public:
  Chaos(testing::SimCluster& cluster, Random random);
  /// When the next fault, or the end of one, is due.
  [[nodiscard]] Duration next() const;
  void act();
  /// Everything is repaired: paths, processes, disks.
  void end();

 private:
  struct Plague {
    void (Chaos::*strike)();
    Duration interval{};
    Duration due{};
  };
  struct Remedy {
    Duration due{};
    std::function<void()> apply;
  };
  void cut_node();
  void cut_link();
  void partition();
  void break_links();
  void pause();
  void slow_disk();
  void crash();
  void drain();
  void fill_disk();
  void break_disk();
  void restart_client();
  void restart(NodeId node);
  void later(Duration least, Duration most, std::function<void()> remedy);
  [[nodiscard]] NodeId victim();
  [[nodiscard]] testing::Direction direction();
  [[nodiscard]] std::size_t standing() const;

  testing::SimCluster& cluster_;
  Random random_;
  std::vector<Plague> plagues_;
  std::vector<Remedy> remedies_;
  std::map<NodeId, int> restart_owed_;  ///< Draining, or distrusting their disks; how often.
  bool leaders_first_ = false;
};

class Workload {
 public:
  Workload(testing::SimCluster& cluster, Random random);
  [[nodiscard]] Duration next() const { return due_; }
  void act();
  [[nodiscard]] bool all_answered();
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t failed() const noexcept { return failed_; }

 private:
  void upload_new();
  void upload_again();
  void remove();
  void read();
  [[nodiscard]] std::size_t size();
  template <class T>
  void remember(testing::SimResult<T> result);
  [[nodiscard]] std::size_t client();

  testing::SimCluster& cluster_;
  Random random_;
  std::size_t clients_ = 2;
  Duration pause_{};
  Duration due_{};
  unsigned large_percent_ = 0;
  std::vector<testing::SimImage> images_;
  struct Pending {
    std::function<bool()> done;
    std::function<bool()> failed;
  };
  std::vector<Pending> pending_;
  std::size_t count_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace cloudp2p::sim
