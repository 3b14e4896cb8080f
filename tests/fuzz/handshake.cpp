// The handshake and the channel above it: a stranger's bytes to either side, and a conversation that somebody alters.
#include "input.hpp"
#include "keys.hpp"

using namespace cloudp2p;
using namespace cloudp2p::crypto;

namespace {

std::shared_ptr<const KeyRing> ring_of(Mode mode, unsigned char identity) {
  auto ring = std::make_shared<KeyRing>();
  if (mode != Mode::open) ring->slots.push_back(RoleKeys::from_cluster_key(fuzz::key_of(1)));
  if (mode == Mode::identity) ring->identity = KeyPair::of(fuzz::key_of(identity));
  return ring;
}

ResponderOptions responder(Mode mode) {
  ResponderOptions options;
  options.node = NodeId{2};
  options.cluster.bytes[0] = std::byte{7};
  options.keys = ring_of(mode, 4);
  options.who_is = [](const PublicKey&, Role) -> Result<Identity> { return Identity{"kiosk", Rights{true, true, false}, kNobody}; };
  return options;
}

InitiatorOptions initiator(Mode mode, unsigned choice) {
  InitiatorOptions options;
  options.role = (choice & 1) != 0 ? Role::node : Role::client;
  options.lane = (choice & 2) != 0 ? Lane::control : Lane::bulk;
  if ((choice & 4) != 0) options.expected_node = NodeId{2};
  options.keys = ring_of(mode, 5);
  return options;
}

/// False after an error, which must be final.
bool feed(Channel& to, ByteView bytes, std::vector<Frame>& frames, std::size_t piece) {
  while (!bytes.empty()) {
    const std::span<std::byte> room = to.prepare();
    const std::size_t count = std::min({room.size(), bytes.size(), piece});
    std::copy_n(bytes.begin(), count, room.begin());
    if (!to.commit(count, frames).ok()) {
      fuzz::require(!to.commit(0, frames).ok(), "an error is final");
      return false;
    }
    bytes = bytes.subspan(count);
  }
  return true;
}

/// Bytes of somebody who may know the protocol, but no key.
void stranger(Channel channel, fuzz::Input& input, std::size_t piece, bool keyed) {
  std::vector<Frame> frames;
  feed(channel, input.rest(), frames, piece);
  fuzz::require(frames.empty() || !keyed, "a stranger is not heard");
  fuzz::require(!channel.confirmed() || !keyed, "and not believed");
  fuzz::require(channel.established() || channel.receive_bytes_held() <= 1024, "and costs little");
  (void)channel.finish_input();
}

/// Flips bits of `bytes`, cuts it short, or leaves it.
bool altered(std::vector<std::byte>& bytes, fuzz::Input& input) {
  const auto kind = input.number();
  if (bytes.empty() || kind < 128) return false;
  const std::size_t at = input.number<std::uint16_t>() % bytes.size();
  if (kind < 160) {
    bytes.resize(at);
    return true;
  }
  const auto mask = input.number<std::byte>();
  bytes[at] ^= mask;
  return mask != std::byte{0};
}

class Conversation {
 public:
  Conversation(Mode mode, unsigned choice)
      : initiator_(std::move(Channel::initiate(initiator(mode, choice), pool_)).value()),
        responder_(Channel::respond(responder(mode), pool_)) {}

  void talk(fuzz::Input& input, std::size_t piece) {
    for (int turn = 0; turn < 8 && carry(input, piece); ++turn) continue;
    if (!initiator_.established() || !responder_.established()) return;
    fuzz::require(altered_ || (initiator_.confirmed() && responder_.confirmed()), "unaltered, both sides are sure");
    const std::size_t head_bytes = input.number<std::uint16_t>() % 300U;
    const std::vector<std::byte> head(head_bytes, std::byte{9});
    const std::vector<std::byte> payload(input.number<std::uint16_t>(), std::byte{3});
    const std::vector<Frame> sent{Frame{head, Buffer::copy_of(payload)}};
    ByteBuffer out;
    fuzz::require(initiator_.seal(sent, out).ok(), "a frame within the limits is sealed");
    std::vector<std::byte> bytes(out.view().begin(), out.view().end());
    const bool now = altered(bytes, input);
    std::vector<Frame> got;
    const bool taken = feed(responder_, bytes, got, piece);
    if (altered_) return;
    fuzz::require(got.size() <= 1 && (now || (taken && got.size() == 1)), "one frame was sent");
    if (now) fuzz::require(got.empty(), "what was altered is not delivered");
    if (!got.empty()) {
      const bool same = got[0].head == head && std::ranges::equal(got[0].payload.view(), payload);
      fuzz::require(same, "what is delivered was sent");
    }
  }

 private:
  bool carry(fuzz::Input& input, std::size_t piece) {
    const bool first = pass(initiator_, responder_, input, piece);
    const bool second = pass(responder_, initiator_, input, piece);
    return first || second;
  }
  bool pass(Channel& from, Channel& to, fuzz::Input& input, std::size_t piece) {
    std::vector<std::byte> bytes(from.output().view().begin(), from.output().view().end());
    from.output().clear();
    if (bytes.empty()) return false;
    if (altered(bytes, input)) altered_ = true;
    std::vector<Frame> frames;
    const bool taken = feed(to, bytes, frames, piece);
    fuzz::require(frames.empty(), "nobody has sent a frame yet");
    fuzz::require(taken || altered_, "what is not altered is taken");
    return taken;
  }

  BufferPool pool_{{limits::kPayloadBytesMax, 2}};
  Channel initiator_;
  Channel responder_;
  bool altered_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  fuzz::FixedRandom::install();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::FixedRandom::restart();
  fuzz::Input input(data, size);
  static constexpr Mode kModes[] = {Mode::open, Mode::psk, Mode::identity};
  const auto choice = input.number();
  const Mode mode = kModes[choice % 3U];
  const std::size_t piece = 1U + input.number<std::uint16_t>();
  BufferPool pool{{limits::kPayloadBytesMax, 2}};
  switch (choice / 3U % 3U) {
    case 0: stranger(Channel::respond(responder(mode), pool), input, piece, mode != Mode::open); break;
    case 1: {
      Result<Channel> begun = Channel::initiate(initiator(mode, choice >> 4), pool);
      fuzz::require(begun.ok(), "the keys are there");
      stranger(std::move(begun).value(), input, piece, mode != Mode::open);
      break;
    }
    default: Conversation(mode, choice >> 4).talk(input, piece);
  }
  return 0;
}
