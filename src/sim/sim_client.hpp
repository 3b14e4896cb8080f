// SimClient: one simulated machine with the real Client on it.
#pragma once

#include "sim/invariants.hpp"

#include <cloudp2p/client.hpp>
#include <cloudp2p/testing/sim_cluster.hpp>

namespace cloudp2p::sim {

class SimClient {
 public:
  SimClient(Scheduler& scheduler, Network& network, RecordedLog& log, Invariants& invariants, Config config,
            HostId host, Random random);
  ~SimClient();
  void restart();
  /// In force after `restart`.
  void edit_peers(std::vector<PeerAddress> peers) { config_.peers = std::move(peers); }
  void pause() { process_.pause(); }
  void resume() {
    process_.resume();
    network_.on_host_back(host_);
  }

  template <class T>
  using State = std::shared_ptr<typename testing::SimResult<T>::State>;
  void put(const testing::SimImage& image, const State<UploadOutcome>& state);
  void get(const Digest& digest, const State<ImageInfo>& state);
  void info(const Digest& digest, const State<ImageInfo>& state);
  void remove(const Digest& digest, const State<ImageRecord>& state);
  void step_down(const State<StepDownOutcome>& state);
  void list(const State<ListPage>& state);
  void verify(const Digest& digest, const State<std::vector<CopyCheck>>& state);
  void scrub(ScrubAction action, const State<std::vector<ScrubView>>& state);
  [[nodiscard]] HostId host() const noexcept { return host_; }

 private:
  void open();
  void close();

  Network& network_;
  RecordedLog& log_;
  Invariants& invariants_;
  Config config_;
  const HostId host_;
  Random random_;
  Process process_;
  SeededEntropy entropy_;
  std::unique_ptr<SimTransport> transport_;
  std::unique_ptr<Client> client_;
};

}  // namespace cloudp2p::sim
