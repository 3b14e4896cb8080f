#include "sim/sim_transport.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kRetryFirst = 20ms;
constexpr Duration kControlRetryMax = 500ms;
constexpr Duration kBulkRetryMax = 1s;
constexpr Duration kSettledAfter = 1s;
constexpr Duration kCloseTimeout = 3s;

}  // namespace

Status SimTransport::start(TransportHandler& handler) {
  handler_ = &handler;
  return {};
}

void SimTransport::stop() {
  handler_ = nullptr;
  for (auto& [key, wanted] : wanted_)
    network_.scheduler().cancel(wanted.retry);
  wanted_.clear();
  for (auto& [id, held] : connections_) {
    End& end = held.connection->ends[held.side];
    end.open = false;
    if (end.transport == nullptr) continue;  // a crash: nobody is told
    if (!end.closing) network_.send_close(held.connection, held.side, Error{Errc::closed, "the other side stopped"});
  }
  connections_.clear();
}

void SimTransport::set_peers(std::vector<PeerAddress> peers) {
  const auto listed = [&](const PeerAddress& wanted) { return std::find(peers.begin(), peers.end(), wanted) != peers.end(); };
  for (auto at = wanted_.begin(); at != wanted_.end();) {
    const Wanted& wanted = at->second;
    const bool keep = listed(wanted.peer);
    if (!keep) {
      network_.scheduler().cancel(wanted.retry);
      if (wanted.state == Wanted::State::up) close(wanted.connection, Error{Errc::closed, "no longer a peer"});
    }
    at = keep ? std::next(at) : wanted_.erase(at);
  }
  for (const PeerAddress& peer : peers) {
    for (const Lane lane : {Lane::control, Lane::bulk}) {
      const Key key{peer.id, lane};
      if (wanted_.contains(key)) continue;
      wanted_[key].peer = peer;
      wanted_[key].lane = lane;
      dial_wanted(key);
    }
  }
}

void SimTransport::dial_wanted(const Key& key) {
  Wanted& wanted = wanted_.at(key);
  network_.scheduler().cancel(wanted.retry);
  wanted.retry = 0;
  wanted.state = Wanted::State::dialling;
  wanted.attempt = ++last_attempt_;
  network_.dial({host_, wanted.peer, wanted.lane, role_},
                [this, key, attempt = wanted.attempt](Network::DialOutcome outcome) {
                  on_own_thread([this, key, attempt, outcome = std::move(outcome)]() mutable {
                    dialled(key, attempt, std::move(outcome));
                  });
                });
}

void SimTransport::dialled(const Key& key, std::uint64_t attempt, Network::DialOutcome outcome) {
  const auto at = wanted_.find(key);
  if (handler_ == nullptr || at == wanted_.end() || at->second.attempt != attempt) {
    if (outcome.connection) network_.send_close(outcome.connection, 0, Error{Errc::closed, "not wanted any more"});
    return;
  }
  Wanted& wanted = at->second;
  if (!outcome.connected()) {
    retry_later(key);
    return handler_->on_dial_failed(key.first, key.second, outcome.failure, outcome.error);
  }
  wanted.state = Wanted::State::up;
  wanted.connection = outcome.connection->ends[0].info.id;
  wanted.up_since = network_.scheduler().now();
  opened(outcome.connection, 0);
}

void SimTransport::retry_later(const Key& key) {
  Wanted& wanted = wanted_.at(key);
  const Duration longest = wanted.lane == Lane::control ? kControlRetryMax : kBulkRetryMax;
  wanted.state = Wanted::State::waiting;
  wanted.pause = wanted.pause == Duration::zero() ? kRetryFirst : std::min(wanted.pause * 2, longest);
  const Duration pause = network_.random().between(wanted.pause / 2, wanted.pause);
  wanted.retry = network_.scheduler().after(pause, process_.owner(), [this, key] { dial_wanted(key); });
}

void SimTransport::hurry(NodeId peer) {
  for (const Lane lane : {Lane::control, Lane::bulk}) {
    const auto at = wanted_.find({peer, lane});
    if (at != wanted_.end() && at->second.state == Wanted::State::waiting) dial_wanted(at->first);
  }
}

void SimTransport::dial(const PeerAddress& node) {
  network_.dial({host_, node, Lane::bulk, role_}, [this, id = node.id](Network::DialOutcome outcome) {
    on_own_thread([this, id, outcome = std::move(outcome)] {
      if (handler_ == nullptr) return;
      if (outcome.connected()) return opened(outcome.connection, 0);
      handler_->on_dial_failed(id, Lane::bulk, outcome.failure, outcome.error);
    });
  });
}

void SimTransport::opened(const ConnectionPtr& connection, std::size_t side) {
  End& end = connection->ends[side];
  end.open = true;
  connections_[end.info.id] = Held{connection, side};
  if (side == 1) ++counters_.accepted;
  handler_->on_connected(end.info);
}

SimTransport::Held* SimTransport::find(ConnectionId connection) {
  const auto at = connections_.find(connection);
  return at == connections_.end() ? nullptr : &at->second;
}

Status SimTransport::send(ConnectionId connection, Frame frame) {
  const Held* const held = find(connection);
  if (held == nullptr || !held->connection->ends[held->side].open || held->connection->ends[held->side].closing) {
    return Errc::closed;
  }
  Pipe& pipe = held->connection->ends[held->side].out;
  const std::size_t reserved = frame.payload.empty() ? 0 : pipe.queue_bytes_max / 8;
  if (pipe.queued_bytes > 0 && pipe.queued_bytes + frame.size() > pipe.queue_bytes_max - reserved) {
    pipe.drain_wanted = true;
    return Errc::queue_full;
  }
  counters_.bytes_out += frame.size();
  network_.send(held->connection, held->side, std::move(frame));
  return {};
}

std::size_t SimTransport::queued_bytes(ConnectionId connection) const {
  const auto at = connections_.find(connection);
  return at == connections_.end() ? 0 : at->second.connection->ends[at->second.side].out.queued_bytes;
}

void SimTransport::watch_drain(ConnectionId connection) {
  const Held* const held = find(connection);
  if (held == nullptr) return;
  Pipe& pipe = held->connection->ends[held->side].out;
  pipe.drain_wanted = true;
  if (pipe.queued_bytes >= pipe.queue_bytes_max / 4) return;
  pipe.drain_wanted = false;
  on_own_thread([this, connection] { drained(connection); });
}

void SimTransport::close(ConnectionId connection, const Error& reason) {
  Held* const held = find(connection);
  if (held == nullptr) return;
  End& end = held->connection->ends[held->side];
  if (end.closing || !end.open) return;
  end.closing = true;
  network_.send_close(held->connection, held->side, reason);
  Network& network = network_;
  network.scheduler().after(kCloseTimeout, process_.owner(), [&network, keep = *held, reason] {
    network.end_open_side(keep.connection, keep.side, reason);
  });
}

void SimTransport::deliver(ConnectionId connection, Frame frame) {
  if (handler_ == nullptr) return;
  counters_.bytes_in += frame.size();
  handler_->on_frame(connection, std::move(frame));
}

void SimTransport::drained(ConnectionId connection) {
  if (handler_ != nullptr && connections_.contains(connection)) handler_->on_drained(connection);
}

void SimTransport::closed(ConnectionId connection, const Error& reason) {
  if (connections_.erase(connection) == 0 || handler_ == nullptr) return;
  for (auto& [key, wanted] : wanted_) {
    if (wanted.state != Wanted::State::up || wanted.connection != connection) continue;
    if (network_.scheduler().now() - wanted.up_since >= kSettledAfter) wanted.pause = Duration::zero();
    retry_later(key);
    break;
  }
  handler_->on_closed(connection, reason);
}

std::size_t SimTransport::longest_queue_bytes() const {
  std::size_t longest = 0;
  for (const auto& [id, held] : connections_) {
    longest = std::max(longest, held.connection->ends[held.side].out.queued_bytes);
  }
  return longest;
}

}  // namespace cloudp2p::sim
