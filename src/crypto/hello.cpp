#include "crypto/hello.hpp"

namespace cloudp2p::crypto {
namespace {

constexpr std::size_t kVersionAt = 4;
constexpr std::size_t kRandomAt = 8;
constexpr std::size_t kClusterAt = kRandomAt + 32;
constexpr std::size_t kNodeAt = kClusterAt + ClusterId::kSize;
static_assert(kNodeAt + 4 == kGreetingBytes);

void put_magic(std::byte* at) {
  std::memcpy(at, kMagic.data(), kMagic.size());
}
bool has_magic(ByteView bytes) {
  return std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}
std::byte byte_of(std::uint8_t number) {
  return std::byte{number};
}
std::uint8_t number_of(std::byte byte) {
  return std::to_integer<std::uint8_t>(byte);
}

}  // namespace

HelloBytes encode(const Hello& hello) {
  HelloBytes out{};
  put_magic(out.data());
  out[4] = byte_of(hello.version_min);
  out[5] = byte_of(hello.version_max);
  out[6] = byte_of(static_cast<std::uint8_t>(hello.role));
  out[7] = byte_of(static_cast<std::uint8_t>(hello.mode));
  out[8] = byte_of(static_cast<std::uint8_t>(hello.lane));
  return out;
}

Result<Hello> decode_hello(std::span<const std::byte, kHelloBytes> bytes) {
  const bool sane = has_magic(bytes) && number_of(bytes[4]) <= number_of(bytes[5]) &&
                    number_of(bytes[6]) <= static_cast<std::uint8_t>(Role::node) &&
                    number_of(bytes[7]) <= static_cast<std::uint8_t>(Mode::identity) &&
                    number_of(bytes[8]) <= static_cast<std::uint8_t>(Lane::bulk);
  if (!sane) return Error{Errc::protocol, "the other side does not speak this protocol: a malformed hello"};
  return Hello{number_of(bytes[4]), number_of(bytes[5]), static_cast<Role>(bytes[6]), static_cast<Mode>(bytes[7]),
               static_cast<Lane>(bytes[8])};
}

GreetingBytes encode(const Greeting& greeting) {
  GreetingBytes out{};
  put_magic(out.data());
  out[kVersionAt] = byte_of(greeting.version);
  std::copy(greeting.random.begin(), greeting.random.end(), out.begin() + kRandomAt);
  std::copy(greeting.cluster.bytes.begin(), greeting.cluster.bytes.end(), out.begin() + kClusterAt);
  for (std::size_t i = 0; i < 4; ++i) {
    out[kNodeAt + i] = static_cast<std::byte>((value(greeting.node) >> (8 * i)) & 0xFF);
  }
  return out;
}

Result<Greeting> decode_greeting(ByteView bytes) {
  if (bytes.size() != kGreetingBytes || !has_magic(bytes)) {
    return Error{Errc::protocol, "the other side does not speak this protocol: a malformed greeting"};
  }
  Greeting out;
  out.version = number_of(bytes[kVersionAt]);
  std::copy_n(bytes.begin() + kRandomAt, out.random.size(), out.random.begin());
  std::copy_n(bytes.begin() + kClusterAt, ClusterId::kSize, out.cluster.bytes.begin());
  std::uint32_t node = 0;
  for (std::size_t i = 4; i-- > 0;)
    node = (node << 8) | std::to_integer<std::uint32_t>(bytes[kNodeAt + i]);
  out.node = NodeId{node};
  return out;
}

bool may_be_hello(ByteView first_bytes) noexcept {
  const std::size_t known = std::min(first_bytes.size(), kMagic.size());
  return std::memcmp(first_bytes.data(), kMagic.data(), known) == 0;
}

void append_reject(Reject reason, ByteBuffer& out) {
  const std::array<std::byte, 3> bytes{std::byte{0}, std::byte{0}, static_cast<std::byte>(reason)};
  out.append(bytes);
}

Error explain_reject(std::uint8_t reason) {
  switch (static_cast<Reject>(reason)) {
    case Reject::bad_key:
      return {Errc::bad_key, "the other side holds a different key: compare ENCRYPTION_KEY or the key files of both"};
    case Reject::version:
      return {Errc::mismatch, "the other side speaks no version of this protocol that this program speaks"};
    case Reject::key_required:
      return {Errc::bad_key, "the other side requires a key: set ENCRYPTION_KEY or give --encryption-key-file"};
    case Reject::identity_required:
      return {Errc::bad_key, "the other side admits known identities only: set identity_file"};
    case Reject::no_key: return {Errc::bad_key, "the other side has no key configured: give it this cluster's key"};
    case Reject::no_identities:
      return {Errc::bad_key, "the other side has no identity configured: both sides need one"};
    case Reject::unexpected_identity:
      return {Errc::permission, "the other side expected another identity here: check its peers[].public_key"};
    case Reject::busy: return {Errc::busy, "the other side is at its limit of connections: retry later"};
    case Reject::other: break;
  }
  return {Errc::closed, "the other side refused the connection"};
}

}  // namespace cloudp2p::crypto
