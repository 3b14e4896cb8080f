// Sealer and Opener: frames to records and back, under the keys that a handshake agreed on.
//
// Format:    record = u16 big-endian length, then that many bytes of ciphertext, tag included. The plaintexts of all
//            records form one stream of frames: u32 head length, u32 payload length (little-endian), head, payload.
//            From kEnvelopeBytesMin on, the payload's length carries kEnvelopeMark and is followed by a key; the record
//            ends with the head, and the payload's envelope (envelope.hpp) follows it as it is, outside of records.
//            A head length of 0xFFFFFFFF is a Close: its payload is a u8 length, the name of an Errc of that length,
//            and a message. An empty record is allowed at any time: it confirms the keys and keeps a connection alive.
// Thread:    a Sealer and an Opener share nothing; each is used by one thread at a time.
// Errors:    Opener: protocol for anything that is not authentic or breaks a limit, before memory of that size is
// taken. Rekey:     each direction after every limits::kRekeyMessages records.
#pragma once

#include "crypto/byte_buffer.hpp"
#include "crypto/envelope.hpp"
#include "crypto/receive_buffer.hpp"

#include <cloudp2p/limits.hpp>
#include <cloudp2p/transport.hpp>

namespace cloudp2p::crypto {

inline constexpr std::size_t kRecordPlainMax = limits::kNoiseMessageBytesMax - kTagBytes;
inline constexpr std::size_t kRecordPrefixBytes = 2;
inline constexpr std::size_t kCloseMessageBytesMax = 512;
inline constexpr std::uint32_t kEnvelopeMark = 0x8000'0000;

class Sealer {
 public:
  explicit Sealer(CipherState cipher) : cipher_(std::move(cipher)) {}

  /// Appends the records and envelopes of these frames; small frames share a record, and a payload that came in an
  /// envelope leaves in the same. invalid_argument, and nothing appended, when a frame is over the limits.
  Status seal(std::span<const Frame> frames, ByteBuffer& out);
  /// Appends a Close; nothing may be sealed after it.
  void close(const Error& reason, ByteBuffer& out);
  /// Appends an empty record.
  void keep_alive(ByteBuffer& out);

 private:
  CipherState cipher_;
};

class Opener {
 public:
  /// `keep_envelopes`: attached to the payloads, because they are likely to be sent on.
  Opener(CipherState cipher, BufferPool& pool, bool keep_envelopes)
      : cipher_(std::move(cipher)), pool_(&pool), keep_envelopes_(keep_envelopes) {}

  /// Opens every complete record that is pending and appends the frames that became complete.
  Status drain(ReceiveBuffer& in, std::vector<Frame>& frames);
  /// Where the rest of an envelope may be read to, past the ReceiveBuffer, when nothing is pending there; empty between
  /// envelopes.
  [[nodiscard]] std::span<std::byte> envelope_room();
  [[nodiscard]] bool mid_envelope() const noexcept { return stage_ == Stage::envelope; }
  /// So many bytes of it were filled.
  Status envelope_filled(std::size_t count, std::vector<Frame>& frames);

  /// Records opened so far.
  [[nodiscard]] std::uint64_t records() const noexcept { return cipher_.nonce(); }
  /// The other side uses the keys, and did not begin by refusing this side.
  [[nodiscard]] bool confirmed() const noexcept { return records() > (peer_close_ ? 1U : 0U); }
  /// The other side's Close, once it came. Bytes after it are an error.
  [[nodiscard]] const std::optional<Error>& peer_close() const noexcept { return peer_close_; }

 private:
  enum class Stage : std::uint8_t { header, key, head, payload, close, envelope };

  Status open_record(std::span<std::byte> sealed, std::vector<Frame>& frames);
  Status take(ByteView plain, std::vector<Frame>& frames);
  Status begin_frame();
  void advance(std::vector<Frame>& frames);
  Status finish_envelope(std::vector<Frame>& frames);
  void finish_frame(std::vector<Frame>& frames);
  void finish_close();
  [[nodiscard]] std::span<std::byte> wanted();

  CipherState cipher_;
  BufferPool* pool_;
  bool keep_envelopes_;
  Stage stage_ = Stage::header;
  std::size_t filled_ = 0;  ///< Of what the stage collects.
  std::array<std::byte, 8> header_{};
  std::size_t payload_bytes_ = 0;
  bool enveloped_ = false;
  SecretKey key_;  ///< Of the envelope; wiped when it is open.
  Buffer sealed_;
  Frame frame_;
  std::optional<Error> peer_close_;
};

}  // namespace cloudp2p::crypto
