// SimTransport: Transport on the simulated network, with the real one's back-off, bounds and order of events.
#pragma once

#include "sim/network.hpp"

namespace cloudp2p::sim {

class SimTransport final : public Transport {
 public:
  SimTransport(Network& network, HostId host, Process& process, Role role)
      : network_(network), host_(host), process_(process), role_(role) {
    network_.attach(host_, *this);
  }

  [[nodiscard]] Status start(TransportHandler& handler) override;
  void stop() override;
  void set_peers(std::vector<PeerAddress> peers) override;
  void hurry(NodeId peer) override;
  void dial(const PeerAddress& node) override;
  [[nodiscard]] Status send(ConnectionId connection, Frame frame) override;
  [[nodiscard]] std::size_t queued_bytes(ConnectionId connection) const override;
  void watch_drain(ConnectionId connection) override;
  void close(ConnectionId connection, const Error& reason) override;
  [[nodiscard]] TransportCounters counters() const override { return counters_; }

  // For Network.
  [[nodiscard]] Process& process() noexcept { return process_; }
  [[nodiscard]] bool listens() const noexcept { return handler_ != nullptr && role_ == Role::node; }
  void opened(const ConnectionPtr& connection, std::size_t side);
  void deliver(ConnectionId connection, Frame frame);
  void drained(ConnectionId connection);
  void closed(ConnectionId connection, const Error& reason);
  /// For the invariant checks: the fullest queue now.
  [[nodiscard]] std::size_t longest_queue_bytes() const;

 private:
  struct Wanted {
    PeerAddress peer;
    Lane lane = Lane::bulk;
    enum class State : std::uint8_t { waiting, dialling, up } state = State::waiting;
    ConnectionId connection = kNoConnection;
    TimePoint up_since{};
    Duration pause{};  ///< Before the latest retry, without jitter.
    EventId retry = 0;
    std::uint64_t attempt = 0;
  };
  struct Held {
    ConnectionPtr connection;
    std::size_t side = 0;
  };
  using Key = std::pair<NodeId, Lane>;

  void dial_wanted(const Key& key);
  void dialled(const Key& key, std::uint64_t attempt, Network::DialOutcome outcome);
  void retry_later(const Key& key);
  /// Unless it is gone by then: a client's process outlives its transport.
  void on_own_thread(Task task) {
    network_.scheduler().at(network_.scheduler().now(), process_.owner(),
                            [alive = std::weak_ptr<int>(alive_), task = std::move(task)]() mutable {
                              if (!alive.expired()) task();
                            });
  }
  [[nodiscard]] Held* find(ConnectionId connection);

  Network& network_;
  const HostId host_;
  Process& process_;
  const Role role_;
  TransportHandler* handler_ = nullptr;
  std::map<Key, Wanted> wanted_;
  std::map<ConnectionId, Held> connections_;
  std::uint64_t last_attempt_ = 0;
  TransportCounters counters_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace cloudp2p::sim
