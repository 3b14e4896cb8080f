#include "asio/listener.hpp"

#include "asio/boot_clock.hpp"

#include <cerrno>

namespace cloudp2p::asio_net {
namespace {

Error cannot_listen(const Address& address, const std::error_code& error) {
  const std::string where = to_string(address);
  if (error == asio::error::address_in_use) {
    return {Errc::exists, "another process listens on " + where + ": stop it or choose another port with BIND"};
  }
  if (error == asio::error::access_denied) {
    return {Errc::permission, "no permission to listen on " + where + ": choose a port above 1023 with BIND"};
  }
  // It, or a name, may come with the network: no error of the configuration, which would be final. Asio's category does not
  // map to std::errc.
  if (error.value() == EADDRNOTAVAIL) {
    return {Errc::unreachable, where + " is not an address of this machine: set BIND to one that is, or to 0.0.0.0:" +
                                  std::to_string(address.port)};
  }
  return {Errc::io, "cannot listen on " + where + ": " + error.message()};
}

bool is_loopback(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
  }
  return address.is_loopback();
}

}  // namespace

Listener::Listener(asio::any_io_executor executor, SecureSessionFactory& sessions, const TransportOptions& options,
                   SharedCounters counters, LogSink& log)
    : executor_(std::move(executor)),
      sessions_(sessions),
      options_(options),
      counters_(std::move(counters)),
      log_(log),
      failures_(log),
      admitted_(std::make_shared<std::atomic<std::size_t>>(0)) {}

// ---- opening

Status Listener::open(const Address& address) {
  std::error_code error;
  const asio::ip::address literal = asio::ip::make_address(address.host, error);
  port_ = address.port;
  if (!error) return open_one(tcp::endpoint(literal, port_), address);
  tcp::resolver resolver(executor_);
  const auto results = resolver.resolve(address.host, std::to_string(port_), tcp::resolver::passive, error);
  if (error) {
    return Error{Errc::unreachable,
                 "cannot listen on " + to_string(address) + ": the name cannot be resolved: " + error.message()};
  }
  Status first_failure;
  for (const auto& entry : results) {
    Status opened = open_one(tcp::endpoint(entry.endpoint().address(), port_), address);
    if (!opened && first_failure) first_failure = std::move(opened);
  }
  if (doors_.empty()) return first_failure;
  if (!first_failure) log_.log_event(LogLevel::warning, "listen_failed", first_failure.error().text());
  return {};
}

Status Listener::open_one(const tcp::endpoint& endpoint, const Address& address) {
  auto door = std::make_shared<Door>(Door{tcp::acceptor(executor_), asio::steady_timer(executor_)});
  std::error_code error;
  door->acceptor.open(endpoint.protocol(), error);
  if (error) return cannot_listen(address, error);
  door->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (endpoint.address().is_v6() && endpoint.address().is_unspecified()) {
    door->acceptor.set_option(asio::ip::v6_only(false), error);
  }
  door->acceptor.bind(endpoint, error);
  if (!error) door->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return cannot_listen(address, error);
  port_ = door->acceptor.local_endpoint(error).port();
  doors_.push_back(std::move(door));
  return {};
}

// ---- accepting

void Listener::start(OnLink on_link) {
  on_link_ = std::move(on_link);
  for (const auto& door : doors_)
    accept(door);
}

void Listener::stop() {
  stopped_ = true;
  std::error_code ignored;
  for (const auto& door : doors_) {
    door->acceptor.close(ignored);
    door->pause.cancel();
  }
  for (const HalfOpen& each : half_open_)
    each.handshake->cancel();
  half_open_.clear();
  on_link_ = {};
}

void Listener::accept(const std::shared_ptr<Door>& door) {
  door->acceptor.async_accept([self = shared_from_this(), door](const std::error_code& error, tcp::socket socket) {
    self->on_accepted(door, error, std::move(socket));
  });
}

void Listener::on_accepted(const std::shared_ptr<Door>& door, const std::error_code& error, tcp::socket socket) {
  if (stopped_) return;
  if (!error) receive(std::move(socket));
  if (!error || error == asio::error::connection_aborted) return accept(door);
  failures_.note("anyone", "cannot accept: " + error.message(), boot_now());
  door->pause.expires_after(kPause);
  door->pause.async_wait([self = shared_from_this(), door](const std::error_code& cancelled) {
    if (!cancelled && !self->stopped_) self->accept(door);
  });
}

void Listener::receive(tcp::socket socket) {
  std::error_code error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (error) return;
  const std::string address = remote.address().to_string();
  if (!make_room(address, is_loopback(remote.address()))) {
    return refuse(address, "too many connections that have not authenticated");
  }
  tune(socket);
  const auto at = half_open_.insert(half_open_.end(), {nullptr, address, boot_now()});
  ++per_address_[address];
  at->handshake = std::make_shared<Handshake>(
      Handshake::Input{std::move(socket), sessions_.respond(), to_text(remote), options_.handshake_timeout, counters_},
      [self = shared_from_this(), at](Result<Link> link) { self->on_shaken(at, std::move(link)); });
  at->handshake->start();
}

void Listener::refuse(const std::string& address, const std::string& why) {
  counters_->refused_for_limits.fetch_add(1, std::memory_order_relaxed);
  failures_.note(address, why, boot_now());
}

// ---- half-open connections

std::size_t Listener::count(const std::string& address) const {
  const auto found = per_address_.find(address);
  return found == per_address_.end() ? 0 : found->second;
}

bool Listener::make_room(const std::string& address, bool loopback) {
  const std::size_t max = loopback ? options_.half_open_per_loopback_address_max.value_or(options_.half_open_max)
                                   : options_.half_open_per_address_max;
  if (count(address) >= max && !evict(address)) return false;
  return half_open_.size() < options_.half_open_max || evict({});
}

/// The oldest, of this address unless it is empty.
bool Listener::evict(const std::string& address) {
  const auto oldest = std::find_if(half_open_.begin(), half_open_.end(),
                                   [&](const HalfOpen& each) { return address.empty() || each.address == address; });
  if (oldest == half_open_.end() || boot_now() - oldest->since < options_.half_open_grace) return false;
  oldest->handshake->cancel();
  refuse(oldest->address, "did not authenticate, and others are waiting");
  drop(oldest);
  return true;
}

void Listener::drop(HalfOpens::iterator at) {
  const auto counted = per_address_.find(at->address);
  if (counted != per_address_.end() && --counted->second == 0) per_address_.erase(counted);
  half_open_.erase(at);
}

void Listener::on_shaken(HalfOpens::iterator at, Result<Link> link) {
  if (stopped_) return;
  const std::string address = at->address;
  drop(at);
  if (link) return admit(std::move(link).value());
  counters_->handshake_failures.fetch_add(1, std::memory_order_relaxed);
  failures_.note(address, link.error().text(), boot_now());
}

void Listener::admit(Link link) {
  const bool node = link.info.role == Role::node;
  const std::size_t kept_free = node ? 0 : std::min(options_.connections_for_nodes, options_.connections_max / 2);
  if (admitted_->load() >= options_.connections_max - kept_free) {
    link.session->seal_close({Errc::busy, "this node has as many connections as it allows: try another node"});
    static_cast<void>(write_now(link.socket, link.session->output()));
    return refuse(link.remote, "as many connections as allowed are open");
  }
  counters_->accepted.fetch_add(1, std::memory_order_relaxed);
  admitted_->fetch_add(1);
  std::shared_ptr<void> admission(nullptr, [admitted = admitted_](void*) { admitted->fetch_sub(1); });
  on_link_(std::move(link), std::move(admission));
}

}  // namespace cloudp2p::asio_net
