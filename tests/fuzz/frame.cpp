// The wire codec: any head decodes or is refused, and what was decoded survives encoding.
#include "core/wire.hpp"
#include "input.hpp"

using namespace cloudp2p;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const Result<wire::Message> message = wire::decode(input.rest());
  if (!message.ok()) {
    fuzz::require(!message.error().message.empty(), "a refusal says why");
    return 0;
  }
  fuzz::require(wire::type_name(*message)[0] != '\0', "each message has a name");
  const Frame once = wire::encode(*message);
  const Result<wire::Message> again = wire::decode(once.head);
  fuzz::require(again.ok(), "what was encoded decodes");
  fuzz::require(again->index() == message->index(), "as the same message");
  fuzz::require(wire::encode(*again).head == once.head, "with the same fields");
  return 0;
}
