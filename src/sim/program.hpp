// Program: the simulated machine on which a user's own code runs.
#pragma once

#include "sim/invariants.hpp"

#include <cloudp2p/testing/sim_program.hpp>

namespace cloudp2p::sim {

class Program final : public testing::SimProgram {
 public:
  /// Where a node is in the network.
  using HostOf = std::function<HostId(NodeId)>;

  Program(const World& world, Invariants& invariants, HostOf host_of, Config config, HostId host, Random random,
          testing::StartProgram start);
  ~Program() override { crash(); }

  void crash() override;
  void restart() override;
  void pause() override;
  void resume() override;
  void cut(NodeId node, testing::Direction direction) override;
  [[nodiscard]] bool running() const override { return process_ != nullptr; }

 private:
  [[nodiscard]] std::shared_ptr<ImageSource> source(std::string name, const Buffer& bytes);

  const World world_;
  Invariants& invariants_;
  const HostOf host_of_;
  const Config config_;
  const HostId host_;
  Random random_;
  const testing::StartProgram start_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<SeededEntropy> entropy_;
  std::unique_ptr<SimTransport> transport_;
  std::shared_ptr<void> object_;
};

}  // namespace cloudp2p::sim
