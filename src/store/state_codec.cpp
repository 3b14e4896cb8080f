#include "store/state_codec.hpp"

#include <cloudp2p/limits.hpp>

namespace cloudp2p::store {
namespace {

constexpr std::uint64_t kMagic = 0x3153'5032'5044'4C43;  // "CLDP2PS1" in the file
constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kVersionOfWholeSlot = 1;  // Its checksum was at the end of the slot.
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kContentBytesMax = 89 + 20 * limits::kMembersMax;
static_assert(kContentBytesMax + kChecksumBytes <= kSectorBytes);

constexpr std::array<std::uint64_t, 256> make_crc_table() {
  std::array<std::uint64_t, 256> table{};
  for (std::uint64_t i = 0; i < table.size(); ++i) {
    std::uint64_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xC96C5795D7870F42 : 0);
    table[i] = crc;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

/// Little-endian, in a fixed block: the largest state is far below a slot.
class Writer {
 public:
  explicit Writer(Slot& slot) : slot_(slot) {}
  template <class T>
  void number(T number) {
    for (std::size_t i = 0; i < sizeof number; ++i) {
      slot_[at_++] = static_cast<std::byte>(static_cast<std::uint64_t>(number) >> (8 * i));
    }
  }
  template <class T>
  void opaque(const T& value) {
    std::copy(value.bytes.begin(), value.bytes.end(), slot_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ += T::kSize;
  }
  void seek(std::size_t at) { at_ = at; }

 private:
  Slot& slot_;
  std::size_t at_ = 0;
};

class Reader {
 public:
  explicit Reader(const Slot& slot) : slot_(slot) {}
  template <class T>
  [[nodiscard]] T number() {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      out |= static_cast<std::uint64_t>(slot_[at_++]) << (8 * i);
    return static_cast<T>(out);
  }
  template <class T>
  [[nodiscard]] T opaque() {
    T out;
    const auto from = slot_.begin() + static_cast<std::ptrdiff_t>(at_);
    std::copy(from, from + static_cast<std::ptrdiff_t>(T::kSize), out.bytes.begin());
    at_ += T::kSize;
    return out;
  }
  void seek(std::size_t at) { at_ = at; }

 private:
  const Slot& slot_;
  std::size_t at_ = 0;
};

/// Where the checksum of a slot of this version is; it covers all before it.
std::size_t checksum_at(std::uint32_t version) {
  return (version == kVersionOfWholeSlot ? kSlotBytes : kSectorBytes) - kChecksumBytes;
}

std::uint64_t checksum_of(const Slot& slot, std::size_t size) {
  return crc64(ByteView(slot).first(size));
}

}  // namespace

std::uint64_t crc64(ByteView bytes) noexcept {
  std::uint64_t crc = ~std::uint64_t{0};
  for (const std::byte b : bytes)
    crc = kCrcTable[(crc ^ static_cast<std::uint64_t>(b)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

Result<Slot> encode_slot(const SlotContent& content) {
  const DurableState& state = content.state;
  if (state.membership.members.size() > limits::kMembersMax) {
    return Error{Errc::invalid_argument, "a membership has at most " + std::to_string(limits::kMembersMax) + " nodes"};
  }
  Slot slot{};
  Writer out(slot);
  out.number(kMagic);
  out.number(kVersion);
  out.number(content.generation);
  out.opaque(state.cluster);
  out.number(static_cast<std::uint8_t>(state.founded));
  out.number(value(state.node));
  out.opaque(state.incarnation);
  out.number(state.term);
  out.number(value(state.voted_for));
  out.number(state.membership.term);
  out.number(state.membership.version);
  out.number(static_cast<std::uint32_t>(state.membership.members.size()));
  for (const Member& member : state.membership.members) {
    out.number(value(member.id));
    out.opaque(member.incarnation);
  }
  const std::size_t end = checksum_at(kVersion);
  out.seek(end);
  out.number(checksum_of(slot, end));
  return slot;
}

std::optional<SlotContent> decode_slot(const Slot& slot) {
  Reader in(slot);
  in.seek(kVersionAt);
  const auto version = in.number<std::uint32_t>();
  const std::size_t end = checksum_at(version);
  in.seek(end);
  if (in.number<std::uint64_t>() != checksum_of(slot, end)) return std::nullopt;
  in.seek(0);
  if (in.number<std::uint64_t>() != kMagic || version < kVersionOfWholeSlot || version > kVersion) return std::nullopt;
  in.seek(kVersionAt + sizeof version);
  SlotContent content;
  content.generation = in.number<std::uint64_t>();
  DurableState& state = content.state;
  state.cluster = in.opaque<ClusterId>();
  state.founded = in.number<std::uint8_t>() != 0;
  state.node = NodeId{in.number<std::uint32_t>()};
  state.incarnation = in.opaque<Incarnation>();
  state.term = in.number<Term>();
  state.voted_for = NodeId{in.number<std::uint32_t>()};
  state.membership.term = in.number<Term>();
  state.membership.version = in.number<std::uint64_t>();
  const auto members = in.number<std::uint32_t>();
  if (members > limits::kMembersMax) return std::nullopt;
  for (std::uint32_t i = 0; i < members; ++i) {
    const NodeId id{in.number<std::uint32_t>()};
    state.membership.members.push_back({id, in.opaque<Incarnation>()});
  }
  return content;
}

}  // namespace cloudp2p::store
