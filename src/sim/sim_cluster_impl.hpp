// What a SimCluster is made of: sim_cluster.cpp builds and observes it, sim_cluster_faults.cpp troubles it.
#pragma once

#include "sim/program.hpp"
#include "sim/sim_client.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace cloudp2p::testing {

using namespace sim;

class SimCluster::Impl {
 public:
  explicit Impl(const SimOptions& given);
  ~Impl() {
    programs.clear();
    clients.clear();
    // Before the first of them goes: what one writes in the end is judged by looking at all.
    for (const auto& member : members)
      member->crash(Crash::kPowerLoss);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Machine& build(const PeerAddress& self, std::vector<PeerAddress> peers);
  /// Where these are now; whoever is not there yet, where it will be.
  std::vector<PeerAddress> addresses_of(const std::vector<NodeId>& ids);
  Machine& of(NodeId id) {
    if (value(id) == 0 || value(id) > members.size()) throw std::invalid_argument("no such node: " + to_string(id));
    return *members[value(id) - 1];
  }
  void fault(const std::string& text) { log.note("--- " + text); }
  void set_cut(NodeId from, NodeId to) { network.cut(of(from).host(), of(to).host()); }
  bool step(TimePoint until) {
    if (scheduler.now() >= next_check) {
      next_check = scheduler.now() + kCheckInterval;
      invariants.check_often();
    }
    return scheduler.step(until);
  }
  NodeId leader() {
    NodeId out = kNobody;
    Term newest = 0;
    for (const auto& member : members) {
      if (!member->running() || member->paused() || member->serving_term() <= newest) continue;
      newest = member->serving_term();
      out = member->id();
    }
    return out;
  }
  /// Why the cluster has not converged; empty when it has. `reread`: all bytes, instead of what is known to be damaged.
  std::string difference(bool reread);
  std::string describe(const Machine& machine) const;

  const SimOptions options;
  Scheduler scheduler;
  Random random;
  RecordedLog log;
  Network network;
  Invariants invariants;
  std::unique_ptr<SharedDisk> shared;  ///< With SimOptions::shared.
  std::vector<std::unique_ptr<Machine>> members;
  std::vector<std::unique_ptr<SimClient>> clients;
  std::vector<std::unique_ptr<Program>> programs;
  TimePoint next_check{};
  unsigned moves = 0;  ///< Each to an address of its own.
  static constexpr Duration kCheckInterval = std::chrono::milliseconds(250);
};

}  // namespace cloudp2p::testing
