#include "asio/asio_transport.hpp"

namespace cloudp2p::asio_net {

/// Brings events to the node's thread: through the mailbox, or directly when they happen there.
class AsioTransport::Sink final : public ConnectionSink {
 public:
  Sink(AsioTransport& transport, std::shared_ptr<Mailbox> mailbox, bool on_node_thread)
      : transport_(transport), mailbox_(std::move(mailbox)), on_node_thread_(on_node_thread) {}

  void on_frames(const std::shared_ptr<Connection>& from, std::vector<Frame> frames, std::size_t bytes) override {
    pass([this, from, frames = std::move(frames), bytes]() mutable {
      transport_.on_frames(from, std::move(frames), bytes);
    });
  }
  void on_drained(ConnectionId connection) override {
    pass([this, connection] { transport_.on_drained(connection); });
  }
  void on_ended(ConnectionId connection, const Error& reason) override {
    pass([this, connection, reason] { transport_.on_ended(connection, reason); });
  }

 private:
  void pass(Callback<void()> work) {
    if (on_node_thread_) return mailbox_->run(work);
    mailbox_->post(std::move(work));
  }

  AsioTransport& transport_;  ///< Used only while the mailbox is open: the transport closes it first.
  const std::shared_ptr<Mailbox> mailbox_;
  const bool on_node_thread_;
};

AsioTransport::AsioTransport(const TransportPorts& ports, TransportOptions options)
    : node_(ports.node),
      sessions_(ports.sessions),
      log_(ports.log),
      options_(std::move(options)),
      bulk_("cloudp2p-bulk", ports.log),
      mailbox_(std::make_shared<Mailbox>(node_)),
      node_group_(std::make_shared<ConnectionGroup>(node_, options_)),
      bulk_group_(std::make_shared<ConnectionGroup>(bulk_.context().get_executor(), options_)),
      node_sink_(std::make_shared<Sink>(*this, mailbox_, true)),
      bulk_sink_(std::make_shared<Sink>(*this, mailbox_, false)),
      links_(node_, options_, ports.entropy, link_actions()) {}

AsioTransport::~AsioTransport() {
  stop();
}

PeerLinks::Actions AsioTransport::link_actions() {
  return {[this](AttemptId id, const PeerAddress& peer, Lane lane) {
            begin_dial({id, false, peer.id, lane}, peer);
          },
          [this](AttemptId id) { cancel_dial(id); },
          [this](ConnectionId id) {
            // Not while stopping: then all connections end together, with another reason.
            if (handler_ != nullptr) close(id, {Errc::closed, "this node is no longer a peer"});
          }};
}

// ---- starting and stopping

Status AsioTransport::start(TransportHandler& handler) {
  if (options_.listen) {
    listener_ = std::make_shared<Listener>(bulk_.context().get_executor(), sessions_, options_, counters_, log_);
    if (Status opened = listener_->open(*options_.listen); !opened) {
      listener_.reset();
      return opened;
    }
  }
  handler_ = &handler;
  if (!listener_) return {};
  bulk_.start();
  start_listening();
  return {};
}

void AsioTransport::start_listening() {
  asio::post(bulk_.context(), [this] {
    listener_->start(
        [this](Link link, std::shared_ptr<void> admission) { on_accepted(std::move(link), std::move(admission)); });
  });
}

void AsioTransport::stop() {
  if (handler_ == nullptr) return;
  const Error farewell{Errc::closed, "the other side is shutting down"};
  handler_ = nullptr;
  mailbox_->close();
  for (const auto& [id, begun] : std::exchange(dials_, {})) {
    if (begun.here)
      begun.dial->cancel_here();
    else
      begun.dial->cancel();
  }
  links_.clear();
  node_group_->shut(farewell);
  asio::post(bulk_.context(), [this, farewell] {
    if (listener_) listener_->stop();
    bulk_group_->shut(farewell);
    bulk_.context().stop();
  });
  bulk_.finish();
  connections_.clear();
}

// ---- the port

void AsioTransport::set_peers(std::vector<PeerAddress> peers) {
  if (handler_ != nullptr) links_.set(peers);
}

void AsioTransport::hurry(NodeId peer) {
  if (handler_ != nullptr) links_.hurry(peer);
}

void AsioTransport::dial(const PeerAddress& node) {
  if (handler_ != nullptr) begin_dial({AttemptId{++last_one_shot_}, true, node.id, Lane::bulk}, node);
}

AsioTransport::Open* AsioTransport::find(ConnectionId connection) {
  const auto found = connections_.find(static_cast<std::uint64_t>(connection));
  return found == connections_.end() ? nullptr : &found->second;
}

Status AsioTransport::send(ConnectionId connection, Frame frame) {
  Open* const open = find(connection);
  if (open == nullptr) return Error{Errc::closed, "the connection is closed"};
  return open->connection->send(std::move(frame));
}

std::size_t AsioTransport::queued_bytes(ConnectionId connection) const {
  const auto found = connections_.find(static_cast<std::uint64_t>(connection));
  return found == connections_.end() ? 0 : found->second.connection->queued_bytes();
}

void AsioTransport::watch_drain(ConnectionId connection) {
  if (Open* const open = find(connection)) open->connection->watch_drain();
}

void AsioTransport::close(ConnectionId connection, const Error& reason) {
  Open* const open = find(connection);
  if (open == nullptr) return;
  open->closing = true;
  open->connection->close(reason);
}

TransportCounters AsioTransport::counters() const {
  const auto read = [](const std::atomic<std::uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  TransportCounters out;
  out.accepted = read(counters_->accepted);
  out.handshake_failures = read(counters_->handshake_failures);
  out.protocol_errors = read(counters_->protocol_errors);
  out.refused_for_limits = read(counters_->refused_for_limits);
  out.bytes_in = read(counters_->bytes_in);
  out.bytes_out = read(counters_->bytes_out);
  return out;
}

// ---- dialling

void AsioTransport::begin_dial(const Attempt& attempt, const PeerAddress& node) {
  Result<std::unique_ptr<SecureSession>> session = sessions_.initiate(node.id, attempt.lane);
  if (!session) {
    mailbox_->post(
        [this, attempt, error = DialError{DialFailure::rejected, session.error()}] { on_dial_failed(attempt, error); });
    return;
  }
  const bool here = on_node_thread(attempt.lane);
  Dial::Done done = [this, attempt, here, mailbox = mailbox_](DialResult result) {
    if (!here) return on_bulk_dialled(attempt, std::move(result));
    mailbox->run([&] { on_dialled_here(attempt, std::move(result)); });
  };
  auto dial = std::make_shared<Dial>(here ? node_ : asio::any_io_executor(bulk_.context().get_executor()),
                                     Dial::Input{node, std::move(session).value(), options_.dial_timeout, counters_},
                                     std::move(done));
  dial->start();
  dials_[static_cast<std::uint64_t>(attempt.id)] = Begun{std::move(dial), here};
}

void AsioTransport::cancel_dial(AttemptId attempt) {
  const auto found = dials_.extract(static_cast<std::uint64_t>(attempt));
  if (!found.empty()) found.mapped().dial->cancel();
}

void AsioTransport::on_bulk_dialled(const Attempt& attempt, DialResult result) {
  if (const DialError* const error = std::get_if<DialError>(&result)) {
    mailbox_->post([this, attempt, error = *error] { on_dial_failed(attempt, error); });
    return;
  }
  const auto connection = make_connection(std::get<Link>(std::move(result)), true, nullptr);
  mailbox_->post([this, attempt, connection] { on_dialled(attempt, connection); });
  connection->start();
}

void AsioTransport::on_dialled_here(const Attempt& attempt, DialResult result) {
  if (const DialError* const error = std::get_if<DialError>(&result)) return on_dial_failed(attempt, *error);
  on_dialled(attempt, make_connection(std::get<Link>(std::move(result)), true, nullptr));
}

void AsioTransport::on_dial_failed(const Attempt& attempt, const DialError& error) {
  dials_.erase(static_cast<std::uint64_t>(attempt.id));
  if (!attempt.one_shot && !links_.on_failed(attempt.id)) return;
  handler_->on_dial_failed(attempt.node, attempt.lane, error.failure, error.error);
}

void AsioTransport::on_dialled(const Attempt& attempt, const std::shared_ptr<Connection>& connection) {
  dials_.erase(static_cast<std::uint64_t>(attempt.id));
  const bool wanted = attempt.one_shot || links_.on_up(attempt.id, connection->info().id);
  if (wanted) return on_opened(connection);
  if (on_node_thread(attempt.lane)) connection->start();
  connection->close({Errc::closed, "this node is no longer a peer"});
}

// ---- accepting

void AsioTransport::on_accepted(Link link, std::shared_ptr<void> admission) {
  if (link.info.lane == Lane::control) {
    mailbox_->post([this, link = std::move(link), admission = std::move(admission)]() mutable {
      on_control_accepted(std::move(link), std::move(admission));
    });
    return;
  }
  const auto connection = make_connection(std::move(link), false, std::move(admission));
  mailbox_->post([this, connection] { on_opened(connection); });
  connection->start();
}

/// The handshake ran on the bulk thread: the socket moves to the node's.
void AsioTransport::on_control_accepted(Link link, std::shared_ptr<void> admission) {
  std::error_code error;
  const auto protocol = link.socket.local_endpoint(error).protocol();
  const auto handle = link.socket.release(error);
  if (error) return;
  link.socket = tcp::socket(node_, protocol, handle);
  link.socket.non_blocking(true, error);
  on_opened(make_connection(std::move(link), false, std::move(admission)));
}

// ---- connections

std::shared_ptr<Connection> AsioTransport::make_connection(Link link, bool dialled, std::shared_ptr<void> admission) {
  const bool here = on_node_thread(link.info.lane);
  Connection::Setup setup{ConnectionId{last_connection_.fetch_add(1) + 1}, here ? node_group_ : bulk_group_,
                          here ? node_sink_ : bulk_sink_, counters_, std::move(admission)};
  return std::make_shared<Connection>(std::move(setup), std::move(link), dialled, options_);
}

void AsioTransport::on_opened(const std::shared_ptr<Connection>& connection) {
  const ConnectionId id = connection->info().id;
  connections_.insert_or_assign(static_cast<std::uint64_t>(id), Open{connection, false});
  handler_->on_connected(connection->info());
  if (on_node_thread(connection->info().lane) && handler_ != nullptr) connection->start();
}

void AsioTransport::on_frames(const std::shared_ptr<Connection>& from, std::vector<Frame> frames, std::size_t bytes) {
  const ConnectionId id = from->info().id;
  for (Frame& frame : frames) {
    const Open* const open = find(id);
    if (open == nullptr || open->closing) break;
    handler_->on_frame(id, std::move(frame));
    if (handler_ == nullptr) return;
  }
  from->handled(bytes);
}

void AsioTransport::on_drained(ConnectionId connection) {
  if (const Open* const open = find(connection); open != nullptr && !open->closing) handler_->on_drained(connection);
}

void AsioTransport::on_ended(ConnectionId connection, const Error& reason) {
  const auto open = connections_.extract(static_cast<std::uint64_t>(connection));
  if (open.empty()) return;
  links_.on_closed(connection);
  handler_->on_closed(connection, reason);
}

}  // namespace cloudp2p::asio_net
