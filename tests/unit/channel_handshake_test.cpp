// Who gets in: keys, roles, modes, identities, and what strangers are told.
#include "channel_fixture.hpp"

using namespace channel_test;

TEST_CASE("a client and a node with one key agree, and each learns who the other is") {
  Pair pair(ring_of({1}), ring_of({1}));
  pair.shake_hands();
  REQUIRE(pair.up());
  CHECK(pair.responder->peer().role == Role::client);
  CHECK(pair.responder->peer().lane == Lane::control);
  CHECK(pair.responder->peer().node == kNobody);
  CHECK(pair.initiator->peer().node == NodeId{2});
  CHECK(pair.initiator->peer().cluster.bytes[0] == std::byte{7});
  CHECK(pair.initiator->peer().mode == Mode::psk);
}

TEST_CASE("nothing is confirmed by the handshake alone: the first record does it") {
  Pair pair(ring_of({1}), ring_of({1}));
  REQUIRE(feed(*pair.responder, taken_from(pair.initiator->output()), pair.at_responder).ok());
  REQUIRE(feed(*pair.initiator, taken_from(pair.responder->output()), pair.at_initiator).ok());
  REQUIRE(feed(*pair.responder, taken_from(pair.initiator->output()), pair.at_responder).ok());
  CHECK(pair.responder->established());
  CHECK_FALSE(pair.responder->confirmed());
  pair.shake_hands();
  CHECK(pair.up());
}

TEST_CASE("a wrong key never joins, and both logs say why") {
  for (const Role role : {Role::client, Role::node}) {
    Pair pair(ring_of({1}), ring_of({9}), role);
    pair.shake_hands();
    CHECK(pair.responder_status.code() == Errc::bad_key);
    CHECK(says(pair.responder_status.error(),
               role == Role::node ? "a node that holds a different key" : "a client that"));
    CHECK(pair.initiator_status.code() == Errc::bad_key);
    CHECK(says(pair.initiator_status.error(), "holds a different key"));
    CHECK_FALSE(pair.responder->established());
    CHECK_FALSE(pair.initiator->established());
  }
}

TEST_CASE("a client key can not speak as a node, neither honestly nor by pretending") {
  BufferPool pool({1024, 1});
  const Result<Channel> honest = Channel::initiate(Pair::initiator_options(client_only(1), Role::node), pool);
  CHECK(honest.code() == Errc::permission);
  auto forged = std::make_shared<KeyRing>();
  forged->slots.push_back(RoleKeys::from_cluster_key(cluster_key(1)));
  forged->slots.front().nodes = forged->slots.front().clients.copy();
  Pair pretending(Ring(forged), ring_of({1}), Role::node);
  CHECK(pretending.shake_hands().responder_status.code() == Errc::bad_key);
  CHECK(Pair(client_only(1), ring_of({1}), Role::client).shake_hands().up());
}

TEST_CASE("two slots let a key rotate without a stop") {
  Pair still_old(ring_of({1}), ring_of({2, 1}));
  REQUIRE(still_old.shake_hands().up());
  CHECK(still_old.responder->peer().key_slot == 1);
  Pair already_new(ring_of({2, 1}), ring_of({1, 2}));
  CHECK(already_new.shake_hands().up());
  Pair retired(ring_of({1}), ring_of({2, 3}));
  CHECK(retired.shake_hands().responder_status.code() == Errc::bad_key);
}

TEST_CASE("modes that do not fit are refused with the remedy") {
  Pair keyless(ring_of({}), ring_of({1}));
  CHECK(says(keyless.shake_hands().initiator_status.error(), "requires a key: set ENCRYPTION_KEY"));
  CHECK(says(keyless.responder_status.error(), "without a key"));
  Pair keyed(ring_of({1}), ring_of({}));
  CHECK(says(keyed.shake_hands().initiator_status.error(), "has no key configured"));
  Pair anonymous(ring_of({1}), ring_with_identity(1, 5));
  CHECK(says(anonymous.shake_hands().initiator_status.error(), "known identities only"));
  Pair named(ring_with_identity(1, 5), ring_of({1}));
  CHECK(says(named.shake_hands().initiator_status.error(), "no identity configured"));
  CHECK(Pair(ring_of({}), ring_of({})).shake_hands().up());
}

TEST_CASE("a first message recorded earlier does not fit a new greeting") {
  Pair pair(ring_of({1}), ring_of({1}));
  const Bytes hello = taken_from(pair.initiator->output());
  REQUIRE(feed(*pair.responder, hello, pair.at_responder).ok());
  REQUIRE(feed(*pair.initiator, taken_from(pair.responder->output()), pair.at_initiator).ok());
  const Bytes first_message = taken_from(pair.initiator->output());
  Channel again = Channel::respond(Pair::responder_options(ring_of({1})), pair.pool);
  REQUIRE(feed(again, hello, pair.at_responder).ok());
  CHECK(feed(again, first_message, pair.at_responder).code() == Errc::bad_key);
  CHECK(feed(*pair.responder, first_message, pair.at_responder).ok());
}

TEST_CASE("another version is refused on both sides") {
  Pair pair(ring_of({1}), ring_of({1}));
  Bytes hello = taken_from(pair.initiator->output());
  hello[4] = hello[5] = std::byte{2};
  CHECK(feed(*pair.responder, hello, pair.at_responder).code() == Errc::mismatch);
  CHECK(feed(*pair.initiator, taken_from(pair.responder->output()), pair.at_initiator).code() == Errc::mismatch);
}

TEST_CASE("a node that answers under another number than expected is refused") {
  InitiatorOptions options = Pair::initiator_options(ring_of({1}));
  options.expected_node = NodeId{3};
  Pair pair(std::move(options), Pair::responder_options(ring_of({1})));
  CHECK(pair.shake_hands().initiator_status.code() == Errc::mismatch);
  CHECK(says(pair.initiator_status.error(), "node 2 answered where node 3 was expected"));
}

TEST_CASE("known identities come in with their rights, and each side sees the other's static key") {
  const Ring kiosk = ring_with_identity(1, 5);
  const Ring node = ring_with_identity(1, 6);
  InitiatorOptions options = Pair::initiator_options(kiosk);
  options.expected_key = node->identity->public_key;
  Pair pair(std::move(options), knowing(node, kiosk->identity->public_key));
  REQUIRE(pair.shake_hands().up());
  CHECK(pair.responder->peer().identity.name == "kiosk");
  CHECK_FALSE(pair.responder->peer().identity.rights.write);
  CHECK(pair.responder->peer().key == kiosk->identity->public_key);
  CHECK(pair.initiator->peer().key == node->identity->public_key);
}

TEST_CASE("an unknown identity is told so by an authenticated Close and is never established") {
  const Ring node = ring_with_identity(1, 6);
  Pair pair(Pair::initiator_options(ring_with_identity(1, 5)), knowing(node, node->identity->public_key));
  pair.shake_hands();
  CHECK(pair.responder_status.code() == Errc::permission);
  CHECK_FALSE(pair.responder->established());
  REQUIRE(pair.initiator->peer_close().has_value());
  CHECK(pair.initiator->peer_close()->code == Errc::permission);
  CHECK(pair.initiator->peer_close()->message == "unknown identity");
  CHECK_FALSE(pair.initiator->confirmed());
}

TEST_CASE("an initiator refuses a node whose identity is not the configured one") {
  const Ring kiosk = ring_with_identity(1, 5);
  InitiatorOptions options = Pair::initiator_options(kiosk);
  options.expected_key = kiosk->identity->public_key;
  Pair pair(std::move(options), knowing(ring_with_identity(1, 6), kiosk->identity->public_key));
  CHECK(pair.shake_hands().initiator_status.code() == Errc::bad_key);
  CHECK(says(pair.initiator_status.error(), "peers[].public_key"));
  CHECK(pair.responder_status.code() == Errc::permission);
  CHECK_FALSE(pair.responder->established());
}

TEST_CASE("with identities, clients that have the key alone come in only where that is allowed") {
  ResponderOptions options = Pair::responder_options(ring_with_identity(1, 6));
  options.key_only_clients = true;
  CHECK(Pair(Pair::initiator_options(ring_of({1})), options).shake_hands().up());
  Pair as_node(Pair::initiator_options(ring_of({1}), Role::node), options);
  CHECK(as_node.shake_hands().responder_status.code() == Errc::bad_key);
}

TEST_CASE("strangers, garbage and endless handshakes are dropped within 1 KiB of memory") {
  BufferPool pool({1024, 1});
  std::vector<Frame> frames;
  Channel stranger = Channel::respond(Pair::responder_options(ring_of({1})), pool);
  CHECK(feed(stranger, std::as_bytes(std::span("GET / HTTP/1.1\r\n", 16)), frames, 1).code() == Errc::protocol);
  CHECK(stranger.output().empty());
  Channel endless = Channel::respond(Pair::responder_options(ring_of({1})), pool);
  REQUIRE(feed(endless, encode(Hello{}), frames).ok());
  const Bytes claim{std::byte{0xFF}, std::byte{0xFF}};
  CHECK(feed(endless, claim, frames).code() == Errc::protocol);
  CHECK(endless.receive_bytes_held() <= 1024);
  CHECK(feed(endless, claim, frames).code() == Errc::protocol);
}
