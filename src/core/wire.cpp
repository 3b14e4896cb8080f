#include "core/wire.hpp"

#include "core/wire_codec.hpp"
#include "core/wire_fields.hpp"

namespace cloudp2p::wire {

namespace {

using Decoder = bool (*)(Reader& reader, Message& out);

template <class T>
bool decode_as(Reader& reader, Message& out) {
  return reader.fields(out.emplace<T>());
}

struct TypeEntry {
  Decoder decoder = nullptr;
  const char* name = nullptr;
};

template <class T>
constexpr void enter(std::array<TypeEntry, 256>& table) {
  TypeEntry& entry = table[Shape<T>::type];
  if (entry.decoder != nullptr) throw "two messages with one type number";  // Evaluated by the compiler only.
  entry = TypeEntry{&decode_as<T>, Shape<T>::name};
}

template <class... T>
constexpr std::array<TypeEntry, 256> table_of(const std::variant<T...>*) {
  std::array<TypeEntry, 256> table{};
  (enter<T>(table), ...);
  return table;
}

constexpr std::array<TypeEntry, 256> kTypes = table_of(static_cast<const Message*>(nullptr));

Error malformed(const std::string& what) {
  return Error{Errc::protocol, what};
}

}  // namespace

Frame encode(const Message& message, Buffer payload) {
  Writer writer;
  std::visit(
      [&]<class T>(const T& body) {
        writer.byte(Shape<T>::type);
        writer.fields(body);
      },
      message);
  Frame frame{writer.take(), std::move(payload)};
  assert(frame.head.size() <= limits::kHeadBytesMax && "senders page long lists");
  return frame;
}

Result<Message> decode(ByteView head) {
  if (head.empty()) return malformed("an empty message");
  if (head.size() > limits::kHeadBytesMax)
    return malformed("a message of " + std::to_string(head.size()) + " bytes; the limit is " +
                     std::to_string(limits::kHeadBytesMax));
  const auto type = static_cast<std::size_t>(head[0]);
  if (kTypes[type].decoder == nullptr) return malformed("unknown message type " + std::to_string(type));
  Result<Message> out{Message{std::in_place_type<Ping>}};
  Reader reader(head.subspan(1));
  if (!kTypes[type].decoder(reader, *out)) {
    const char* field = reader.fault() != nullptr ? reader.fault() : "?";
    return malformed(std::string(kTypes[type].name) + ": malformed field \"" + field + "\"");
  }
  return out;
}

const char* type_name(const Message& message) noexcept {
  return std::visit([]<class T>(const T&) { return Shape<T>::name; }, message);
}

}  // namespace cloudp2p::wire
