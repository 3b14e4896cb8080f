// Reaching a node: names, addresses, refusals, impostors, ports in use.
#include "net/transport_support.hpp"

namespace cloudp2p::asio_net::testing {
namespace {

constexpr PlainSession::Self kNodeOne{kOne, Role::node};
constexpr PlainSession::Self kNodeTwo{kTwo, Role::node};
constexpr PlainSession::Self kClient{kNobody, Role::client};

std::uint16_t free_port() {
  asio::io_context io;
  return tcp::acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)).local_endpoint().port();
}

bool has_ipv6() {
  asio::io_context io;
  std::error_code error;
  tcp::acceptor probe(io, tcp::v6());
  probe.bind(tcp::endpoint(asio::ip::address_v6::loopback(), 0), error);
  return !error;
}

}  // namespace

TEST_CASE("a refused dial is reported at once, on each lane, and tried again until somebody listens") {
  World world;
  Station two(world, kNodeTwo);
  REQUIRE(two.transport.start(two));
  const std::uint16_t port = free_port();
  const auto begun = std::chrono::steady_clock::now();
  two.transport.set_peers({{kOne, {"127.0.0.1", port}}});
  REQUIRE(world.until([&] { return two.dial_notes.size() >= 2; }));
  CHECK(std::chrono::steady_clock::now() - begun < 1s);
  CHECK(two.dial_notes[0].lane != two.dial_notes[1].lane);
  CHECK(two.dial_notes[0].failure == DialFailure::refused);
  CHECK(two.dial_notes[0].error.message ==
        "node 1 at 127.0.0.1:" + std::to_string(port) + " refused the connection: is it running?");
  Station one(world, kNodeOne, Station::listening(port));
  REQUIRE(one.transport.start(one));
  CHECK(world.until([&] { return two.open.size() == 2; }));
}

TEST_CASE("hurry dials now instead of at the end of the back-off") {
  World world;
  TransportOptions patient;
  patient.retry_first = patient.control_retry_max = patient.bulk_retry_max = 1h;
  Station two(world, kNodeTwo, patient);
  REQUIRE(two.transport.start(two));
  two.transport.set_peers({{kOne, {"127.0.0.1", free_port()}}});
  REQUIRE(world.until([&] { return two.dial_notes.size() == 2; }));
  two.transport.hurry(kOne);
  CHECK(world.until([&] { return two.dial_notes.size() == 4; }));
}

TEST_CASE("peers that are no longer listed are closed, and new ones dialled") {
  World world;
  Station one(world, kNodeOne, Station::listening());
  Station two(world, kNodeTwo, Station::listening());
  Station three(world, {NodeId{3}, Role::node});
  for (Station* each : {&one, &two, &three})
    REQUIRE(each->transport.start(*each));
  three.transport.set_peers({one.address(kOne)});
  REQUIRE(world.until([&] { return one.open.size() == 2; }));
  three.transport.set_peers({two.address(kTwo)});
  CHECK(world.until([&] { return one.open.empty() && two.open.size() == 2 && three.open.size() == 2; }));
  CHECK(three.open.begin()->second.peer == kTwo);
}

TEST_CASE("another node than the expected one is rejected, and the message says which answered") {
  World world;
  Station two(world, kNodeTwo, Station::listening());
  Station client(world, kClient);
  REQUIRE(two.transport.start(two));
  REQUIRE(client.transport.start(client));
  client.transport.dial(two.address(kOne));
  REQUIRE(world.until([&] { return client.dial_notes.size() == 1; }));
  CHECK(client.dial_notes[0].failure == DialFailure::rejected);
  CHECK(client.dial_notes[0].error.code == Errc::mismatch);
  CHECK(client.dial_notes[0].error.message.find("answered as node 2") != std::string::npos);
  CHECK(client.open.empty());
}

TEST_CASE("somebody who takes the connection and says nothing is unreachable after the dial's time") {
  World world;
  asio::io_context io;
  tcp::acceptor mute(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  TransportOptions brief;
  brief.dial_timeout = 100ms;
  Station client(world, kClient, brief);
  REQUIRE(client.transport.start(client));
  client.transport.dial({kOne, {"127.0.0.1", mute.local_endpoint().port()}});
  REQUIRE(world.until([&] { return client.dial_notes.size() == 1; }));
  CHECK(client.dial_notes[0].failure == DialFailure::unreachable);
  CHECK(client.dial_notes[0].error.message.find("did not answer") != std::string::npos);
}

TEST_CASE("somebody who takes the connection and goes is unreachable: no word of another key or cluster") {
  World world;
  asio::io_context io;
  tcp::acceptor brief(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  brief.async_accept([](const std::error_code&, tcp::socket) {});
  Station client(world, kClient);
  REQUIRE(client.transport.start(client));
  client.transport.dial({kOne, {"127.0.0.1", brief.local_endpoint().port()}});
  REQUIRE(world.until([&] {
    io.poll();
    return client.dial_notes.size() == 1;
  }));
  CHECK(client.dial_notes[0].failure == DialFailure::unreachable);
  CHECK(client.dial_notes[0].error.message.find("took the connection and closed it") != std::string::npos);
}

TEST_CASE("a host name is resolved and each of its addresses is tried") {
  World world;
  Station one(world, kNodeOne, Station::listening());  // On 127.0.0.1 only: ::1, if localhost has it, refuses.
  Station two(world, kNodeTwo);
  REQUIRE(one.transport.start(one));
  REQUIRE(two.transport.start(two));
  two.transport.set_peers({one.address(kOne, "localhost")});
  CHECK(world.until([&] { return two.open.size() == 2; }));
}

TEST_CASE("a name that does not exist is unreachable") {
  World world;
  Station client(world, kClient);
  REQUIRE(client.transport.start(client));
  client.transport.dial({kOne, {"no-such-host.invalid", 7001}});
  REQUIRE(world.until([&] { return client.dial_notes.size() == 1; }));
  CHECK(client.dial_notes[0].failure == DialFailure::unreachable);
}

TEST_CASE("IPv6: a node on ::1, and a wildcard that takes both families") {
  if (!has_ipv6()) {
    MESSAGE("skipped: this machine has no ::1");
    return;
  }
  World world;
  Station one(world, kNodeOne, Station::listening(0, "::1"));
  Station both(world, kNodeTwo, Station::listening(0, "::"));
  Station client(world, kClient);
  for (Station* each : {&one, &both, &client})
    REQUIRE(each->transport.start(*each));
  client.transport.dial(one.address(kOne, "::1"));
  client.transport.dial(both.address(kTwo, "::1"));
  client.transport.dial(both.address(kTwo, "127.0.0.1"));
  CHECK(world.until([&] { return one.open.size() == 1 && both.open.size() == 2; }));
}

TEST_CASE("a port in use is an error that names the address and what to do; the first listener is untouched") {
  World world;
  Station one(world, kNodeOne, Station::listening());
  REQUIRE(one.transport.start(one));
  Station again(world, kNodeOne, Station::listening(one.transport.port()));
  const Status refused = again.transport.start(again);
  CHECK(refused.error().message == "another process listens on 127.0.0.1:" + std::to_string(one.transport.port()) +
                                       ": stop it or choose another port with BIND");
  Station foreign(world, kNodeOne, Station::listening(7001, "192.0.2.1"));
  CHECK(foreign.transport.start(foreign).code() == Errc::unreachable);
  Station client(world, kClient);
  REQUIRE(client.transport.start(client));
  client.transport.dial(one.address(kOne));
  CHECK(world.until([&] { return one.open.size() == 1; }));
}

}  // namespace cloudp2p::asio_net::testing
