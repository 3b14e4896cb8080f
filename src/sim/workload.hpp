// Workload: what the clients of a random run do meanwhile: they store, store again, delete and read.
#pragma once

#include "sim/random.hpp"

#include <cloudp2p/testing/sim_cluster.hpp>

#include <functional>

namespace cloudp2p::sim {

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
