#include "crypto/record.hpp"

namespace cloudp2p::crypto {
namespace {

constexpr std::uint32_t kCloseMark = 0xFFFF'FFFF;
constexpr std::size_t kFrameHeaderBytes = 8;
constexpr std::size_t kCloseBytesMax = 1 + 255 + kCloseMessageBytesMax;
static_assert(kCloseBytesMax < kEnvelopeBytesMin && limits::kPayloadBytesMax < kEnvelopeMark);

void put_length(std::byte* at, std::size_t length) {
  at[0] = static_cast<std::byte>(length >> 8);
  at[1] = static_cast<std::byte>(length & 0xFF);
}

void put_u32(std::byte* at, std::size_t number) {
  for (std::size_t i = 0; i < 4; ++i)
    at[i] = static_cast<std::byte>((number >> (8 * i)) & 0xFF);
}

std::uint32_t get_u32(const std::byte* at) {
  std::uint32_t out = 0;
  for (std::size_t i = 4; i-- > 0;)
    out = (out << 8) | static_cast<std::uint32_t>(at[i]);
  return out;
}

void rekey_when_due(CipherState& cipher) {
  if (cipher.nonce() % limits::kRekeyMessages == 0) cipher.rekey();
}

/// Gathers small pieces into one record in the output and seals it there.
class RecordWriter {
 public:
  RecordWriter(CipherState& cipher, ByteBuffer& out) : cipher_(cipher), out_(out) {}

  void gather(ByteView bytes) {
    while (!bytes.empty()) {
      if (!open_) begin();
      const std::size_t used = out_.size() - start_ - kRecordPrefixBytes;
      const std::size_t take = std::min(bytes.size(), kRecordPlainMax - used);
      out_.append(bytes.first(take));
      bytes = bytes.subspan(take);
      if (used + take == kRecordPlainMax) finish();
    }
  }
  void begin() {
    start_ = out_.size();
    out_.extend(kRecordPrefixBytes);
    open_ = true;
  }
  void finish() {
    if (!open_) return;
    open_ = false;
    const std::size_t plain = out_.size() - start_ - kRecordPrefixBytes;
    out_.extend(kTagBytes);
    std::byte* text = out_.data() + start_ + kRecordPrefixBytes;
    put_length(out_.data() + start_, plain + kTagBytes);
    cipher_.seal({}, {text, plain}, text);
    rekey_when_due(cipher_);
  }

 private:
  CipherState& cipher_;
  ByteBuffer& out_;
  std::size_t start_ = 0;
  bool open_ = false;
};

std::array<std::byte, kFrameHeaderBytes> frame_header(std::size_t head_bytes, std::size_t payload_bytes) {
  std::array<std::byte, kFrameHeaderBytes> out{};
  put_u32(out.data(), head_bytes);
  put_u32(out.data() + 4, payload_bytes | (payload_bytes < kEnvelopeBytesMin ? 0 : kEnvelopeMark));
  return out;
}

/// The envelope in which the payload came, or a new one under a new key.
void write_in_envelope(RecordWriter& writer, const Frame& frame, ByteBuffer& out) {
  const Envelope* const came_in = envelope_of(frame.payload);
  const SecretKey fresh = came_in == nullptr ? SecretKey::random() : SecretKey();
  const SecretKey& key = came_in == nullptr ? fresh : came_in->key;
  writer.gather(key.view());
  writer.gather(frame.head);
  writer.finish();
  if (came_in != nullptr) {
    out.append(came_in->sealed.view());
  } else {
    seal_envelope(key, frame.payload.view(), out.extend(envelope_bytes(frame.payload.size())));
  }
}

/// A name of a later version falls back to the plain "closed".
Errc code_named(std::string_view wanted) {
  for (int i = 1; i <= static_cast<int>(Errc::conflict); ++i) {
    if (wanted == name(static_cast<Errc>(i))) return static_cast<Errc>(i);
  }
  return Errc::closed;
}

Error violation(const char* what) {
  return Error{Errc::protocol, what};
}

}  // namespace

Status Sealer::seal(std::span<const Frame> frames, ByteBuffer& out) {
  std::size_t total = 0;
  std::size_t records = 1;
  for (const Frame& frame : frames) {
    if (frame.head.size() > limits::kHeadBytesMax || frame.payload.size() > limits::kPayloadBytesMax) {
      return Error{Errc::invalid_argument, "a frame is larger than the protocol allows"};
    }
    total += kFrameHeaderBytes + kKeyBytes + frame.head.size() + envelope_bytes(frame.payload.size());
    records += 2 + frame.head.size() / kRecordPlainMax;
  }
  out.reserve(out.size() + total + records * (kRecordPrefixBytes + kTagBytes));
  RecordWriter writer(cipher_, out);
  for (const Frame& frame : frames) {
    writer.gather(frame_header(frame.head.size(), frame.payload.size()));
    if (frame.payload.size() >= kEnvelopeBytesMin) {
      write_in_envelope(writer, frame, out);
      continue;
    }
    writer.gather(frame.head);
    writer.gather(frame.payload.view());
  }
  writer.finish();
  return {};
}

void Sealer::close(const Error& reason, ByteBuffer& out) {
  // The code travels by its stable name: numbers may move between versions.
  const std::string_view code = name(reason.code);
  const std::string_view message = std::string_view(reason.message).substr(0, kCloseMessageBytesMax);
  const std::byte code_bytes{static_cast<unsigned char>(code.size())};
  RecordWriter writer(cipher_, out);
  writer.gather(frame_header(kCloseMark, 1 + code.size() + message.size()));
  writer.gather({&code_bytes, 1});
  writer.gather(std::as_bytes(std::span(code)));
  writer.gather(std::as_bytes(std::span(message)));
  writer.finish();
}

void Sealer::keep_alive(ByteBuffer& out) {
  RecordWriter writer(cipher_, out);
  writer.begin();
  writer.finish();
}

Status Opener::drain(ReceiveBuffer& in, std::vector<Frame>& frames) {
  while (true) {
    const std::span<std::byte> pending = in.pending();
    if (stage_ == Stage::envelope) {
      if (pending.empty()) return {};
      const std::span<std::byte> room = envelope_room();
      const std::size_t count = std::min(room.size(), pending.size());
      std::memcpy(room.data(), pending.data(), count);
      in.consume(count);
      Status filled = envelope_filled(count, frames);
      if (!filled) return filled;
      continue;
    }
    if (pending.size() < kRecordPrefixBytes) return {};
    const std::size_t length = std::to_integer<std::size_t>(pending[0]) << 8 | std::to_integer<std::size_t>(pending[1]);
    if (length < kTagBytes) return violation("a record is too short to be authentic");
    if (peer_close_) return violation("bytes came after the Close");
    if (pending.size() < kRecordPrefixBytes + length) {
      in.need(kRecordPrefixBytes + length);
      return {};
    }
    Status opened = open_record(pending.subspan(kRecordPrefixBytes, length), frames);
    if (!opened) return opened;
    in.consume(kRecordPrefixBytes + length);
  }
}

Status Opener::open_record(std::span<std::byte> sealed, std::vector<Frame>& frames) {
  if (!cipher_.open({}, sealed, sealed.data())) {
    return Error{Errc::protocol, "record " + std::to_string(records() + 1) +
                                     " is not authentic: bytes were altered, lost or repeated on the way"};
  }
  rekey_when_due(cipher_);
  const std::span<std::byte> plain = sealed.first(sealed.size() - kTagBytes);
  Status taken = take(plain, frames);
  if (enveloped_) wipe(plain);  // The key was among it.
  return taken;
}

std::span<std::byte> Opener::wanted() {
  switch (stage_) {
    case Stage::header: return std::span(header_).subspan(filled_);
    case Stage::key: return key_.writable().subspan(filled_);
    case Stage::head: return std::span(frame_.head).subspan(filled_);
    case Stage::payload:
    case Stage::close:
    case Stage::envelope: break;
  }
  if (filled_ == 0 && frame_.payload.size() != payload_bytes_) frame_.payload = pool_->take(payload_bytes_);
  return {frame_.payload.data() + filled_, payload_bytes_ - filled_};
}

Status Opener::take(ByteView plain, std::vector<Frame>& frames) {
  while (!plain.empty()) {
    if (peer_close_) return violation("bytes came after the Close");
    if (stage_ == Stage::envelope) return violation("a record goes on where an envelope should begin");
    const std::span<std::byte> room = wanted();
    const std::size_t count = std::min(room.size(), plain.size());
    std::memcpy(room.data(), plain.data(), count);
    filled_ += count;
    plain = plain.subspan(count);
    if (count < room.size()) return {};
    if (stage_ == Stage::header) {
      Status begun = begin_frame();
      if (!begun) return begun;
    }
    advance(frames);
  }
  return {};
}

Status Opener::begin_frame() {
  const std::uint32_t head = get_u32(header_.data());
  const std::uint32_t payload = get_u32(header_.data() + 4);
  enveloped_ = (payload & kEnvelopeMark) != 0;
  payload_bytes_ = payload & ~kEnvelopeMark;
  filled_ = 0;
  if (head == kCloseMark) {
    if (enveloped_ || payload_bytes_ == 0 || payload_bytes_ > kCloseBytesMax) return violation("a malformed Close");
    stage_ = Stage::close;
    return {};
  }
  if (head > limits::kHeadBytesMax) return violation("a frame's head is larger than the protocol allows");
  if (payload_bytes_ > limits::kPayloadBytesMax)
    return violation("a frame's payload is larger than the protocol allows");
  if (enveloped_ != (payload_bytes_ >= kEnvelopeBytesMin)) return violation("a payload of this size travels otherwise");
  frame_.head.resize(head);
  stage_ = enveloped_ ? Stage::key : Stage::head;
  return {};
}

void Opener::advance(std::vector<Frame>& frames) {
  if (stage_ == Stage::key && filled_ == kKeyBytes) {
    stage_ = Stage::head;
    filled_ = 0;
  }
  if (stage_ == Stage::head && filled_ == frame_.head.size()) {
    stage_ = enveloped_ ? Stage::envelope : Stage::payload;
    filled_ = 0;
  }
  if (stage_ == Stage::payload && filled_ == payload_bytes_) finish_frame(frames);
  if (stage_ == Stage::close && filled_ == payload_bytes_) finish_close();
}

std::span<std::byte> Opener::envelope_room() {
  if (stage_ != Stage::envelope) return {};
  const std::size_t size = envelope_bytes(payload_bytes_);
  if (sealed_.size() != size) sealed_ = pool_->take(size);
  return {sealed_.data() + filled_, size - filled_};
}

Status Opener::envelope_filled(std::size_t count, std::vector<Frame>& frames) {
  filled_ += count;
  return filled_ < sealed_.size() ? Status() : finish_envelope(frames);
}

Status Opener::finish_envelope(std::vector<Frame>& frames) {
  frame_.payload = keep_envelopes_ ? pool_->take(payload_bytes_) : sealed_.part(0, payload_bytes_);
  if (!open_envelope(key_, sealed_.view(), payload_bytes_, frame_.payload.data())) {
    return Error{Errc::protocol, "a payload is not authentic: bytes were altered, lost or repeated on the way"};
  }
  SecretKey key = std::exchange(key_, SecretKey());
  Buffer sealed = std::exchange(sealed_, Buffer());
  if (keep_envelopes_) frame_.payload.attach(std::make_shared<const Envelope>(std::move(key), std::move(sealed)));
  finish_frame(frames);
  return {};
}

void Opener::finish_frame(std::vector<Frame>& frames) {
  frames.push_back(std::move(frame_));
  frame_ = Frame{};
  stage_ = Stage::header;
  filled_ = 0;
}

void Opener::finish_close() {
  std::string_view text(reinterpret_cast<const char*>(frame_.payload.data()), frame_.payload.size());
  const std::size_t code_bytes = std::min<std::size_t>(static_cast<unsigned char>(text[0]), text.size() - 1);
  std::string message(text.substr(1 + code_bytes));
  // It goes to logs and terminals.
  std::replace_if(
      message.begin(), message.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  peer_close_ = Error{code_named(text.substr(1, code_bytes)), std::move(message)};
  frame_ = Frame{};
}

}  // namespace cloudp2p::crypto
