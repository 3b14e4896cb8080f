// ClientCore: what operations share: connections, the known leader, request ids, timers.
//
// Purpose:   implements Client. An operation is an object that lives in `operations_` until it has answered; events of
//            the transport go to the search first, then to the operations in the order in which they began.
// Ownership: owns operations; callbacks of ports hold weak references to them.
#pragma once

#include "core/client_links.hpp"
#include "core/client_search.hpp"

namespace cloudp2p::core {

class Operation;

class ClientCore final : public Client, private TransportHandler, private LinkEvents {
 public:
  ClientCore(const Config& config, const ClientPorts& ports);
  ~ClientCore() override;
  [[nodiscard]] Status start();

  // Client.
  OperationId discover(Callback<void(Result<LeaderView>)> done) override;
  OperationId upload(std::shared_ptr<ImageSource> source, ProgressCallback progress,
                     Callback<void(Result<UploadOutcome>)> done) override;
  OperationId get(std::string prefix, std::shared_ptr<ImageSink> sink, ProgressCallback progress,
                  Callback<void(Result<ImageInfo>)> done, ReadFrom first) override;
  OperationId info(std::string prefix, Callback<void(Result<ImageInfo>)> done) override;
  OperationId remove(std::string prefix, Callback<void(Result<ImageRecord>)> done) override;
  OperationId list(ListQuery query, Callback<void(Result<ListPage>)> done) override;
  OperationId members(Callback<void(Result<ClusterView>)> done) override;
  OperationId verify(const Digest& digest, Callback<void(Result<std::vector<CopyCheck>>)> done) override;
  OperationId scrub(ScrubAction action, std::vector<NodeId> nodes,
                    Callback<void(Result<std::vector<ScrubView>>)> done) override;
  OperationId ping(NodeId node, Callback<void(Result<LeaderView>)> done) override;
  OperationId step_down(Callback<void(Result<StepDownOutcome>)> done) override;
  void cancel(OperationId operation) override;

  // For operations and the search.
  [[nodiscard]] const Config& config() const noexcept { return config_; }
  [[nodiscard]] Entropy& entropy() noexcept { return *ports_.entropy; }
  [[nodiscard]] Links& links() noexcept { return links_; }
  [[nodiscard]] const std::shared_ptr<LeaderSearch>& search() const noexcept { return search_; }
  [[nodiscard]] TimePoint now() const { return ports_.timers->now(); }
  [[nodiscard]] Duration failure_timeout() const noexcept { return config_.timing.failure_timeout; }
  void post(Callback<void()> work) { ports_.executor->post(std::move(work)); }
  void log(const std::string& line) const;
  TimerId after(Duration delay, Callback<void()> callback) { return ports_.timers->after(delay, std::move(callback)); }
  /// Also resets the variable.
  void cancel_timer(TimerId& timer);
  /// Between three quarters and five quarters of it.
  [[nodiscard]] Duration jittered(Duration delay);

  /// A fresh request id; what the node answers under it goes to the listener until it is forgotten.
  [[nodiscard]] RequestId expect(NodeId node, std::shared_ptr<ClientListener> listener);
  void forget(RequestId request);

  /// The leader, when it confirmed itself on a connection that still lives and is not silent.
  [[nodiscard]] const KnownLeader* usable_leader();
  /// Ask again before the next use, unless a newer leader is known already.
  void doubt_leader(ConnectionId connection) noexcept {
    if (known_.connection == connection) known_.confirmed = false;
  }
  /// Ask again in any case.
  void doubt_leader() noexcept { known_.confirmed = false; }
  void seek_leader(NodeId hint) { search_->start(known_, hint); }
  [[nodiscard]] bool leader_wanted() const;
  void leader_found(const KnownLeader& leader);
  void search_failed(const Error& error);
  /// The operation has answered: it gets nothing any more.
  void retire(OperationId id) { operations_.erase(id); }

 private:
  struct Route {
    NodeId node;
    std::shared_ptr<ClientListener> listener;
  };
  OperationId begin(std::shared_ptr<Operation> operation);
  [[nodiscard]] OperationId next_id() noexcept { return OperationId{++last_operation_}; }
  template <class F>
  void tell_all(F&& tell);

  // TransportHandler.
  void on_connected(const ConnectionInfo& info) override { links_.on_connected(info); }
  void on_frame(ConnectionId connection, Frame frame) override { links_.on_frame(connection, std::move(frame)); }
  void on_closed(ConnectionId connection, const Error& reason) override { links_.on_closed(connection, reason); }
  void on_dial_failed(NodeId peer, Lane lane, DialFailure failure, const Error& error) override;
  void on_drained(ConnectionId connection) override { links_.on_drained(connection); }

  // LinkEvents.
  void on_link_ready(NodeId node) override;
  void on_link_failed(NodeId node, const Error& error) override;
  void on_link_silent(NodeId node) override;
  void on_link_drained(NodeId node) override;
  void on_link_message(NodeId node, wire::Message message, Buffer payload) override;

  const Config config_;
  const ClientPorts ports_;
  Links links_;
  std::shared_ptr<LeaderSearch> search_;
  KnownLeader known_;
  std::map<OperationId, std::shared_ptr<Operation>> operations_;
  std::map<RequestId, Route> routes_;
  RequestId last_request_ = 0;
  std::uint64_t last_operation_ = 0;
};

}  // namespace cloudp2p::core
