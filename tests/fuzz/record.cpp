// The record layer: frames are cut out of authentic records whatever these hold, and nothing else is taken for authentic.
#include "input.hpp"
#include "keys.hpp"

using namespace cloudp2p;
using namespace cloudp2p::crypto;

namespace {

constexpr std::size_t kBytesMax = 1 << 20;

void put_u16(std::vector<std::byte>& out, std::size_t number) {
  out.push_back(static_cast<std::byte>(number >> 8));
  out.push_back(static_cast<std::byte>(number & 0xFF));
}

/// The stream of a peer that has the keys: its records hold what the input says, some of them are damaged.
std::vector<std::byte> stream_of(fuzz::Input& input) {
  std::vector<std::byte> out;
  CipherState cipher(fuzz::key_of(1));
  while (!input.empty() && out.size() < kBytesMax) {
    const auto kind = input.number();
    if (kind == 255) {  // Not a record at all.
      const ByteView raw = input.bytes(input.number());
      out.insert(out.end(), raw.begin(), raw.end());
      continue;
    }
    const ByteView plain = input.bytes(kind == 254 ? input.number<std::uint16_t>() : kind);
    std::vector<std::byte> sealed;
    sealed.resize(plain.size() + kTagBytes);
    cipher.seal({}, plain, sealed.data());
    put_u16(out, sealed.size());
    out.insert(out.end(), sealed.begin(), sealed.end());
  }
  return out;
}

void check_frame(const Frame& frame) {
  fuzz::require(frame.head.size() <= limits::kHeadBytesMax, "heads are within their limit");
  fuzz::require(frame.payload.size() <= limits::kPayloadBytesMax, "and payloads within theirs");
}

/// Sealed again and opened again it is the same.
void check_again(std::span<const Frame> frames, BufferPool& pool) {
  Sealer sealer(CipherState(fuzz::key_of(2)));
  ByteBuffer out;
  fuzz::require(sealer.seal(frames, out).ok(), "what was opened can be sealed");
  Opener opener(CipherState(fuzz::key_of(2)), pool, false);
  ReceiveBuffer in;
  in.allow_growth();
  std::vector<Frame> again;
  ByteView left = out.view();
  while (!left.empty()) {
    const std::span<std::byte> envelope = in.pending().empty() ? opener.envelope_room() : std::span<std::byte>();
    const std::span<std::byte> room = envelope.empty() ? in.prepare() : envelope;
    const std::size_t count = std::min(room.size(), left.size());
    std::copy_n(left.begin(), count, room.begin());
    left = left.subspan(count);
    if (!envelope.empty()) {
      fuzz::require(opener.envelope_filled(count, again).ok(), "an envelope opens");
      continue;
    }
    in.commit(count);
    fuzz::require(opener.drain(in, again).ok(), "a record opens");
  }
  fuzz::require(again.size() == frames.size(), "as many frames");
  for (std::size_t i = 0; i < again.size(); ++i) {
    const bool same = again[i].head == frames[i].head && std::ranges::equal(again[i].payload.view(), frames[i].payload.view());
    fuzz::require(same, "with the same bytes");
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  fuzz::FixedRandom::install();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::FixedRandom::restart();
  fuzz::Input input(data, size);
  const std::size_t piece = 1U + input.number<std::uint16_t>();
  const bool keep = (input.number() & 1) != 0;
  const std::vector<std::byte> stream = stream_of(input);
  BufferPool pool{{limits::kPayloadBytesMax, 2}};
  Opener opener(CipherState(fuzz::key_of(1)), pool, keep);
  ReceiveBuffer in;
  in.allow_growth();
  std::vector<Frame> frames;
  ByteView left = stream;
  bool open = true;
  while (open && !left.empty()) {
    const std::span<std::byte> envelope = in.pending().empty() ? opener.envelope_room() : std::span<std::byte>();
    const std::span<std::byte> room = envelope.empty() ? in.prepare() : envelope;
    const std::size_t count = std::min({room.size(), left.size(), piece});
    std::copy_n(left.begin(), count, room.begin());
    left = left.subspan(count);
    if (envelope.empty()) in.commit(count);
    open = (envelope.empty() ? opener.drain(in, frames) : opener.envelope_filled(count, frames)).ok();
  }
  for (const Frame& frame : frames) check_frame(frame);
  if (!frames.empty()) check_again(frames, pool);
  return 0;
}
