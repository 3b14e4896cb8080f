#include "crypto/channel.hpp"

namespace cloudp2p::crypto {

Channel::Channel(Handshake handshake, BufferPool& pool)
    : pool_(&pool), handshake_(std::make_unique<Handshake>(std::move(handshake))) {}

Result<Channel> Channel::initiate(InitiatorOptions options, BufferPool& pool) {
  ByteBuffer hello;
  Result<Handshake> begun = Handshake::initiate(std::move(options), hello);
  if (!begun) return std::move(begun).error();
  Channel made(std::move(begun).value(), pool);
  made.output_ = std::move(hello);
  return made;
}

Channel Channel::respond(ResponderOptions options, BufferPool& pool) {
  return Channel(Handshake::respond(std::move(options)), pool);
}

std::span<std::byte> Channel::prepare() {
  reads_envelope_ = opener_ && opener_->mid_envelope() && in_.pending().empty() && !failure_;
  return reads_envelope_ ? opener_->envelope_room() : in_.prepare();
}

Status Channel::commit(std::size_t count, std::vector<Frame>& frames) {
  if (failure_) return *failure_;
  if (!reads_envelope_) in_.commit(count);
  Status advanced = reads_envelope_ ? opener_->envelope_filled(count, frames) : advance(frames);
  if (opener_) peer_close_ = opener_->peer_close();
  if (!advanced) failure_ = advanced.error();
  return advanced;
}

Status Channel::advance(std::vector<Frame>& frames) {
  if (handshake_) {
    Status drained = handshake_->drain(in_, output_);
    if (!drained || !handshake_->finished()) return drained;
    Status established = establish();
    if (!established) return established;
  }
  // An initiator that does not like the last answer says so in the clear: it has no keys to say it with.
  const std::span<std::byte> pending = in_.pending();
  const bool rejected =
      opener_->records() == 0 && pending.size() >= 2 && pending[0] == std::byte{0} && pending[1] == std::byte{0};
  if (!rejected) return opener_->drain(in_, frames);
  if (pending.size() < 3) return {};
  return explain_reject(std::to_integer<std::uint8_t>(pending[2]));
}

Status Channel::establish() {
  TransportCiphers ciphers = handshake_->split();
  const std::optional<Error> refusal = handshake_->refusal();
  peer_ = std::move(handshake_->peer());
  handshake_.reset();
  Sealer sealer(std::move(ciphers.send));
  if (refusal) {
    sealer.close(*refusal, output_);
    return *refusal;
  }
  sealer.keep_alive(output_);
  sealer_.emplace(std::move(sealer));
  opener_.emplace(std::move(ciphers.receive), *pool_, peer_.role == Role::client);
  in_.allow_growth();
  return {};
}

Status Channel::finish_input() const {
  if (failure_) return *failure_;
  if (peer_close_) return {};
  if (!established()) return Error{Errc::unreachable, "the connection ended during the handshake"};
  return Error{Errc::unreachable, "the connection ended without a Close: what it carried may be cut short"};
}

void Channel::trim() noexcept {
  in_.trim();
  if (output_.empty()) output_.release();
}

Status Channel::seal(std::span<const Frame> frames, ByteBuffer& out) {
  if (!sealer_ || closing_) return Error{Errc::closed, "the session is not open for sending"};
  return sealer_->seal(frames, out);
}

void Channel::close(const Error& reason, ByteBuffer& out) {
  if (!sealer_ || closing_) return;
  closing_ = true;
  sealer_->close(reason, out);
}

void Channel::keep_alive(ByteBuffer& out) {
  if (sealer_ && !closing_) sealer_->keep_alive(out);
}

}  // namespace cloudp2p::crypto
