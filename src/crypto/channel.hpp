// Channel: the secure session of one connection; no socket, no clock, bytes in and bytes out.
//
// Purpose:   what a transport needs: a place to read into, frames that came out, bytes that must go.
// Use:       1. initiate or respond. 2. Send what `output` holds, now and after every `commit`, failed ones included;
// then
//            clear it. 3. Read into `prepare`, `commit` what came. 4. Once `established`, `seal` frames and send them.
//            5. `close` before closing; `finish_input` at the end of the stream.
// Trust:     `established` means that keys exist. `confirmed` means that the other side has used them: before that
// nothing
//            about it is proved, and no frame has been delivered. Each side confirms by an empty record right after its
//            handshake, a responder only after it admitted the identity.
// Thread:    one thread at a time until `established`. From then on {seal, close, keep_alive} and everything else may
// be
//            used by two threads at once; nothing is written to `output` any more.
// Ownership: the pool outlives the channel. Keys are wiped when the channel goes.
// Errors:    an error of `commit` is final and is returned again by later calls; frames that came before it are
// delivered.
//            bad_key, mismatch, permission (handshake), protocol (altered bytes, limits), unreachable (the stream ended
//            early).
// Limits:    1 KiB of receive memory during the handshake, 4 KiB to 128 KiB after it, none after `trim`.
#pragma once

#include "crypto/handshake.hpp"
#include "crypto/record.hpp"

namespace cloudp2p::crypto {

class Channel {
 public:
  /// permission when the role needs a key that is not held.
  [[nodiscard]] static Result<Channel> initiate(InitiatorOptions options, BufferPool& pool);
  [[nodiscard]] static Channel respond(ResponderOptions options, BufferPool& pool);

  /// What the channel itself has to say. The owner sends it and clears it.
  [[nodiscard]] ByteBuffer& output() noexcept { return output_; }

  /// Room to read into, never empty; valid until the next call on the channel.
  [[nodiscard]] std::span<std::byte> prepare();
  /// `count` bytes were read into it. Appends complete frames.
  Status commit(std::size_t count, std::vector<Frame>& frames);
  /// The stream ended: success only after the other side's Close.
  [[nodiscard]] Status finish_input() const;
  /// Gives receive memory back when no partial record is pending; call before waiting on an idle connection.
  void trim() noexcept;

  /// Appends records to `out`, which the owner recycles. invalid_argument for frames over the limits; closed before
  /// `established` and after `close`.
  Status seal(std::span<const Frame> frames, ByteBuffer& out);
  /// Appends an authenticated Close with this reason. Before `established` there is nobody to tell, and nothing
  /// happens.
  void close(const Error& reason, ByteBuffer& out);
  void keep_alive(ByteBuffer& out);

  [[nodiscard]] bool established() const noexcept { return opener_.has_value(); }
  [[nodiscard]] bool confirmed() const noexcept { return opener_ && opener_->confirmed(); }
  /// Bytes came that do not make a whole record or envelope yet.
  [[nodiscard]] bool mid_record() noexcept {
    return !in_.pending().empty() || (opener_ && opener_->mid_envelope());
  }
  /// The other side's Close, once it came.
  [[nodiscard]] const std::optional<Error>& peer_close() const noexcept { return peer_close_; }
  /// Once established.
  [[nodiscard]] const ChannelPeer& peer() const noexcept { return peer_; }
  /// Receive memory held, for tests and metrics.
  [[nodiscard]] std::size_t receive_bytes_held() const noexcept { return in_.capacity(); }

 private:
  explicit Channel(Handshake handshake, BufferPool& pool);
  Status advance(std::vector<Frame>& frames);
  Status establish();

  BufferPool* pool_;
  ReceiveBuffer in_;
  ByteBuffer output_;
  std::unique_ptr<Handshake> handshake_;  ///< Until established: an idle session does not carry it.
  std::optional<Sealer> sealer_;
  std::optional<Opener> opener_;
  ChannelPeer peer_;
  std::optional<Error> peer_close_;
  std::optional<Error> failure_;
  bool closing_ = false;
  bool reads_envelope_ = false;  ///< What `prepare` gave belongs to one.
};

}  // namespace cloudp2p::crypto
