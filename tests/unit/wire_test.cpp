// The wire codec: what is sent arrives; what arrives broken is an error, never a crash.
#include "core/wire.hpp"
#include "core/wire_fields.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace cloudp2p;

namespace {

using Random = std::mt19937_64;

/// Converts to whatever an aggregate's member is, so that members can be counted.
struct Anything {
  template <class T>
  operator T() const;
};
template <class T, class... A>
consteval std::size_t members_of() {
  if constexpr (requires { T{A{}..., Anything{}}; })
    return members_of<T, A..., Anything>();
  else
    return sizeof...(A);
}

/// Fills a message through its description; a member that the description forgot does not compile.
template <class T>
void randomise(T& value, Random& random) {
  if constexpr (std::same_as<T, std::string>) {
    value.assign(random() % 60, 'a');
    for (char& c : value)
      c = static_cast<char>(random());
  } else if constexpr (wire::kIsOpaque<T>) {
    for (std::byte& b : value.bytes)
      b = static_cast<std::byte>(random());
  } else if constexpr (wire::kIsVector<T>) {
    value.resize(random() % 5);
    for (auto& element : value)
      randomise(element, random);
  } else if constexpr (wire::Scalar<T>) {
    const std::uint64_t last = wire::scalar_max<T>();
    const std::uint64_t drawn = random() >> (random() % 64);
    value = static_cast<T>(last == std::numeric_limits<std::uint64_t>::max() ? drawn : drawn % (last + 1));
  } else {
    static_assert(std::tuple_size_v<std::remove_cvref_t<decltype(wire::Shape<T>::fields)>> == members_of<T>());
    std::apply([&](const auto&... field) { (randomise(value.*field.member, random), ...); }, wire::Shape<T>::fields);
  }
}

template <class T>
bool same(const T& a, const T& b) {
  if constexpr (wire::kIsVector<T>) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) { return same(x, y); });
  } else if constexpr (requires { a == b; }) {
    return a == b;
  } else {
    return std::apply([&](const auto&... field) { return (same(a.*field.member, b.*field.member) && ...); },
                      wire::Shape<T>::fields);
  }
}
bool same_message(const wire::Message& a, const wire::Message& b) {
  return a.index() == b.index() && std::visit([&]<class T>(const T& body) { return same(body, std::get<T>(b)); }, a);
}

template <class F, std::size_t... I>
void for_each_type(F&& visit, std::index_sequence<I...>) {
  (visit(wire::Message(std::in_place_index<I>)), ...);
}
/// One message of every type with random contents.
template <class F>
void for_each_message(Random& random, F&& visit) {
  const auto fill = [&](wire::Message message) {
    std::visit([&](auto& body) { randomise(body, random); }, message);
    visit(message);
  };
  for_each_type(fill, std::make_index_sequence<std::variant_size_v<wire::Message>>());
}

std::vector<std::byte> raw(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int v : values)
    out.push_back(static_cast<std::byte>(v));
  return out;
}

}  // namespace

TEST_CASE("wire: every message survives the journey, whatever it says") {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    for_each_message(random, [&](const wire::Message& message) {
      const Result<wire::Message> back = wire::decode(wire::encode(message).head);
      REQUIRE_MESSAGE(back.ok(), wire::type_name(message));
      CHECK_MESSAGE(same_message(message, *back), wire::type_name(message));
    });
  }
}

TEST_CASE("wire: what is not said arrives as its default, also when the default is not zero") {
  const Result<wire::Message> hello = wire::decode(raw({1}));
  REQUIRE(hello.ok());
  CHECK(std::get<wire::Hello>(*hello).protocol_max == wire::kProtocolVersion);
  wire::Hello odd;
  odd.protocol_min = 0;
  odd.lane = Lane::control;
  const Result<wire::Message> back = wire::decode(wire::encode(odd).head);
  REQUIRE(back.ok());
  CHECK(std::get<wire::Hello>(*back).protocol_min == 0);
  CHECK(std::get<wire::Hello>(*back).lane == Lane::control);
}

TEST_CASE("wire: a message cut anywhere is a protocol error or a shorter message, never a crash") {
  Random random(2);
  for_each_message(random, [&](const wire::Message& message) {
    const Frame frame = wire::encode(message);
    for (std::size_t size = 0; size < frame.head.size(); ++size) {
      const std::vector<std::byte> cut(frame.head.begin(), frame.head.begin() + static_cast<std::ptrdiff_t>(size));
      const Result<wire::Message> got = wire::decode(cut);
      if (!got.ok()) CHECK(got.code() == Errc::protocol);
      if (got.ok()) CHECK(got->index() == message.index());
    }
  });
}

TEST_CASE("wire: noise and flipped bits are answered, not believed") {
  Random random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> noise(random() % 120);
    for (std::byte& b : noise)
      b = static_cast<std::byte>(random());
    if (!noise.empty()) noise[0] = static_cast<std::byte>(random() % 40);
    (void)wire::decode(noise).ok();
  }
  for_each_message(random, [&](const wire::Message& message) {
    Frame frame = wire::encode(message);
    for (std::byte& b : frame.head) {
      const std::byte whole = std::exchange(b, b ^ std::byte{0x11});
      (void)wire::decode(frame.head).ok();
      b = whole;
    }
  });
}

TEST_CASE("wire: a newer node's extra fields are skipped, its extra messages are not") {
  std::vector<std::byte> ping = wire::encode(wire::Ping{77}).head;
  for (const std::byte b : raw({200, 3, 1, 2, 3, 250, 0}))
    ping.push_back(b);
  const Result<wire::Message> got = wire::decode(ping);
  REQUIRE(got.ok());
  CHECK(std::get<wire::Ping>(*got).request == 77);
  CHECK(wire::decode(raw({200})).error().message == "unknown message type 200");
}

TEST_CASE("wire: values out of range are refused by the name of their field") {
  const auto refusal = [](std::initializer_list<int> bytes) { return wire::decode(raw(bytes)).error().message; };
  CHECK(refusal({2, 2, 1, 99}) == "ErrorReply: malformed field \"code\"");
  CHECK(refusal({1, 3, 1, 2}) == "Hello: malformed field \"reply\"");
  CHECK(refusal({1, 4, 5, 1, 1, 1, 1, 1}) == "Hello: malformed field \"node\"");
  CHECK(refusal({1, 5, 2, 1, 1}) == "Hello: malformed field \"incarnation\"");
  CHECK(refusal({13, 1, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1}) == "Ping: malformed field \"request\"");
  CHECK(refusal({13, 1, 200}) == "Ping: malformed field \"length\"");
  CHECK(refusal({13, 1, 0x80, 0x80, 0x80, 0x80}) == "Ping: malformed field \"length\"");
  CHECK(refusal({28, 2, 4, 1, 2, 5, 77}) == "InfoResult: malformed field \"length\"");
}

TEST_CASE("wire: a name longer than the limit is refused, never shortened; a sentence is shortened by its sender") {
  wire::Upload upload;
  upload.name.assign(limits::kNameBytesMax, 'n');
  std::vector<std::byte> head = wire::encode(upload).head;
  CHECK(wire::decode(head).ok());
  head.push_back(std::byte{'n'});
  // The length of the name, a two-byte varint before its bytes, says one more.
  head[head.size() - limits::kNameBytesMax - 3] = static_cast<std::byte>((201 & 0x7f) | 0x80);
  CHECK(wire::decode(head).error().message == "Upload: malformed field \"name\"");

  wire::ErrorReply reply;
  for (int i = 0; i < 1000; ++i)
    reply.message += "\u00e9\u2713";  // Two and three bytes a character.
  const auto got = std::get<wire::ErrorReply>(*wire::decode(wire::encode(reply).head));
  CHECK(got.message.size() <= wire::kSentenceBytesMax);
  CHECK(reply.message.starts_with(got.message));
  CHECK(got.message.size() % 5 != 1);  // No half of a character.
}

TEST_CASE("wire: the fullest page fits a frame, one element more is refused") {
  Random random(4);
  wire::ListResult page;
  page.next.assign(wire::kCursorBytesMax, 'c');
  page.entries.resize(limits::kListPageMax);
  for (wire::Entry& entry : page.entries) {
    randomise(entry, random);
    entry.record.name.assign(limits::kNameBytesMax, 'x');
    entry.record.stamp = {~Term{0}, NodeId{~0u}, ~std::uint64_t{0}};
    entry.record.size_bytes = ~std::uint64_t{0};
    entry.record.time_ms = entry.verified_ms = -1;
  }
  std::vector<std::byte> head = wire::encode(page).head;
  CHECK(head.size() <= limits::kHeadBytesMax);
  CHECK(wire::decode(head).ok());
  head.push_back(std::byte{2});
  head.push_back(std::byte{0});
  CHECK(wire::decode(head).error().message == "ListResult: malformed field \"entries\"");
}

TEST_CASE("wire: the payload travels beside the message and names are told apart") {
  const Frame frame = wire::encode(wire::Chunk{1, 2}, Buffer::copy_of(raw({9, 8, 7})));
  CHECK(frame.payload.size() == 3);
  CHECK(std::string(wire::type_name(*wire::decode(frame.head))) == "Chunk");
  CHECK(wire::decode({}).code() == Errc::protocol);
  CHECK(wire::decode(std::vector<std::byte>(limits::kHeadBytesMax + 1)).code() == Errc::protocol);
}
