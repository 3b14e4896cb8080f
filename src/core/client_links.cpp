#include "core/client_links.hpp"

#include <cloudp2p/limits.hpp>

namespace cloudp2p::core {

namespace {

/// A silent connection is given up after this many failure timeouts: by then a machine that slept has had its chance,
/// and a path that died without a word is made anew.
constexpr int kGiveUpAfter = 10;

Error dial_error(const std::string& title, DialFailure failure, const Error& error) {
  switch (failure) {
    case DialFailure::refused: return {Errc::unreachable, title + " refused the connection: is it running?"};
    case DialFailure::unreachable:
      return {Errc::unreachable, error.text() + ": check the address and the network"};
    case DialFailure::rejected: break;
  }
  const bool telling = error.code == Errc::bad_key || error.code == Errc::mismatch || error.code == Errc::permission ||
                       error.code == Errc::busy;
  return {telling ? error.code : Errc::unreachable, error.text()};
}

}  // namespace

Links::Links(const Config& config, const ClientPorts& ports, LinkEvents& events)
    : ping_interval_(2 * config.timing.heartbeat),
      failure_timeout_(config.timing.failure_timeout),
      ports_(ports),
      events_(events) {
  for (const PeerAddress& peer : config.peers) {
    links_[peer.id].node = peer;
    links_[peer.id].configured = true;
  }
}

Links::~Links() {
  for (const auto& [id, link] : links_)
    ports_.timers->cancel(link.timer);
  ports_.timers->cancel(vetting_);
}

void Links::learn(const PeerAddress& node) {
  const auto at = links_.find(node.id);
  if (at != links_.end()) {
    if (at->second.node.address != node.address) at->second.other = node.address;
  } else if (node.id != kNobody && links_.size() < 2 * limits::kMembersMax) {
    links_[node.id].node = node;
  }
}

std::vector<NodeId> Links::nodes() const {
  std::vector<NodeId> out;
  for (const auto& [id, link] : links_)
    out.push_back(id);
  return out;
}

const Links::Link* Links::find(NodeId node) const {
  const auto at = links_.find(node);
  return at == links_.end() ? nullptr : &at->second;
}

Links::Link* Links::find(ConnectionId connection) {
  const auto at = by_connection_.find(connection);
  return at == by_connection_.end() ? nullptr : &links_.at(at->second);
}

bool Links::ready(NodeId node) const {
  const Link* link = find(node);
  return link != nullptr && link->state == State::ready;
}

bool Links::silent(NodeId node) const {
  const Link* link = find(node);
  return link != nullptr && link->silent;
}

bool Links::down(NodeId node) const {
  const Link* link = find(node);
  return link != nullptr && link->down;
}

ConnectionId Links::connection(NodeId node) const {
  return ready(node) ? find(node)->connection : kNoConnection;
}

std::string Links::address(NodeId node) const {
  const Link* link = find(node);
  return link == nullptr ? std::string() : to_string(link->node.address);
}

std::string Links::title(NodeId node) const {
  const std::string who = node == kNobody ? "whoever answers" : "node " + to_string(node);
  return who + (knows(node) ? " at " + address(node) : std::string());
}

void Links::connect(NodeId node) {
  const auto at = links_.find(node);
  if (at == links_.end() || at->second.state != State::closed) return;
  at->second.state = State::dialling;
  at->second.heard = ports_.timers->now();
  ports_.transport->dial(at->second.node);
}

void Links::send(NodeId node, const wire::Message& message) {
  const auto at = links_.find(node);
  if (at == links_.end() || at->second.connection == kNoConnection) return;  // Its loss has been or will be told.
  Link& link = at->second;
  if (!link.blocked) {
    if (ports_.transport->send(link.connection, wire::encode(message)).code() != Errc::queue_full) return;
    link.blocked = true;
  }
  if (link.backlog.size() >= kBacklogMax)
    ports_.transport->close(link.connection, {Errc::queue_full, title(node) + " does not take what is sent"});
  else
    link.backlog.push_back(wire::encode(message));
}

bool Links::send_chunk(NodeId node, const wire::Chunk& chunk, const Buffer& bytes) {
  const auto at = links_.find(node);
  if (at == links_.end() || at->second.state != State::ready || at->second.blocked) return false;
  const Status sent = ports_.transport->send(at->second.connection, wire::encode(chunk, bytes));
  at->second.blocked = sent.code() == Errc::queue_full;
  return sent.ok();
}

void Links::close(NodeId node, const Error& reason) {
  if (const Link* link = find(node); link != nullptr && link->connection != kNoConnection)
    ports_.transport->close(link->connection, reason);
}

void Links::begin_wait(NodeId node) {
  const auto at = links_.find(node);
  if (at == links_.end()) return;
  Link& link = at->second;
  if (link.waiting++ != 0) return;
  link.heard = std::max(link.heard, ports_.timers->now());
  link.silent = false;
  if (link.timer == kNoTimer) arm(link);
}

void Links::end_wait(NodeId node) {
  const auto at = links_.find(node);
  if (at != links_.end() && at->second.waiting > 0) --at->second.waiting;
}

TimePoint Links::next_due(const Link& link) const {
  const TimePoint silence = link.heard + failure_timeout_;
  if (link.state != State::ready) return link.silent ? ports_.timers->now() + failure_timeout_ : silence;
  const TimePoint ping = std::max(link.pinged, link.heard) + ping_interval_;
  return link.silent ? ping : std::min(ping, silence);
}

void Links::arm(Link& link) {
  link.timer = ports_.timers->at(next_due(link), [this, node = link.node.id] { tick(node); });
}

void Links::tick(NodeId node) {
  Link& link = links_.at(node);
  link.timer = kNoTimer;
  if (link.waiting == 0) return;
  const TimePoint now = ports_.timers->now();
  const bool newly_silent = !link.silent && now - link.heard >= failure_timeout_;
  if (newly_silent) link.silent = link.down = true;
  if (link.connection != kNoConnection && now - link.heard >= kGiveUpAfter * failure_timeout_) {
    ports_.transport->close(link.connection, {Errc::timed_out, "no answer for too long"});
    link.heard = now;  // on_closed follows; until then there is nothing to do again.
  } else if (link.state == State::ready && now - std::max(link.pinged, link.heard) >= ping_interval_) {
    link.pinged = now;
    send(node, wire::Ping{});
  }
  arm(link);
  if (newly_silent) events_.on_link_silent(node);
}

void Links::on_connected(const ConnectionInfo& info) {
  const auto at = links_.find(info.peer);
  if (!info.dialled || at == links_.end() || at->second.state != State::dialling) {
    ports_.transport->close(info.id, {Errc::closed, "not expected"});
    return;
  }
  Link& link = at->second;
  link.state = State::greeting;
  link.connection = info.id;
  link.heard = ports_.timers->now();
  by_connection_[info.id] = info.peer;
  wire::Hello hello;
  hello.lane = Lane::bulk;
  send(info.peer, hello);
}

void Links::on_frame(ConnectionId connection, Frame frame) {
  Link* link = find(connection);
  if (link == nullptr) return;
  link->heard = ports_.timers->now();
  link->silent = link->down = false;
  Result<wire::Message> message = wire::decode(frame.head);
  if (!message.ok()) {
    ports_.transport->close(connection, message.error());
  } else if (link->state == State::greeting) {
    if (const auto* hello = std::get_if<wire::Hello>(&*message)) {
      greeted(*link, *hello);
    } else if (const auto* refusal = std::get_if<wire::ErrorReply>(&*message)) {
      ports_.transport->close(connection, {refusal->code, refusal->message});
    } else {
      ports_.transport->close(connection, {Errc::protocol, "expected a greeting"});
    }
  } else {
    events_.on_link_message(link->node.id, std::move(*message), std::move(frame.payload));
  }
}

void Links::greeted(Link& link, const wire::Hello& hello) {
  const NodeId node = link.node.id;
  if (hello.protocol_min > wire::kProtocolVersion || hello.protocol_max < wire::kProtocolVersion) {
    const Error error{Errc::mismatch, title(node) + " speaks another version of the protocol: update the older side"};
    ports_.transport->close(link.connection, error);
    lost(link, error);
  } else if (hello.node != node && node != kNobody) {
    const Error error{Errc::mismatch, title(node) + " says that it is node " + to_string(hello.node) +
                                          ": the peers of this client and of that node differ"};
    ports_.transport->close(link.connection, error);
    lost(link, error);
  } else {
    // Without a quorum the id does not tell who belongs together.
    link.cluster = hello.founded && !hello.quorum_none ? std::optional(hello.cluster) : std::nullopt;
    link.state = State::vetting;
    link.greeted = ports_.timers->now();
    vet();
  }
}

std::size_t Links::backers(const ClusterId& cluster) const {
  return static_cast<std::size_t>(std::count_if(links_.begin(), links_.end(), [&](const auto& entry) {
    return entry.second.configured && entry.second.cluster == cluster;
  }));
}

/// A listed node of another cluster that as many listed nodes belong to, or more.
const Links::Link* Links::rival(const Link& link) const {
  if (!link.cluster) return nullptr;
  const std::size_t own = backers(*link.cluster);
  for (const auto& [node, other] : links_) {
    const bool differs = other.configured && other.cluster && other.cluster != link.cluster;
    if (differs && backers(*other.cluster) >= own) return &other;
  }
  return nullptr;
}

/// Others that have not said yet what they belong to might all be of another cluster.
bool Links::may_be_outvoted(const Link& link) const {
  if (!link.cluster || ports_.timers->now() - link.greeted >= failure_timeout_ / 2) return false;
  const auto undecided = std::count_if(links_.begin(), links_.end(), [](const auto& entry) {
    const State state = entry.second.state;
    return entry.second.configured && (state == State::dialling || state == State::greeting);
  });
  return undecided > 0 && static_cast<std::size_t>(undecided) >= backers(*link.cluster);
}

/// A node that was put on the directory of another cluster, or listed by mistake, must not be taken for the leader: of the
/// listed nodes most have to agree.
void Links::vet() {
  for (const NodeId node : nodes()) {
    Link& link = links_.at(node);
    if (link.state != State::vetting && link.state != State::ready) continue;
    if (const Link* const other = rival(link); other != nullptr) {
      const Error error{Errc::mismatch, title(node) + " belongs to cluster " + link.cluster->hex().substr(0, 8) + ", " +
                                            title(other->node.id) + " to " + other->cluster->hex().substr(0, 8) +
                                            ": one has the directory of another cluster, or is listed by mistake"};
      ports_.transport->close(link.connection, error);
      lost(link, error);
    } else if (link.state == State::vetting && !may_be_outvoted(link)) {
      link.state = State::ready;
      events_.on_link_ready(node);
    }
  }
  arm_vetting();
}

bool Links::any_vetted() const {
  return std::any_of(links_.begin(), links_.end(), [](const auto& entry) { return entry.second.state == State::vetting; });
}

void Links::arm_vetting() {
  if (vetting_ != kNoTimer || !any_vetted()) return;
  vetting_ = ports_.timers->after(failure_timeout_ / 2, [this] {
    vetting_ = kNoTimer;
    vet();
  });
}

void Links::on_closed(ConnectionId connection, const Error& reason) {
  Link* link = find(connection);
  if (link == nullptr) return;
  const bool greeting = link->state == State::greeting;
  const bool telling = reason.code == Errc::bad_key || reason.code == Errc::mismatch || reason.code == Errc::permission;
  lost(*link, {telling ? reason.code : Errc::unreachable,
               title(link->node.id) + (greeting ? " closed the connection at once: " : ": the connection was lost: ") +
                   reason.text()});
}

void Links::on_dial_failed(NodeId node, DialFailure failure, const Error& error) {
  const auto at = links_.find(node);
  if (at == links_.end() || at->second.state != State::dialling) return;
  Link& link = at->second;
  const Error problem = dial_error(title(node), failure, error);
  link.down = true;
  link.cluster.reset();
  if (link.other) std::swap(link.node.address, *link.other);
  lost(link, problem);
}

void Links::lost(Link& link, const Error& error) {
  by_connection_.erase(link.connection);
  link.state = State::closed;
  link.connection = kNoConnection;
  link.blocked = link.silent = false;
  link.backlog.clear();
  events_.on_link_failed(link.node.id, error);
  if (any_vetted()) vet();
}

void Links::on_drained(ConnectionId connection) {
  Link* link = find(connection);
  if (link == nullptr || !link->blocked) return;
  while (!link->backlog.empty()) {
    if (ports_.transport->send(connection, link->backlog.front()).code() == Errc::queue_full) return;
    link->backlog.pop_front();
  }
  link->blocked = false;
  if (link->state == State::ready) events_.on_link_drained(link->node.id);
}

}  // namespace cloudp2p::core
