// The codec behind wire.hpp: one description of a message's fields serves both directions.
//
// A field is tag (u8), length (varint), bytes. Numbers are little-endian without leading zero bytes, structs nest, a
// vector is its field repeated. A field that has its default value is not sent, an unknown tag is skipped: so fields
// can be added while old and new nodes talk to each other. A scalar that comes twice keeps the last value.
#pragma once

#include <cloudp2p/error.hpp>
#include <cloudp2p/types.hpp>

#include <cassert>
#include <concepts>
#include <limits>
#include <tuple>
#include <type_traits>

namespace cloudp2p::wire {

/// How long text fields may be: refuse what is longer, or (for sentences that only people read) cut when sending.
enum class Text : std::uint8_t { exact, sentence };

/// One field of `Struct`. `max`: the longest text in bytes, or the most elements of a vector.
template <class Struct, class Member>
struct Field {
  constexpr Field(std::uint8_t tag_, const char* name_, Member Struct::*member_, std::size_t max_ = 0,
                  Text text_ = Text::exact)
      : tag(tag_), name(name_), member(member_), max(max_), text(text_) {}
  std::uint8_t tag;
  const char* name;
  Member Struct::*member;
  std::size_t max;
  Text text;
};

/// Specialised in wire_fields.hpp: `fields` for every struct; `type` and `name` too for a message.
template <class T>
struct Shape;
/// Specialised in wire_fields.hpp: the largest value of an enumeration whose values begin at 0.
template <class E>
struct EnumLast;

template <class T>
inline constexpr bool kIsOpaque = false;
template <class Tag, std::size_t N>
inline constexpr bool kIsOpaque<Opaque<Tag, N>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
concept Scalar = std::integral<T> || std::is_enum_v<T>;

/// The names of an enumeration are checked against its last one; NodeId is a number in an enum's clothes.
template <class T>
[[nodiscard]] constexpr std::uint64_t scalar_max() noexcept {
  if constexpr (std::same_as<T, bool>) {
    return 1;
  } else if constexpr (std::same_as<T, NodeId>) {
    return std::numeric_limits<std::underlying_type_t<NodeId>>::max();
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::uint64_t>(EnumLast<T>::value);
  } else {
    return std::numeric_limits<std::make_unsigned_t<T>>::max();
  }
}

template <class T>
[[nodiscard]] const T& default_of() {
  static const T value{};
  return value;
}

/// Appends to a block that doubles when it is full, so that small fields cost a store and not a call.
class Writer {
 public:
  Writer() : out_(kTypicalBytes) {}

  void byte(std::uint8_t value) {
    reserve(1);
    out_[size_++] = static_cast<std::byte>(value);
  }
  template <class T>
  void fields(const T& value) {
    std::apply([&](const auto&... field) { (one(value, field), ...); }, Shape<T>::fields);
  }
  [[nodiscard]] std::vector<std::byte> take() {
    out_.resize(size_);
    return std::move(out_);
  }

 private:
  static constexpr std::size_t kTypicalBytes = 192;

  void reserve(std::size_t more) {
    if (out_.size() - size_ < more) [[unlikely]]
      out_.resize(std::max(out_.size() * 2, size_ + more));
  }
  template <class T, class M>
  void one(const T& value, const Field<T, M>& field) {
    const M& member = value.*field.member;
    if constexpr (kIsVector<M>) {
      assert(member.size() <= field.max && "senders page long lists");
      for (const auto& element : member) {
        if constexpr (Scalar<typename M::value_type>) {
          scalar(field.tag, static_cast<std::uint64_t>(element));
        } else {
          nested(field.tag, element);
        }
      }
    } else if constexpr (Scalar<M>) {
      if (member != default_of<T>().*field.member) scalar(field.tag, static_cast<std::uint64_t>(member));
    } else if constexpr (kIsOpaque<M>) {
      if (!member.is_zero()) bytes(field.tag, member.bytes);
    } else if constexpr (std::same_as<M, std::string>) {
      if (!member.empty()) text(field, member);
    } else {
      nested(field.tag, member);
    }
  }
  void scalar(std::uint8_t tag, std::uint64_t value) {
    reserve(2 + sizeof value);
    std::byte* field = out_.data() + size_;
    std::size_t length = 0;
    for (; value != 0; value >>= 8)
      field[2 + length++] = static_cast<std::byte>(value & 0xff);
    field[0] = static_cast<std::byte>(tag);
    field[1] = static_cast<std::byte>(length);
    size_ += 2 + length;
  }
  template <class F>
  void text(const F& field, const std::string& value) {
    std::size_t length = value.size();
    if (field.text == Text::sentence && length > field.max) {
      length = field.max;
      while (length > 0 && (static_cast<unsigned char>(value[length]) & 0xc0) == 0x80)
        --length;  // Whole characters.
    }
    assert(length <= field.max && "the receiver would refuse this as a protocol error");
    bytes(field.tag, std::as_bytes(std::span(value.data(), length)));
  }
  void bytes(std::uint8_t tag, ByteView content) {
    byte(tag);
    std::size_t rest = content.size();
    for (; rest >= 0x80; rest >>= 7)
      byte(length_part(rest));
    byte(length_part(rest));
    reserve(content.size());
    std::copy(content.begin(), content.end(), out_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += content.size();
  }
  template <class T>
  void nested(std::uint8_t tag, const T& value) {
    byte(tag);
    const std::size_t length_at = size_;
    byte(0);  // Nearly every nested struct is shorter than 128 bytes; the others move up to make room.
    fields(value);
    std::size_t rest = size_ - length_at - 1;
    out_[length_at] = static_cast<std::byte>(length_part(rest));
    for (std::size_t at = length_at + 1; (rest >>= 7) != 0; ++at) {
      reserve(1);
      std::copy_backward(out_.data() + at, out_.data() + size_, out_.data() + size_ + 1);
      ++size_;
      out_[at] = static_cast<std::byte>(length_part(rest));
    }
  }
  /// The lowest seven bits, marked when more follow.
  [[nodiscard]] static constexpr std::uint8_t length_part(std::size_t rest) noexcept {
    return static_cast<std::uint8_t>(rest < 0x80 ? rest : (rest & 0x7f) | 0x80);
  }

  std::vector<std::byte> out_;
  std::size_t size_ = 0;
};

/// Reads a struct from exactly `input`. Nothing is read outside it, and no length is believed before it is checked.
class Reader {
 public:
  explicit Reader(ByteView input) : input_(input) {}

  /// False when malformed; `fault` then names the field.
  template <class T>
  [[nodiscard]] bool fields(T& out) {
    while (at_ < input_.size()) {
      std::uint8_t tag = 0;
      ByteView content;
      if (!header(tag, content)) return fail("length");
      const bool good = std::apply(
          [&](const auto&... field) {
            bool ok = true;
            (void)((field.tag == tag && (ok = one(out, field, content), true)) || ...);
            return ok;
          },
          Shape<T>::fields);
      if (!good) return false;
    }
    return true;
  }
  [[nodiscard]] const char* fault() const noexcept { return fault_; }

 private:
  bool fail(const char* field) noexcept {
    if (fault_ == nullptr) fault_ = field;
    return false;
  }
  bool header(std::uint8_t& tag, ByteView& content) noexcept {
    tag = static_cast<std::uint8_t>(input_[at_++]);
    std::size_t size = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (at_ == input_.size() || shift > 14) return false;  // Three bytes reach past any frame.
      const auto part = static_cast<std::size_t>(input_[at_++]);
      size |= (part & 0x7f) << shift;
      if ((part & 0x80) == 0) break;
    }
    if (size > input_.size() - at_) return false;
    content = input_.subspan(at_, size);
    at_ += size;
    return true;
  }
  template <class T, class M>
  bool one(T& out, const Field<T, M>& field, ByteView content) {
    M& member = out.*field.member;
    if constexpr (kIsVector<M>) {
      if (member.size() == field.max) return fail(field.name);
      if constexpr (Scalar<typename M::value_type>) {
        return scalar(member.emplace_back(), content) || fail(field.name);
      } else {
        return nested(member.emplace_back(), field.name, content);
      }
    } else if constexpr (Scalar<M>) {
      return scalar(member, content) || fail(field.name);
    } else if constexpr (kIsOpaque<M>) {
      if (content.size() != M::kSize) return fail(field.name);
      std::copy(content.begin(), content.end(), member.bytes.begin());
      return true;
    } else if constexpr (std::same_as<M, std::string>) {
      if (content.size() > field.max) return fail(field.name);
      member.assign(reinterpret_cast<const char*>(content.data()), content.size());
      return true;
    } else {
      return nested(member, field.name, content);
    }
  }
  template <Scalar M>
  static bool scalar(M& out, ByteView content) noexcept {
    if (content.size() > sizeof(std::uint64_t)) return false;
    std::uint64_t value = 0;
    for (std::size_t i = content.size(); i-- > 0;)
      value = (value << 8) | static_cast<std::uint64_t>(content[i]);
    if (value > scalar_max<M>()) return false;
    out = static_cast<M>(value);
    return true;
  }
  template <class T>
  bool nested(T& out, const char* name, ByteView content) {
    Reader inner(content);
    return inner.fields(out) || fail(inner.fault() != nullptr ? inner.fault() : name);
  }

  ByteView input_;
  std::size_t at_ = 0;
  const char* fault_ = nullptr;
};

}  // namespace cloudp2p::wire
