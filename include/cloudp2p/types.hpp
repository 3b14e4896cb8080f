// Vocabulary: identities, terms, digests, stamps, records.
//
// Purpose:   the words that every layer shares, in the field's standard terms.
// Units:     sizes in bytes, wall times in milliseconds since the Unix epoch, durations are chrono types.
// Thread:    plain values. Ownership: each owns what it holds.
// Source:    docs/protocol.md
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudp2p {

/// Bytes that somebody else owns: good while those do not move.
using ByteView = std::span<const std::byte>;

/// A node's configured number, 1 to 2^32-1; the highest live one leads. 0 is "nobody" (also: a client).
enum class NodeId : std::uint32_t {};
inline constexpr NodeId kNobody{0};  ///< No node; in a Hello and in what a connection knows of its peer, a client.
/// The plain number.
[[nodiscard]] constexpr std::uint32_t value(NodeId id) noexcept { return static_cast<std::uint32_t>(id); }
/// Decimal.
[[nodiscard]] inline std::string to_string(NodeId id) { return std::to_string(value(id)); }

/// The number of an election; only grows. 0 is before the first election.
using Term = std::uint64_t;

/// Lower-case hex of any bytes, and back (nullopt unless it is exactly 2 × size hex digits).
[[nodiscard]] inline std::string to_hex(ByteView bytes);
/// The way back; `out` is undefined when it fails.
[[nodiscard]] inline bool from_hex(std::string_view hex, std::span<std::byte> out) noexcept;

/// Opaque fixed-size bytes; the tag keeps a digest from being passed for an incarnation.
template <class Tag, std::size_t N>
struct Opaque {
  std::array<std::byte, N> bytes{};  ///< All zero when default-constructed.

  static constexpr std::size_t kSize = N;  ///< In bytes.
  friend auto operator<=>(const Opaque&, const Opaque&) = default;
  /// What "zero" and "none" mean in comments.
  [[nodiscard]] bool is_zero() const noexcept { return *this == Opaque{}; }
  /// Twice as many lower-case digits.
  [[nodiscard]] std::string hex() const { return to_hex(bytes); }
  /// From either case; no value unless there are exactly twice as many digits.
  [[nodiscard]] static std::optional<Opaque> from(std::string_view hex) {
    Opaque out;
    return from_hex(hex, out.bytes) ? std::optional<Opaque>(out) : std::nullopt;
  }
};

/// BLAKE2b-256 of an image's bytes: its name everywhere. `b2sum -l 256 FILE` prints the same.
using Digest = Opaque<struct DigestTag, 32>;
/// 128 random bits that a node draws when its state file is created; a new value means that its promises are lost.
using Incarnation = Opaque<struct IncarnationTag, 16>;
/// 128 random bits drawn when a cluster is founded. Zero: not yet a member of any.
using ClusterId = Opaque<struct ClusterIdTag, 16>;
/// 128 random bits that a client draws for one upload and keeps through every retry of it.
using UploadId = Opaque<struct UploadIdTag, 16>;

inline constexpr std::size_t kShortIdDigits = 16;  ///< Digits of a digest that people are shown.
/// What people see: the first 16 hex digits.
[[nodiscard]] inline std::string short_id(const Digest& digest) { return digest.hex().substr(0, kShortIdDigits); }

/// Orders writes of one record: given by the leader, unique, totally ordered; the larger one wins a merge.
struct Stamp {
  Term term = 0;               ///< In which it was given.
  NodeId leader = kNobody;     ///< Who led then.
  std::uint64_t sequence = 0;  ///< Grows with each stamp that this leader gives; a stamp of nothing has 0.
  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

/// Decided by the bytes, never by the name.
enum class ImageType : std::uint8_t { unknown, jpeg, png, gif, webp, avif, heic, tiff, bmp };
/// The first bytes of a file that `sniff` looks at; fewer give `unknown` for the longer signatures.
inline constexpr std::size_t kSniffBytes = 32;
/// What they look like; `unknown` for anything that is none of these types.
[[nodiscard]] inline ImageType sniff(ByteView first_bytes) noexcept;
/// "jpg", "png", …; "bin" for unknown.
[[nodiscard]] inline std::string_view extension(ImageType type) noexcept;
/// "image/jpeg", …; "application/octet-stream" for unknown.
[[nodiscard]] inline std::string_view media_type(ImageType type) noexcept;

/// What the cluster knows of one image: a register keyed by digest, merged by stamp.
struct ImageRecord {
  Digest digest;                        ///< Of the content, and the key.
  Stamp stamp;                          ///< Whoever merges keeps the record with the larger one.
  bool tombstone = false;               ///< Deleted; kept until every member has seen it.
  std::uint64_t size_bytes = 0;         ///< Of the content; in a tombstone, of what was deleted.
  ImageType type = ImageType::unknown;  ///< As `sniff` found it when the image was uploaded.
  std::string name;                     ///< As the user gave it, UTF-8, at most kNameBytesMax; data, never a path.
  /// When it was stored, or deleted, by the leader's clock; a restored backup brings its own. For people, the order of
  /// listings and the age of tombstones; no safety depends on it.
  std::int64_t time_ms = 0;
  friend bool operator==(const ImageRecord&, const ImageRecord&) = default;
};

/// A user's file name made safe for a directory: base name only, no control characters, separators or leading dots,
/// at most kNameBytesMax bytes cut at a UTF-8 boundary, without its extension; "image" when nothing is left.
[[nodiscard]] inline std::string sanitised_stem(std::string_view name);

/// One voter. A zero incarnation: nobody is bound to this id now; whoever has it learns until bound.
struct Member {
  NodeId id = kNobody;      ///< Unique in a membership.
  Incarnation incarnation;  ///< Under which its promises count.
  friend bool operator==(const Member&, const Member&) = default;
};

/// Who counts in a majority. Ordered by (term, version); the larger replaces the smaller.
struct Membership {
  Term term = 0;                ///< Of the leader that proposed it, or proposed it again after its election.
  std::uint64_t version = 0;    ///< 0: none adopted yet.
  std::vector<Member> members;  ///< At most limits::kMembersMax, each id once.
  friend bool operator==(const Membership&, const Membership&) = default;

  /// False for equal ones. Means something within one cluster only.
  [[nodiscard]] bool newer_than(const Membership& other) const noexcept {
    return term != other.term ? term > other.term : version > other.version;
  }
  /// Null when this id is no member.
  [[nodiscard]] const Member* find(NodeId id) const noexcept {
    const auto at = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.id == id; });
    return at == members.end() ? nullptr : &*at;
  }
};

/// floor(N/2)+1
[[nodiscard]] constexpr std::size_t majority_of(std::size_t member_count) noexcept { return member_count / 2 + 1; }

/// The clock of a node: runs through suspend, starts anywhere, read only through `Timers`. It has no now() on purpose.
struct NodeClock {
  /// Ticks, counted.
  using rep = std::int64_t;
  /// A tick is a nanosecond.
  using period = std::nano;
  /// Signed; spans 292 years.
  using duration = std::chrono::nanoseconds;
  /// On this clock only: what another node's clock says can not be compared.
  using time_point = std::chrono::time_point<NodeClock>;
  static constexpr bool is_steady = true;  ///< It never goes backwards.
};
/// A moment of one node's clock; means nothing to another node.
using TimePoint = NodeClock::time_point;
/// Between two such moments.
using Duration = NodeClock::duration;

}  // namespace cloudp2p

/// For unordered containers: the first bytes, which are as good as random already.
template <class Tag, std::size_t N>
struct std::hash<cloudp2p::Opaque<Tag, N>> {
  /// The first bytes, in the machine's order.
  std::size_t operator()(const cloudp2p::Opaque<Tag, N>& value) const noexcept {
    std::size_t out = 0;
    std::memcpy(&out, value.bytes.data(), std::min(sizeof out, N));
    return out;
  }
};

#include <cloudp2p/detail/types.hpp>
