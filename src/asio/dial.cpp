#include "asio/dial.hpp"

#include "asio/boot_clock.hpp"

namespace cloudp2p::asio_net {

Dial::Dial(asio::any_io_executor executor, Input input, Done done)
    : executor_(std::move(executor)),
      in_(std::move(input)),
      done_(std::move(done)),
      resolver_(executor_),
      socket_(executor_),
      timer_(executor_) {}

void Dial::start() {
  asio::post(executor_, [self = shared_from_this()] {
    if (!self->over_) self->resolve();
  });
}

void Dial::cancel() {
  asio::post(executor_, [self = shared_from_this()] { self->cancel_here(); });
}

void Dial::cancel_here() {
  if (std::exchange(over_, true)) return;
  std::error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);
  timer_.cancel();
  if (const auto handshake = std::exchange(handshake_, nullptr)) handshake->cancel();
  done_ = {};
}

std::string Dial::target() const {
  const std::string who = in_.node.id == kNobody ? "whoever answers" : "node " + to_string(in_.node.id);
  return who + " at " + to_string(in_.node.address);
}

void Dial::wait_at_most(Duration limit, Callback<void()> then) {
  timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(limit));
  timer_.async_wait([self = shared_from_this(), then = std::move(then)](const std::error_code& error) {
    if (!error && !self->over_) then();
  });
}

void Dial::resolve() {
  deadline_ = boot_now() + in_.timeout;
  worst_ = {DialFailure::unreachable, {Errc::unreachable, target() + " has no address"}};
  std::error_code error;
  const asio::ip::address literal = asio::ip::make_address(in_.node.address.host, error);
  if (!error) {
    endpoints_ = {tcp::endpoint(literal, in_.node.address.port)};
    return connect_next();
  }
  wait_at_most(in_.timeout, [this] {
    resolver_.cancel();
    finish(DialError{DialFailure::unreachable, {Errc::unreachable, target() + ": the name was not resolved in time"}});
  });
  const auto resolved = [self = shared_from_this()](const std::error_code& failed,
                                                    tcp::resolver::results_type results) {
    if (self->over_) return;
    if (failed) {
      self->worst_.error.message = self->target() + ": the name cannot be resolved: " + failed.message();
    } else {
      for (const auto& entry : results)
        self->endpoints_.push_back(entry.endpoint());
    }
    self->connect_next();
  };
  resolver_.async_resolve(in_.node.address.host, std::to_string(in_.node.address.port), resolved);
}

void Dial::connect_next() {
  std::error_code error;
  socket_.close(error);
  if (next_ == endpoints_.size()) return give_up();
  const tcp::endpoint to = endpoints_[next_++];
  const std::uint64_t attempt = ++attempt_;
  const Duration left = std::max<Duration>(deadline_ - boot_now(), std::chrono::milliseconds(1));
  wait_at_most(left / static_cast<std::int64_t>(endpoints_.size() - next_ + 1),
               [this, attempt] { on_connected(attempt, asio::error::timed_out); });
  socket_.open(to.protocol(), error);
  if (error) {
    asio::post(executor_, [self = shared_from_this(), attempt, error] { self->on_connected(attempt, error); });
    return;
  }
  socket_.async_connect(
      to, [self = shared_from_this(), attempt](const std::error_code& failed) { self->on_connected(attempt, failed); });
}

void Dial::on_connected(std::uint64_t attempt, std::error_code error) {
  if (over_ || attempt != attempt_) return;
  std::error_code ignored;
  // A dial to a free port of this machine can meet itself: the kernel calls that a connection.
  const bool oneself = !error && socket_.local_endpoint(ignored) == socket_.remote_endpoint(ignored);
  if (oneself) error = asio::error::connection_refused;
  if (!error) return shake_hands();
  ++attempt_;
  if (error == asio::error::connection_refused) {
    worst_ = {DialFailure::refused, {Errc::unreachable, target() + " refused the connection: is it running?"}};
  } else if (worst_.failure != DialFailure::refused) {
    worst_.error.message = target() + " can not be reached: " + error.message();
  }
  connect_next();
}

void Dial::shake_hands() {
  ++attempt_;
  timer_.cancel();
  tune(socket_);
  std::error_code ignored;
  const std::string remote = to_text(socket_.remote_endpoint(ignored));
  const Duration left = std::max<Duration>(deadline_ - boot_now(), std::chrono::milliseconds(1));
  handshake_ = std::make_shared<Handshake>(
      Handshake::Input{std::move(socket_), std::move(in_.session), remote, left, in_.counters},
      [self = shared_from_this()](Result<Link> link) { self->on_shaken(std::move(link)); });
  handshake_->start();
}

void Dial::on_shaken(Result<Link> link) {
  if (!link) {
    // Who objects to a key or a cluster says so; who is killed, or has too many connections, does not.
    const std::string text = link.error().text();
    const auto unreachable = [&](const std::string& what) {
      finish(DialError{DialFailure::unreachable, {Errc::unreachable, target() + " took the connection and " + what}});
    };
    if (link.code() == Errc::timed_out) return unreachable("did not answer: " + text);
    if (link.code() == Errc::unreachable) {
      return unreachable("closed it: " + text + " (is it being stopped, or has it too many connections?)");
    }
    return finish(DialError{DialFailure::rejected, {link.code(), target() + " ended the handshake: " + text}});
  }
  if (in_.node.id == kNobody) {
    link->info.peer = kNobody;  // Whoever it is: it goes by the name that was dialled.
  } else if (const NodeId answered = link->info.peer; answered != in_.node.id) {
    return finish(DialError{DialFailure::rejected,
                            {Errc::mismatch, target() + " answered as node " + to_string(answered) +
                                                 ": the list of peers is wrong on one side"}});
  }
  finish(std::move(link).value());
}

void Dial::give_up() {
  finish(std::move(worst_));
}

void Dial::finish(DialResult result) {
  if (std::exchange(over_, true)) return;
  timer_.cancel();
  handshake_.reset();
  const Done done = std::move(done_);
  done(std::move(result));
}

}  // namespace cloudp2p::asio_net
