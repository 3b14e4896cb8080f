#include "store/journal_codec.hpp"

#include "store/state_codec.hpp"

#include <cloudp2p/limits.hpp>

namespace cloudp2p::store {
namespace {

constexpr std::array<std::byte, 2> kMarker = {std::byte{0xc7}, std::byte{0x3a}};
constexpr std::size_t kFrameBytes = kMarker.size() + 2 + 4;
/// Digest, the longest numbers and the longest name.
constexpr std::size_t kBodyBytesMax = 1 + Digest::kSize + 5 * 10 + 1 + limits::kNameBytesMax;
constexpr std::string_view kJournalVersion = "1\n";

enum class Kind : std::uint8_t { live, tombstone, forgotten, mark };

template <class T>
void append_fixed(JournalBytes& out, T number) {
  for (std::size_t i = 0; i < sizeof number; ++i) {
    out.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(number) >> (8 * i)));
  }
}

void append_number(JournalBytes& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) {
    out.push_back(static_cast<std::byte>(number | 0x80));
  }
  out.push_back(static_cast<std::byte>(number));
}

void append_text(JournalBytes& out, std::string_view text) {
  const ByteView bytes = std::as_bytes(std::span(text));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// With the frame around it.
void append_body(JournalBytes& out, ByteView body) {
  out.insert(out.end(), kMarker.begin(), kMarker.end());
  append_fixed(out, static_cast<std::uint16_t>(body.size()));
  append_fixed(out, static_cast<std::uint32_t>(crc64(body)));
  out.insert(out.end(), body.begin(), body.end());
}

/// Reads past its end as zeroes, and says so.
class BodyReader {
 public:
  explicit BodyReader(ByteView body) : left_(body) {}

  template <class T>
  T fixed() {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) out |= static_cast<std::uint64_t>(byte()) << (8 * i);
    return static_cast<T>(out);
  }
  std::uint64_t number() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto next = static_cast<std::uint64_t>(byte());
      out |= (next & 0x7f) << shift;
      if ((next & 0x80) == 0) return out;
    }
    whole_ = false;
    return out;
  }
  Digest digest() {
    Digest out;
    for (std::byte& each : out.bytes) each = byte();
    return out;
  }
  std::string rest() {
    std::string out(reinterpret_cast<const char*>(left_.data()), left_.size());
    left_ = {};
    return out;
  }
  [[nodiscard]] bool whole() const { return whole_ && left_.empty(); }

 private:
  std::byte byte() {
    if (left_.empty()) {
      whole_ = false;
      return {};
    }
    const std::byte out = left_.front();
    left_ = left_.subspan(1);
    return out;
  }

  ByteView left_;
  bool whole_ = true;
};

}  // namespace

void append_head(JournalBytes& out) {
  append_text(out, kJournalHead);
  append_text(out, kJournalVersion);
}

void append_entry(JournalBytes& out, const JournalEntry& entry) {
  const ImageRecord& record = entry.record;
  JournalBytes body;
  body.reserve(kBodyBytesMax);
  append_fixed(body, entry.forgotten ? Kind::forgotten : record.tombstone ? Kind::tombstone : Kind::live);
  body.insert(body.end(), record.digest.bytes.begin(), record.digest.bytes.end());
  append_number(body, record.stamp.term);
  append_number(body, value(record.stamp.leader));
  append_number(body, record.stamp.sequence);
  append_fixed(body, static_cast<std::uint8_t>(record.type));
  append_number(body, record.size_bytes);
  append_number(body, static_cast<std::uint64_t>(record.time_ms));
  append_text(body, std::string_view(record.name).substr(0, limits::kNameBytesMax));
  append_body(out, body);
}

void append_mark(JournalBytes& out, std::uint64_t sum) {
  JournalBytes body;
  append_fixed(body, Kind::mark);
  append_fixed(body, sum);
  append_body(out, body);
}

void JournalReader::feed(ByteView bytes) {
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  read(false);
}

void JournalReader::end() { read(true); }

void JournalReader::read(bool last) {
  ByteView rest(held_);
  if (!head_read_ && (last || rest.size() >= kJournalHeadBytes)) {
    JournalBytes head;
    append_head(head);
    head_read_ = true;
    known_version_ = rest.size() >= head.size() && std::equal(head.begin(), head.end(), rest.begin());
    rest = rest.subspan(std::min(rest.size(), head.size()));
  }
  while (known_version_ && !rest.empty()) {
    std::size_t length = 0;
    const Step step = next(rest, length);
    if (step == Step::more && !last) break;
    if (step == Step::entry) {
      in_damage_ = false;
      rest = rest.subspan(length);
      continue;
    }
    if (!std::exchange(in_damage_, true)) ++damaged_;
    mark_.reset();
    rest = ByteView(std::find(rest.begin() + 1, rest.end(), kMarker.front()), rest.end());
  }
  if (head_read_ && !known_version_) rest = {};
  held_.erase(held_.begin(), held_.end() - static_cast<std::ptrdiff_t>(rest.size()));
}

JournalReader::Step JournalReader::next(ByteView rest, std::size_t& length) {
  if (rest.size() < kFrameBytes) return Step::more;
  if (!std::equal(kMarker.begin(), kMarker.end(), rest.begin())) return Step::damage;
  BodyReader frame(rest.subspan(kMarker.size(), kFrameBytes - kMarker.size()));
  const std::size_t size = frame.fixed<std::uint16_t>();
  const auto checksum = frame.fixed<std::uint32_t>();
  if (size > kBodyBytesMax) return Step::damage;
  length = kFrameBytes + size;
  if (rest.size() < length) return Step::more;
  const ByteView body = rest.subspan(kFrameBytes, size);
  return static_cast<std::uint32_t>(crc64(body)) == checksum && take_body(body) ? Step::entry : Step::damage;
}

bool JournalReader::take_body(ByteView body) {
  BodyReader in(body);
  const auto kind = in.fixed<std::uint8_t>();
  if (kind == static_cast<std::uint8_t>(Kind::mark)) {
    const auto sum = in.fixed<std::uint64_t>();
    if (in.whole()) mark_ = sum;
    return in.whole();
  }
  if (kind > static_cast<std::uint8_t>(Kind::mark)) return false;
  JournalEntry entry;
  ImageRecord& record = entry.record;
  entry.forgotten = kind == static_cast<std::uint8_t>(Kind::forgotten);
  record.tombstone = kind == static_cast<std::uint8_t>(Kind::tombstone);
  record.digest = in.digest();
  record.stamp.term = in.number();
  const std::uint64_t leader = in.number();
  record.stamp.leader = NodeId{static_cast<std::uint32_t>(leader)};
  record.stamp.sequence = in.number();
  const auto type = in.fixed<std::uint8_t>();
  record.type = static_cast<ImageType>(type);
  record.size_bytes = in.number();
  record.time_ms = static_cast<std::int64_t>(in.number());
  record.name = in.rest();
  const bool sane = leader <= ~std::uint32_t{0} && type <= static_cast<std::uint8_t>(ImageType::bmp) &&
                    record.name.size() <= limits::kNameBytesMax && record.stamp != Stamp{};
  if (!in.whole() || !sane) return false;
  ++entries_;
  mark_.reset();
  visit_(entry);
  return true;
}

}  // namespace cloudp2p::store
