// An established session: frames, records, rekeying, tampering, truncation, limits and memory.
#include "channel_fixture.hpp"

#include <random>

using namespace channel_test;

TEST_CASE("frames of every size cross in both directions, unaltered and in order") {
  Pair pair(ring_of({1}), ring_of({1}));
  REQUIRE(pair.shake_hands().up());
  std::vector<Frame> sent;
  for (const std::size_t payload : {0UL, 1UL, 8191UL, 8192UL, 65'503UL, 65'519UL, 65'520UL, 131'072UL, 262'144UL}) {
    sent.push_back(frame_of(payload % 97, payload));
    sent.push_back(frame_of(limits::kHeadBytesMax - payload % 5, payload / 3));
  }
  sent.push_back(Frame{});
  REQUIRE(feed(*pair.responder, sealed_by(*pair.initiator, sent), pair.at_responder).ok());
  CHECK(same(pair.at_responder, sent));
  REQUIRE(feed(*pair.initiator, sealed_by(*pair.responder, sent), pair.at_initiator).ok());
  CHECK(same(pair.at_initiator, sent));
}

TEST_CASE("input cut into arbitrary pieces yields the same frames") {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    Pair pair(ring_of({1}), ring_of({1}));
    REQUIRE(pair.shake_hands(1 + random() % 50).up());
    std::vector<Frame> sent;
    for (unsigned i = 0; i < 6; ++i)
      sent.push_back(frame_of(random() % 300, random() % 150'000, i));
    const Bytes bytes = sealed_by(*pair.initiator, sent);
    for (ByteView rest = bytes; !rest.empty();) {
      const std::size_t piece = std::min<std::size_t>(rest.size(), 1 + random() % (random() % 3 == 0 ? 5 : 70'000));
      REQUIRE(feed(*pair.responder, rest.first(piece), pair.at_responder).ok());
      rest = rest.subspan(piece);
    }
    CHECK(same(pair.at_responder, sent));
  }
}

TEST_CASE("small frames that are sealed together share a record") {
  Pair pair(ring_of({1}), ring_of({1}));
  REQUIRE(pair.shake_hands().up());
  const std::vector<Frame> sent(100, frame_of(20, 0));
  const Bytes bytes = sealed_by(*pair.initiator, sent);
  CHECK(bytes.size() == 100 * (8 + 20) + kRecordPrefixBytes + kTagBytes);
}

namespace {

/// One whole exchange with the bit flipped at `position` of everything that was sent, in either direction.
bool survives_flip(const Ring& from, const ResponderOptions& to, std::size_t position, std::size_t& total) {
  Pair pair(Pair::initiator_options(from), to);
  const std::vector<Frame> sent(1, frame_of(10, 30));
  std::size_t seen = 0;
  bool said = false;
  const auto carry = [&](Bytes bytes, Channel& receiver, std::vector<Frame>& frames, Status& status) {
    if (position >= seen && position < seen + bytes.size()) bytes[position - seen] ^= std::byte{1};
    seen += bytes.size();
    if (status) status = feed(receiver, bytes, frames);
  };
  while (!pair.initiator->output().empty() || !pair.responder->output().empty()) {
    if (pair.initiator->established() && !said) {
      said = true;
      REQUIRE(pair.initiator->seal(sent, pair.initiator->output()).ok());
      pair.initiator->close({Errc::closed, "done"}, pair.initiator->output());
    }
    carry(taken_from(pair.initiator->output()), *pair.responder, pair.at_responder, pair.responder_status);
    carry(taken_from(pair.responder->output()), *pair.initiator, pair.at_initiator, pair.initiator_status);
  }
  total = seen;
  CHECK((pair.at_responder.empty() || same(pair.at_responder, sent)));
  return pair.initiator_status.ok() && pair.responder_status.ok() && pair.responder->finish_input().ok() && pair.up() &&
         same(pair.at_responder, sent);
}

}  // namespace

TEST_CASE("a bit flipped at any position of an exchange ends it, and no altered frame is ever delivered") {
  const Ring kiosk = ring_with_identity(1, 5);
  const ResponderOptions named = knowing(ring_with_identity(1, 6), kiosk->identity->public_key);
  const ResponderOptions keyed = Pair::responder_options(ring_of({1}));
  for (const auto& [ring, options] : {std::pair(ring_of({1}), keyed), std::pair(kiosk, named)}) {
    std::size_t total = 0;
    REQUIRE(survives_flip(ring, options, SIZE_MAX, total));
    REQUIRE(total > 200);
    for (std::size_t position = 0; position < total; ++position) {
      std::size_t ignored = 0;
      CAPTURE(position);
      CHECK_FALSE(survives_flip(ring, options, position, ignored));
    }
  }
}

TEST_CASE("a stream that ends without a Close is a truncation, wherever it ends") {
  Pair pair(ring_of({1}), ring_of({1}));
  CHECK(pair.responder->finish_input().code() == Errc::unreachable);
  REQUIRE(pair.shake_hands().up());
  const std::vector<Frame> sent(1, frame_of(10, 10));
  REQUIRE(feed(*pair.responder, sealed_by(*pair.initiator, sent), pair.at_responder).ok());
  CHECK(pair.responder->finish_input().code() == Errc::unreachable);
  ByteBuffer close;
  pair.initiator->close({Errc::no_leader, "handing\nover"}, close);
  CHECK(pair.initiator->seal(sent, close).code() == Errc::closed);
  REQUIRE(feed(*pair.responder, taken_from(close), pair.at_responder).ok());
  CHECK(pair.responder->finish_input().ok());
  CHECK(pair.responder->peer_close()->code == Errc::no_leader);
  CHECK(pair.responder->peer_close()->message == "handing?over");
}

TEST_CASE("a record that is lost, repeated or sent back is not authentic") {
  const std::vector<Frame> sent(1, frame_of(10, 10));
  Pair lost(ring_of({1}), ring_of({1}));
  REQUIRE(lost.shake_hands().up());
  (void)sealed_by(*lost.initiator, sent);
  CHECK(feed(*lost.responder, sealed_by(*lost.initiator, sent), lost.at_responder).code() == Errc::protocol);
  Pair repeated(ring_of({1}), ring_of({1}));
  REQUIRE(repeated.shake_hands().up());
  const Bytes record = sealed_by(*repeated.initiator, sent);
  REQUIRE(feed(*repeated.responder, record, repeated.at_responder).ok());
  CHECK(feed(*repeated.responder, record, repeated.at_responder).code() == Errc::protocol);
  CHECK(feed(*repeated.initiator, record, repeated.at_initiator).code() == Errc::protocol);
  CHECK(repeated.responder->finish_input().code() == Errc::protocol);
}

TEST_CASE("both directions cross the rekey boundary without noticing") {
  Pair pair(ring_of({1}), ring_of({1}));
  REQUIRE(pair.shake_hands().up());
  ByteBuffer out;
  for (std::uint64_t i = 0; i < limits::kRekeyMessages - 2; ++i)
    pair.initiator->keep_alive(out);
  REQUIRE(feed(*pair.responder, taken_from(out), pair.at_responder).ok());
  for (unsigned i = 0; i < 4; ++i) {
    const std::vector<Frame> sent(1, frame_of(10, 100, i));
    REQUIRE(feed(*pair.responder, sealed_by(*pair.initiator, sent), pair.at_responder).ok());
    CHECK(same(pair.at_responder.back(), sent.front()));
  }
  CHECK(pair.at_responder.size() == 4);
}

TEST_CASE("the key really changes at the boundary") {
  const SecretKey key = cluster_key(3);
  CipherState never_rekeyed(key.copy());
  Sealer sealer{CipherState(key.copy())};
  ByteBuffer out;
  for (std::uint64_t i = 0; i < limits::kRekeyMessages; ++i) {
    out.clear();
    sealer.keep_alive(out);
    std::byte nothing{};
    REQUIRE(never_rekeyed.open({}, out.view().subspan(kRecordPrefixBytes), &nothing));
  }
  out.clear();
  sealer.keep_alive(out);
  std::byte nothing{};
  CHECK_FALSE(never_rekeyed.open({}, out.view().subspan(kRecordPrefixBytes), &nothing));
}

namespace {

/// A record with this plaintext, as a hostile holder of the key could make it.
Status opened(ByteView plain, std::vector<Frame>& frames) {
  const SecretKey key = cluster_key(3);
  BufferPool pool({1024, 1});
  CipherState hostile(key.copy());
  Opener opener(CipherState(key.copy()), pool, false);
  ReceiveBuffer in;
  in.allow_growth();
  const std::span<std::byte> room = in.prepare();
  const std::size_t sealed = plain.size() + kTagBytes;
  room[0] = static_cast<std::byte>(sealed >> 8);
  room[1] = static_cast<std::byte>(sealed & 0xFF);
  hostile.seal({}, plain, room.data() + kRecordPrefixBytes);
  in.commit(kRecordPrefixBytes + sealed);
  return opener.drain(in, frames);
}

Bytes header(std::uint32_t head, std::uint32_t payload) {
  Bytes out;
  for (const std::uint32_t number : {head, payload}) {
    for (unsigned shift = 0; shift < 32; shift += 8)
      out.push_back(static_cast<std::byte>((number >> shift) & 0xFF));
  }
  return out;
}

}  // namespace

TEST_CASE("a frame that claims a huge length is refused by its header alone") {
  std::vector<Frame> frames;
  CHECK(opened(header(limits::kHeadBytesMax + 1, 0), frames).code() == Errc::protocol);
  CHECK(opened(header(0, limits::kPayloadBytesMax + 1), frames).code() == Errc::protocol);
  CHECK(opened(header(0, 0xFFFF'FFFF), frames).code() == Errc::protocol);
  CHECK(opened(header(0xFFFF'FFFE, 0), frames).code() == Errc::protocol);
  CHECK(opened(header(0xFFFF'FFFF, 0xFFFF'FFFF), frames).code() == Errc::protocol);
  CHECK(opened(header(0xFFFF'FFFF, 0), frames).code() == Errc::protocol);
  CHECK(opened(header(0, kEnvelopeMark | (limits::kPayloadBytesMax + 1)), frames).code() == Errc::protocol);
  CHECK(opened(header(0, kEnvelopeBytesMin), frames).code() == Errc::protocol);
  CHECK(opened(header(0, kEnvelopeMark | (kEnvelopeBytesMin - 1)), frames).code() == Errc::protocol);
  CHECK(opened(header(limits::kHeadBytesMax, kEnvelopeBytesMin - 1), frames).ok());
  CHECK(opened(header(limits::kHeadBytesMax, kEnvelopeMark | limits::kPayloadBytesMax), frames).ok());
  CHECK(frames.empty());
}

TEST_CASE("a Close with a lying code length or an unknown code is still a Close, and nothing may follow it") {
  std::vector<Frame> frames;
  Bytes lying = header(0xFFFF'FFFF, 2);
  lying.insert(lying.end(), {std::byte{200}, std::byte{'x'}});
  CHECK(opened(lying, frames).ok());
  lying.push_back(std::byte{0});
  CHECK(opened(lying, frames).code() == Errc::protocol);
}

TEST_CASE("a record that goes on where an envelope should begin is refused") {
  std::vector<Frame> frames;
  Bytes plain = header(0, kEnvelopeMark | kEnvelopeBytesMin);
  plain.resize(plain.size() + kKeyBytes);
  CHECK(opened(plain, frames).ok());
  plain.push_back(std::byte{0});
  CHECK(opened(plain, frames).code() == Errc::protocol);
  CHECK(frames.empty());
}

TEST_CASE("a payload that came from a client leaves in the envelope in which it came, for any number of receivers") {
  Pair from_client(ring_of({1}), ring_of({1}));
  Pair to_one(ring_of({1}), ring_of({1}), Role::node);
  Pair to_another(ring_of({1}), ring_of({1}), Role::node);
  REQUIRE(from_client.shake_hands().up());
  REQUIRE(to_one.shake_hands().up());
  REQUIRE(to_another.shake_hands().up());
  const std::vector<Frame> sent{frame_of(30, kEnvelopeBytesMin), frame_of(30, 150'000), frame_of(5, 100)};
  const Bytes first = sealed_by(*from_client.initiator, sent);
  REQUIRE(feed(*from_client.responder, first, from_client.at_responder).ok());
  REQUIRE(same(from_client.at_responder, sent));
  for (Pair* follower : {&to_one, &to_another}) {
    const Bytes passed_on = sealed_by(*follower->initiator, from_client.at_responder);
    const Envelope* const envelope = envelope_of(from_client.at_responder[1].payload);
    REQUIRE(envelope != nullptr);
    const ByteView sealed = envelope->sealed.view();
    for (const Bytes& crossed : {first, passed_on})
      CHECK(std::search(crossed.begin(), crossed.end(), sealed.begin(), sealed.end()) != crossed.end());
    REQUIRE(feed(*follower->responder, passed_on, follower->at_responder, 50'000).ok());
    CHECK(same(follower->at_responder, sent));
    CHECK(envelope_of(follower->at_responder[1].payload) == nullptr);  // it goes no further
  }
  const Buffer& payload = from_client.at_responder[1].payload;
  CHECK(envelope_of(payload.part(0, 10)) == nullptr);
  CHECK(envelope_of(payload.bare()) == nullptr);
}

TEST_CASE("an envelope in which any bit is flipped is not opened") {
  const SecretKey key = SecretKey::random();
  const Bytes payload = pattern_bytes(2 * kEnvelopeUnitBytes + 77, 3);
  Bytes sealed(envelope_bytes(payload.size()));
  CHECK(sealed.size() == payload.size() + 3 * kTagBytes);
  seal_envelope(key, payload, sealed.data());
  Bytes out(payload.size());
  REQUIRE(open_envelope(key, sealed, payload.size(), out.data()));
  CHECK(out == payload);
  CHECK_FALSE(open_envelope(SecretKey::random(), sealed, payload.size(), out.data()));
  CHECK_FALSE(open_envelope(key, ByteView(sealed).first(sealed.size() - 1), payload.size(), out.data()));
  for (std::size_t at = 0; at < sealed.size(); at += at < payload.size() ? 4'099 : 1) {
    CAPTURE(at);
    sealed[at] ^= std::byte{4};
    CHECK_FALSE(open_envelope(key, sealed, payload.size(), out.data()));
    sealed[at] ^= std::byte{4};
  }
  std::swap_ranges(sealed.begin(), sealed.begin() + kEnvelopeUnitBytes, sealed.begin() + kEnvelopeUnitBytes);
  CHECK_FALSE(open_envelope(key, sealed, payload.size(), out.data()));
}

TEST_CASE("a frame over the limits is not sealed, and the session goes on") {
  Pair pair(ring_of({1}), ring_of({1}));
  REQUIRE(pair.shake_hands().up());
  ByteBuffer out;
  std::vector<Frame> frames{frame_of(1, 1), frame_of(limits::kHeadBytesMax + 1, 0)};
  CHECK(pair.initiator->seal(frames, out).code() == Errc::invalid_argument);
  CHECK(out.empty());
  frames.pop_back();
  REQUIRE(feed(*pair.responder, sealed_by(*pair.initiator, frames), pair.at_responder).ok());
  CHECK(same(pair.at_responder, frames));
}

TEST_CASE("an idle session holds no receive memory, a quiet one little, a busy one enough") {
  Pair pair(ring_of({1}), ring_of({1}));
  REQUIRE(pair.shake_hands().up());
  pair.responder->trim();
  CHECK(pair.responder->receive_bytes_held() == 0);
  const std::vector<Frame> quiet(1, frame_of(60, 0));
  REQUIRE(feed(*pair.responder, sealed_by(*pair.initiator, quiet), pair.at_responder).ok());
  CHECK(pair.responder->receive_bytes_held() <= ReceiveBuffer::kSmall);
  const std::vector<Frame> busy(8, frame_of(60, 131'072));
  REQUIRE(feed(*pair.responder, sealed_by(*pair.initiator, busy), pair.at_responder).ok());
  CHECK(pair.responder->receive_bytes_held() <= ReceiveBuffer::kLarge);
  pair.responder->trim();
  CHECK(pair.responder->receive_bytes_held() == 0);
  CHECK(pair.at_responder.size() == 9);
}
