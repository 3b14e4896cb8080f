#include "sim/network.hpp"

#include "sim/sim_transport.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;

constexpr auto kDialTimeout = 2s;
constexpr auto kAcceptPoll = 40ms;
/// The kernel asks after a silent other end, and one that has given up answers with a reset.
constexpr auto kKeepAlive = 5s;

bool joins(const Connection& connection, HostId a, HostId b) {
  const HostId x = connection.ends[0].host;
  const HostId y = connection.ends[1].host;
  return (x == a && y == b) || (x == b && y == a);
}

}  // namespace

HostId Network::add_host(std::string address) {
  Host host;
  host.address = std::move(address);
  const std::size_t before = hosts_.size();
  hosts_.push_back(std::move(host));
  std::vector<Path> paths(hosts_.size() * hosts_.size());
  for (std::size_t from = 0; from < before; ++from) {
    for (std::size_t to = 0; to < before; ++to) paths[from * hosts_.size() + to] = paths_[from * before + to];
  }
  paths_ = std::move(paths);
  return static_cast<HostId>(hosts_.size() - 1);
}

std::optional<HostId> Network::find_host(const Address& address) const {
  for (HostId id = 0; id < hosts_.size(); ++id) {
    if (hosts_[id].address == address.host) return id;
  }
  return std::nullopt;
}

Duration Network::delay(std::size_t bytes) {
  const Duration transfer(static_cast<Duration::rep>(bytes) * profile_.nanoseconds_per_kib / 1024);
  const bool straggles = profile_.straggler_percent > 0 && random_.percent(profile_.straggler_percent);
  return transfer + (straggles
                         ? random_.between(profile_.delay_max, std::max(profile_.delay_max, profile_.straggler_max))
                         : random_.between(profile_.delay_min, profile_.delay_max));
}

/// Frames that share a narrow path wait for each other, those of one connection.
TimePoint Network::arrival(const ConnectionPtr& connection, std::size_t side, std::size_t bytes) {
  Pipe& pipe = connection->ends[side].out;
  const testing::LinkProfile& link = path(connection->ends[side].host, connection->ends[1 - side].host).profile;
  TimePoint sent = scheduler_.now();
  if (link.nanoseconds_per_kib > 0) {
    const Duration transfer(static_cast<Duration::rep>(bytes) * link.nanoseconds_per_kib / 1024);
    sent = pipe.busy_until = std::max(pipe.busy_until, sent) + transfer;
  }
  return std::max(pipe.last_ready, sent + link.delay + delay(bytes));
}

void Network::dial(Dial dial, Callback<void(DialOutcome)> done) {
  dial.generation = hosts_[dial.from].generation;
  const TimePoint deadline = scheduler_.now() + kDialTimeout;
  scheduler_.after(delay(200) * 2, kWorld, [this, dial = std::move(dial), deadline, done = std::move(done)]() mutable {
    arrive(dial, deadline, std::move(done));
  });
}

void Network::fail_dial(const Dial& dial, DialFailure failure, Callback<void(DialOutcome)> done) {
  DialOutcome outcome;
  outcome.failure = failure;
  outcome.error = Error{Errc::unreachable,
                        to_string(dial.to.address) +
                            (failure == DialFailure::refused ? " refused the connection" : " did not answer in time")};
  done(std::move(outcome));
}

/// The request to connect has reached its goal, or has found none.
void Network::arrive(const Dial& dial, TimePoint deadline, Callback<void(DialOutcome)> done) {
  const Host& dialler = hosts_[dial.from];
  if (dialler.transport == nullptr || dialler.generation != dial.generation) return;
  const std::optional<HostId> to = find_host(dial.to.address);
  const bool open = to && hosts_[*to].powered && !is_cut(dial.from, *to) && !is_cut(*to, dial.from) &&
                    path(dial.from, *to).profile.takes_dials;
  SimTransport* const listener = open ? hosts_[*to].transport : nullptr;
  if (open && (listener == nullptr || !listener->listens())) {
    return fail_dial(dial, DialFailure::refused, std::move(done));
  }
  if (!open || listener->process().paused()) {
    if (scheduler_.now() >= deadline) return fail_dial(dial, DialFailure::unreachable, std::move(done));
    scheduler_.after(kAcceptPoll, kWorld, [this, dial, deadline, done = std::move(done)]() mutable {
      arrive(dial, deadline, std::move(done));
    });
    return;
  }
  auto connection = std::make_shared<Connection>();
  End& near = connection->ends[0];
  End& far = connection->ends[1];
  near.host = dial.from;
  near.transport = hosts_[dial.from].transport;
  near.info =
      ConnectionInfo{next_connection(), dial.lane, Role::node, true, dial.to.id, to_string(dial.to.address), "", {}};
  far.host = *to;
  far.transport = listener;
  far.info = ConnectionInfo{next_connection(), dial.lane, dial.role, false, kNobody, hosts_[dial.from].address, "", {}};
  for (End& end : connection->ends) {
    end.out.queue_bytes_max = dial.lane == Lane::control ? limits::kControlQueueBytesMax : limits::kBulkQueueBytesMax;
  }
  if (connections_.size() % 64 == 63) sweep();
  connections_.push_back(connection);
  listener->opened(connection, 1);
  DialOutcome outcome;
  outcome.connection = connection;
  done(std::move(outcome));
}

void Network::send(const ConnectionPtr& connection, std::size_t side, Frame frame) {
  Pipe& pipe = connection->ends[side].out;
  const std::size_t size = frame.size();
  pipe.queued_bytes += size;
  pipe.last_ready = arrival(connection, side, size);
  pipe.frames.push_back(Pipe::InFlight{pipe.last_ready, std::move(frame), std::nullopt});
  if (!pipe.scheduled && !pipe.stalled) schedule(connection, side, pipe.frames.front().ready);
}

void Network::send_close(const ConnectionPtr& connection, std::size_t side, const Error& reason) {
  Pipe& pipe = connection->ends[side].out;
  pipe.last_ready = arrival(connection, side, 0);
  pipe.frames.push_back(Pipe::InFlight{pipe.last_ready, Frame{}, reason});
  if (!pipe.scheduled && !pipe.stalled) schedule(connection, side, pipe.frames.front().ready);
}

void Network::schedule(const ConnectionPtr& connection, std::size_t side, TimePoint when) {
  Pipe& pipe = connection->ends[side].out;
  pipe.scheduled = true;
  pipe.stalled = false;
  pipe.delivery = scheduler_.at(when, kWorld, [this, connection, side] { pump(connection, side); });
}

void Network::pump(const ConnectionPtr& connection, std::size_t side) {
  End& from = connection->ends[side];
  End& to = connection->ends[1 - side];
  Pipe& pipe = from.out;
  pipe.scheduled = false;
  if (pipe.frames.empty()) return;
  const bool receiver_waits = to.transport != nullptr && to.transport->process().paused();
  if (receiver_waits || is_cut(from.host, to.host)) {
    pipe.stalled = true;
    return;
  }
  Pipe::InFlight next = std::move(pipe.frames.front());
  pipe.frames.pop_front();
  pipe.queued_bytes -= next.frame.size();
  if (!pipe.frames.empty()) schedule(connection, side, pipe.frames.front().ready);
  if (pipe.drain_wanted && pipe.queued_bytes < pipe.queue_bytes_max / 4) tell_drained(connection, side);
  if (next.close) return end_open_side(connection, 1 - side, *next.close);
  if (!to.open) return end_later(connection, side, delay(0), Error{Errc::closed, "connection reset"});
  if (to.closing || to.transport == nullptr) return;
  scheduler_.mix(value(to.info.peer) + 31 * static_cast<std::uint64_t>(to.info.id) + 1009 * next.frame.size());
  if (watch_) watch_(to, next.frame);
  to.transport->deliver(to.info.id, std::move(next.frame));
}

void Network::tell_drained(const ConnectionPtr& connection, std::size_t side) {
  End& end = connection->ends[side];
  end.out.drain_wanted = false;
  if (end.transport == nullptr || !end.open) return;
  scheduler_.at(scheduler_.now(), end.transport->process().owner(), [connection, side] {
    End& sender = connection->ends[side];
    if (sender.open && !sender.closing) sender.transport->drained(sender.info.id);
  });
}

/// The end learns that its connection is over; when it was the one that closed, its peer has learnt already.
void Network::end_open_side(const ConnectionPtr& connection, std::size_t side, const Error& reason) {
  End& end = connection->ends[side];
  End& other = connection->ends[1 - side];
  if (!end.open || end.transport == nullptr) return;
  scheduler_.at(scheduler_.now(), end.transport->process().owner(), [connection, side, reason] {
    End& told = connection->ends[side];
    if (!told.open) return;
    told.open = false;
    told.transport->closed(told.info.id, reason);
  });
  if (other.open && other.closing) end_later(connection, 1 - side, delay(0), reason);
}

void Network::end_later(const ConnectionPtr& connection, std::size_t side, Duration delay, const Error& reason) {
  scheduler_.after(delay, kWorld, [this, connection, side, reason] { end_open_side(connection, side, reason); });
}

void Network::cut(HostId from, HostId to) {
  path(from, to).cut = true;
  give_up_if_still_cut(from, to);
}

/// The ends notice by themselves that nothing comes through any more, each in its own time.
void Network::give_up_if_still_cut(HostId a, HostId b) {
  const Error reason{Errc::timed_out, "the other side no longer answers"};
  for (const ConnectionPtr& connection : connections_) {
    if (!joins(*connection, a, b) || random_.percent(30)) continue;
    for (std::size_t side = 0; side < 2; ++side) {
      scheduler_.after(random_.between(Duration(0), Duration(6s)), kWorld, [this, connection, side, a, b, reason] {
        if (!is_cut(a, b)) return;
        end_open_side(connection, side, reason);
        end_later(connection, 1 - side, kKeepAlive, reason);
      });
    }
  }
}

void Network::break_connections(HostId a, HostId b) {
  const Error reason{Errc::closed, "connection reset"};
  for (const ConnectionPtr& connection : connections_) {
    if (!joins(*connection, a, b)) continue;
    for (std::size_t side = 0; side < 2; ++side)
      end_later(connection, side, random_.between(Duration(0), Duration(30ms)), reason);
  }
}

void Network::set_link(HostId a, HostId b, const testing::LinkProfile& profile) {
  path(a, b).profile = path(b, a).profile = profile;
  if (profile.delay > Duration::zero() || profile.nanoseconds_per_kib > 0) return;
  for (const ConnectionPtr& connection : connections_) {
    if (!joins(*connection, a, b)) continue;
    for (std::size_t side = 0; side < 2; ++side)
      hasten(connection, side);
  }
}

void Network::hasten(const ConnectionPtr& connection, std::size_t side) {
  Pipe& pipe = connection->ends[side].out;
  const TimePoint soon = scheduler_.now() + delay(0);
  pipe.busy_until = scheduler_.now();
  pipe.last_ready = std::min(pipe.last_ready, soon);
  for (Pipe::InFlight& frame : pipe.frames)
    frame.ready = std::min(frame.ready, soon);
  if (!pipe.scheduled || pipe.frames.empty()) return;
  scheduler_.cancel(pipe.delivery);
  schedule(connection, side, pipe.frames.front().ready);
}

void Network::heal(HostId from, HostId to) {
  path(from, to).cut = false;
  on_host_back(to);
}

void Network::heal_all() {
  for (HostId a = 0; a < hosts_.size(); ++a) {
    for (HostId b = a + 1; b < hosts_.size(); ++b) {
      if (path(a, b).profile != testing::LinkProfile{}) set_link(a, b, testing::LinkProfile{});
    }
  }
  paths_.assign(paths_.size(), Path{});
  for (HostId id = 0; id < hosts_.size(); ++id)
    on_host_back(id);
}

void Network::on_host_back(HostId host) {
  const Error reset{Errc::closed, "connection reset"};
  for (const ConnectionPtr& connection : connections_) {
    for (std::size_t side = 0; side < 2; ++side) {
      End& from = connection->ends[side];
      End& to = connection->ends[1 - side];
      if (to.host != host) continue;
      if (from.out.stalled) schedule(connection, side, scheduler_.now() + random_.between(Duration(0), Duration(4ms)));
      // A restarted machine knows nothing of the connections it had.
      if (to.transport == nullptr && hosts_[host].transport != nullptr) end_later(connection, side, delay(0), reset);
    }
  }
}

void Network::on_process_gone(HostId host, bool kernel_speaks) {
  hosts_[host].transport = nullptr;
  hosts_[host].powered = kernel_speaks;
  const Error reset{Errc::closed, "connection reset"};
  const Error silent{Errc::timed_out, "the other side no longer answers"};
  for (const ConnectionPtr& connection : connections_) {
    for (std::size_t side = 0; side < 2; ++side) {
      End& dead = connection->ends[side];
      if (dead.host != host || dead.transport == nullptr) continue;
      dead.transport = nullptr;
      dead.open = false;
      if (!kernel_speaks) {
        dead.out.frames.clear();
        dead.out.queued_bytes = 0;
        end_later(connection, 1 - side, random_.between(Duration(1s), Duration(8s)), silent);
        continue;
      }
      // Unread input makes the kernel reset at once; otherwise what was written is still sent.
      if (random_.percent(50)) {
        dead.out.frames.clear();
        dead.out.queued_bytes = 0;
      }
      send_close(connection, side, reset);
    }
  }
}

/// Forgets connections of which both ends have been closed for a while: events that still name them find nobody.
void Network::sweep() {
  const auto forgotten = [](const ConnectionPtr& connection) {
    std::array<End, 2>& ends = connection->ends;
    if (ends[0].open || ends[1].open) return false;
    if (!std::exchange(connection->over, true)) return false;
    ends[0].transport = ends[1].transport = nullptr;
    return true;
  };
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(), forgotten), connections_.end());
}

}  // namespace cloudp2p::sim
