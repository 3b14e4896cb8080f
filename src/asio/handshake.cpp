#include "asio/handshake.hpp"

namespace cloudp2p::asio_net {

Handshake::Handshake(Input input, Done done)
    : in_(std::move(input)), done_(std::move(done)), deadline_(in_.socket.get_executor()) {}

void Handshake::start() {
  deadline_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(in_.timeout));
  deadline_.async_wait([self = shared_from_this()](const std::error_code& error) {
    if (!error) self->fail({Errc::timed_out, self->in_.remote + " did not complete the handshake in time"});
  });
  asio::post(in_.socket.get_executor(), [self = shared_from_this()] { self->advance(); });
}

void Handshake::cancel() {
  if (std::exchange(over_, true)) return;
  std::error_code ignored;
  in_.socket.close(ignored);
  deadline_.cancel();
  done_ = {};
}

// Handshake messages are far smaller than an empty socket buffer: what cannot be written at once never will be.
void Handshake::advance() {
  if (over_) return;
  const ByteView out = in_.session->output();
  in_.counters->bytes_out.fetch_add(out.size(), std::memory_order_relaxed);
  if (!write_now(in_.socket, out)) return fail({Errc::unreachable, in_.remote + " went away during the handshake"});
  in_.session->clear_output();
  if (const auto refusal = in_.session->close_received()) return fail(*refusal);
  if (!in_.session->established()) return wait();
  SessionInfo info = in_.session->info();
  finish(Link{std::move(in_.socket), std::move(in_.session), std::move(info), in_.remote, std::move(frames_)});
}

void Handshake::wait() {
  in_.socket.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const std::error_code& error) {
    if (self->over_) return;
    if (error) return self->fail(broken(self->in_.remote, error));
    if (self->read()) self->advance();
  });
}

bool Handshake::read() {
  std::span<std::byte> room = in_.session->prepare();
  room = room.first(std::min(room.size(), limits::kHandshakeBytesMax - received_bytes_));
  std::error_code error;
  const std::size_t size = in_.socket.read_some(asio::buffer(room.data(), room.size()), error);
  if (error == asio::error::would_block) return true;
  if (error) {
    fail(broken(in_.remote, error));
    return false;
  }
  received_bytes_ += size;
  in_.counters->bytes_in.fetch_add(size, std::memory_order_relaxed);
  if (Status status = in_.session->commit(size, frames_); !status) {
    static_cast<void>(write_now(in_.socket, in_.session->output()));  // Last words: why not.
    fail(std::move(status).error());
    return false;
  }
  if (!in_.session->established() && received_bytes_ >= limits::kHandshakeBytesMax) {
    fail({Errc::protocol, in_.remote + " sent too much before it was authenticated"});
    return false;
  }
  return true;
}

void Handshake::fail(Error error) {
  if (over_) return;
  std::error_code ignored;
  in_.socket.close(ignored);
  finish(std::move(error));
}

void Handshake::finish(Result<Link> result) {
  over_ = true;
  deadline_.cancel();
  const Done done = std::move(done_);
  done(std::move(result));
}

}  // namespace cloudp2p::asio_net
