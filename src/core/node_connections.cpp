// Who is on the line: Hello, links to peers, dials that fail.
#include "core/node_impl.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

/// Settings that must agree in one cluster.
std::uint64_t config_digest(const Services& services) {
  std::uint64_t hash = 1469598103934665603ULL;
  auto mix = [&hash](std::uint64_t part) { hash = (hash ^ part) * 1099511628211ULL; };
  mix(static_cast<std::uint64_t>(services.config.quorum));
  // Where a node mounts something else, what the others acknowledged would seem to be gone.
  if (services.shared()) mix(services.ports.shared->identity());
  return hash;
}

std::string other_setting(const Services& services, NodeId node) {
  if (!services.shared()) return fmt::format("node {} runs with another \"quorum\" or \"shared\" setting", value(node));
  return fmt::format("node {} does not share the directory {}, or runs with another \"quorum\" or \"shared\" setting",
                     value(node), services.config.shared_dir);
}

constexpr const char* kBuild = "cloudp2p 0.1.0";

}  // namespace

wire::Hello NodeImpl::hello(const ConnectionInfo& info, bool reply) const {
  wire::Hello out;
  out.reply = reply;
  out.node = services_.self;
  out.incarnation = services_.view().incarnation;
  out.cluster = services_.view().cluster;
  out.founded = services_.view().founded;
  out.lane = info.lane;
  out.build = kBuild;
  out.config_digest = config_digest(services_);
  out.quorum_none = services_.config.quorum == Quorum::none;
  if (const auto own = addresses_.find(services_.self); own != addresses_.end()) out.address = to_string(own->second);
  return out;
}

void NodeImpl::on_connected(const ConnectionInfo& info) {
  connections_[info.id] = Connection{info, false, kNobody, std::nullopt};
  if (info.dialled) (void)services_.send(info.id, hello(info, false));
}

/// Whether that member lives, and is not who says hello. A leader can tell, since its members acknowledge its heartbeats,
/// and of the leader those that follow it. A process that was replaced has fallen silent before long, and then the new one
/// is let in.
bool NodeImpl::has_twin(const wire::Hello& hello) const {
  const auto link = services_.links.find(hello.node);
  if (link == services_.links.end() || !link->second.control_up || link->second.incarnation == hello.incarnation) return false;
  const ElectionView& view = services_.view();
  if (view.role != ElectionRole::leader) return view.leader == hello.node;
  const auto report = services_.reports.find(hello.node);
  return report != services_.reports.end() && services_.now() - report->second.at < services_.config.timing.failure_timeout;
}

Error NodeImpl::hello_problem(const Connection& connection, const wire::Hello& hello) const {
  if (hello.protocol_min > wire::kProtocolVersion || hello.protocol_max < wire::kProtocolVersion) {
    return {Errc::mismatch, fmt::format("the other side speaks protocol {} to {}, this node {}", hello.protocol_min,
                                        hello.protocol_max, wire::kProtocolVersion)};
  }
  if (connection.info.role == Role::client) {
    return hello.node == kNobody ? Error{} : Error{Errc::permission, "a client key can not speak as a node"};
  }
  if (hello.node == kNobody) return {};  // a client that holds the cluster key
  if (hello.node == services_.self) {
    return {Errc::mismatch, fmt::format("another process says that it is node {} too: check NODE_ID", value(hello.node))};
  }
  if (!addresses_.contains(hello.node) && services_.view().membership.find(hello.node) == nullptr) {
    return {Errc::mismatch, fmt::format("node {} is not among this node's peers", value(hello.node))};
  }
  if (connection.info.dialled && connection.info.peer != hello.node) {
    return {Errc::mismatch, fmt::format("node {} answered where node {} was expected: check the addresses of the peers",
                                        value(hello.node), value(connection.info.peer))};
  }
  if (!connection.info.dialled && has_twin(hello)) {
    const auto address = addresses_.find(hello.node);
    return {Errc::mismatch, fmt::format("another process is node {} already{}: check NODE_ID", value(hello.node),
                                        address == addresses_.end() ? "" : ", at " + to_string(address->second))};
  }
  if (hello.config_digest != config_digest(services_)) return {Errc::mismatch, other_setting(services_, hello.node)};
  const ElectionView& view = services_.view();
  // Without a quorum two sides of one cluster may have been founded apart.
  const bool foreign = hello.founded && view.founded && hello.cluster != view.cluster;
  if (foreign && services_.config.quorum == Quorum::majority) {
    return {Errc::mismatch, fmt::format("node {} belongs to cluster {}, this node to {}: one of the directories comes from "
                                        "another cluster",
                                        value(hello.node), hello.cluster.hex(), view.cluster.hex())};
  }
  return {};
}

void NodeImpl::on_hello(Connection& connection, const wire::Hello& message) {
  if (!introduced_) {
    connection.early = message;
    return;
  }
  const Error problem = hello_problem(connection, message);
  if (problem) {
    ++services_.counters.hello_mismatches;
    // A blank newcomer that this node's file does not list yet learns that there is a cluster, and founds none.
    const bool stranger = connection.info.role == Role::node && message.node != kNobody && !addresses_.contains(message.node);
    if (stranger && !connection.info.dialled) (void)services_.send(connection.info.id, hello(connection.info, true));
    return reject(connection.info.id, problem);
  }
  connection.hello_done = true;
  connection.peer = message.node;
  if (!connection.info.dialled) {
    (void)services_.send(connection.info.id, hello(connection.info, true));
    learn_address(message);
    if (message.node != kNobody) services_.ports.transport->hurry(message.node);
    return;
  }
  link_up(connection, message);
}

/// A member that this node's file does not list any more, and whose address it forgot in a restart, or which moved since:
/// until it is removed its vote may be needed.
void NodeImpl::learn_address(const wire::Hello& message) {
  if (listed(message.node) || services_.view().membership.find(message.node) == nullptr) return;
  const std::optional<Address> address = parse_address(message.address);
  if (!address) return;
  const auto [known, fresh] = addresses_.try_emplace(message.node, *address);
  if (!fresh && known->second == *address) return;
  known->second = *address;
  dial_peers();
}

void NodeImpl::link_up(const Connection& connection, const wire::Hello& message) {
  Link& link = services_.links[connection.peer];
  const bool other_disk = link.incarnation != message.incarnation;
  link.incarnation = message.incarnation;
  // What the disk before held says nothing of this one.
  if (other_disk && services_.reports.erase(connection.peer) > 0) update_fitness();
  if (connection.info.lane == Lane::bulk) {
    link.bulk = connection.info.id;
    link.bulk_up = true;
    push_.tick();
    takeover_.tick();
    return;
  }
  link.control = connection.info.id;
  link.control_up = true;
  link.up_since = services_.now();
  if (dial_problems_.erase(connection.peer) > 0) {
    services_.log(LogLevel::info, "peer_reachable", fmt::format("node {} is reachable", value(connection.peer)));
  }
  const PeerIdentity identity{connection.peer, message.incarnation, message.cluster, message.founded};
  driver_->feed([&](Election& election, TimePoint now) { election.on_peer_up(identity, now); });
}

void NodeImpl::link_down(const Connection& connection) {
  const auto at = services_.links.find(connection.peer);
  if (at == services_.links.end()) return;
  Link& link = at->second;
  if (link.bulk == connection.info.id) {
    link.bulk = kNoConnection;
    link.bulk_up = false;
  }
  if (link.control != connection.info.id) return;
  link.control = kNoConnection;
  link.control_up = false;
  services_.ports.transport->hurry(connection.peer);
  driver_->feed([&](Election& election, TimePoint now) { election.on_peer_down(connection.peer, PeerLoss::closed, now); });
}

void NodeImpl::on_closed(ConnectionId id, const Error& reason) {
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  const Connection connection = std::move(at->second);
  connections_.erase(at);
  if (reason.code == Errc::mismatch && connection.info.dialled) {
    const std::string text = fmt::format("node {} refused this node: {}", value(connection.info.peer), reason.message);
    if (services_.news(text)) services_.log(LogLevel::error, "refused_by_peer", text);
  }
  services_.on_connection_closed(id);
  services_.calls.connection_closed(id);
  uploads_.on_connection_closed(id);
  replicas_.on_connection_closed(id);
  reads_.on_connection_closed(id);
  if (connection.info.dialled && connection.hello_done) link_down(connection);
}

void NodeImpl::on_dial_failed(NodeId peer, Lane lane, DialFailure failure, const Error& error) {
  if (lane == Lane::control) {
    const PeerLoss loss = failure == DialFailure::refused ? PeerLoss::refused : PeerLoss::silent;
    driver_->feed([&](Election& election, TimePoint now) { election.on_peer_down(peer, loss, now); });
  }
  std::string& said = dial_problems_[peer];
  if (said == error.message || lane != Lane::control) return;
  said = error.message;
  const LogLevel level = failure == DialFailure::rejected ? LogLevel::error : LogLevel::warning;
  services_.log(level, "peer_unreachable", fmt::format("node {} can not be reached: {}", value(peer), error.text()));
}

void NodeImpl::on_drained(ConnectionId connection) {
  services_.on_drained(connection);
  uploads_.on_drained(connection);
  reads_.on_drained(connection);
}

void NodeImpl::reject(ConnectionId id, const Error& reason) {
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  if (services_.news(reason.message)) {
    services_.log(LogLevel::error, "connection_refused", fmt::format("closing the connection from {}: {}", at->second.info.remote, reason.message));
  }
  services_.ports.transport->close(id, reason);
}

bool NodeImpl::listed(NodeId id) const {
  const std::vector<PeerAddress>& peers = services_.config.peers;
  return std::any_of(peers.begin(), peers.end(), [id](const PeerAddress& peer) { return peer.id == id; });
}

void NodeImpl::dial_peers() {
  if (!taking_part_) return;
  std::vector<PeerAddress> others;
  for (const auto& [id, address] : addresses_) {
    if (id != services_.self) others.push_back(PeerAddress{id, address});
  }
  services_.ports.transport->set_peers(std::move(others));
}

/// Who is neither listed nor a member is let go, after it had the time to hear that it was removed.
void NodeImpl::forget_departed() {
  constexpr auto kFarewell = std::chrono::seconds(5);
  bool changed = false;
  for (auto at = addresses_.begin(); at != addresses_.end();) {
    const NodeId id = at->first;
    if (id == services_.self || services_.is_member(id) || listed(id)) {
      departed_.erase(id);
    } else if (services_.now() - departed_.try_emplace(id, services_.now()).first->second >= kFarewell) {
      departed_.erase(id);
      services_.reports.erase(id);
      at = addresses_.erase(at);
      changed = true;
      continue;
    }
    ++at;
  }
  if (changed) dial_peers();
}

ConnectionId NodeImpl::control_to(NodeId peer) const {
  const auto at = services_.links.find(peer);
  return at != services_.links.end() && at->second.control_up ? at->second.control : kNoConnection;
}

}  // namespace cloudp2p::core
