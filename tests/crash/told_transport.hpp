// A Transport that notes what each message promises before it leaves.
//
// Thread:    the node's. Ownership: the Transport below it and the handler outlive it.
#pragma once

#include "core/wire.hpp"
#include "crash/recorder.hpp"

namespace crash {

class ToldTransport final : public cloudp2p::Transport, cloudp2p::TransportHandler {
 public:
  /// Promises of `self` go to this log of the recorder.
  ToldTransport(cloudp2p::Transport& below, std::size_t log, cloudp2p::NodeId self);

  [[nodiscard]] cloudp2p::Status start(cloudp2p::TransportHandler& handler) override;
  void stop() override { below_.stop(); }
  void set_peers(std::vector<cloudp2p::PeerAddress> peers) override { below_.set_peers(std::move(peers)); }
  void hurry(cloudp2p::NodeId peer) override { below_.hurry(peer); }
  void dial(const cloudp2p::PeerAddress& node) override { below_.dial(node); }
  [[nodiscard]] cloudp2p::Status send(cloudp2p::ConnectionId connection, cloudp2p::Frame frame) override;
  [[nodiscard]] std::size_t queued_bytes(cloudp2p::ConnectionId connection) const override {
    return below_.queued_bytes(connection);
  }
  void watch_drain(cloudp2p::ConnectionId connection) override { below_.watch_drain(connection); }
  void close(cloudp2p::ConnectionId connection, const cloudp2p::Error& reason) override {
    below_.close(connection, reason);
  }
  [[nodiscard]] cloudp2p::TransportCounters counters() const override { return below_.counters(); }

 private:
  using Asked = std::pair<cloudp2p::ConnectionId, cloudp2p::wire::RequestId>;

  void on_connected(const cloudp2p::ConnectionInfo& info) override;
  void on_frame(cloudp2p::ConnectionId connection, cloudp2p::Frame frame) override;
  void on_closed(cloudp2p::ConnectionId connection, const cloudp2p::Error& reason) override {
    above_->on_closed(connection, reason);
  }
  void on_dial_failed(cloudp2p::NodeId peer, cloudp2p::Lane lane, cloudp2p::DialFailure failure,
                      const cloudp2p::Error& error) override {
    above_->on_dial_failed(peer, lane, failure, error);
  }
  void on_drained(cloudp2p::ConnectionId connection) override { above_->on_drained(connection); }

  void note_state(cloudp2p::ConnectionId connection, const cloudp2p::wire::Message& message);
  void note_records(cloudp2p::ConnectionId connection, const cloudp2p::wire::Message& message);

  cloudp2p::Transport& below_;
  const std::size_t log_;
  const cloudp2p::NodeId self_;
  cloudp2p::TransportHandler* above_ = nullptr;
  std::map<cloudp2p::ConnectionId, cloudp2p::NodeId> dialled_;
  /// What a request would have this node promise, if its answer is yes.
  std::map<Asked, std::vector<RecordPromise>> asked_;
};

}  // namespace crash
