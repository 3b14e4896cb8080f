// What strangers and misbehaving clients do: dropped, counted, bounded; the others keep working.
#include "net/transport_support.hpp"

namespace cloudp2p::asio_net::testing {
namespace {

constexpr PlainSession::Self kNodeOne{kOne, Role::node};
constexpr PlainSession::Self kClient{kNobody, Role::client};

/// A node with short patience, and an honest client that must not notice any of this.
struct Scene {
  explicit Scene(TransportOptions options = impatient())
      : one(world, kNodeOne, std::move(options)), client(world, kClient) {
    REQUIRE(one.transport.start(one));
    REQUIRE(client.transport.start(client));
    client.transport.dial(one.address(kOne));
    REQUIRE(world.until([&] { return client.open.size() == 1 && one.open.size() == 1; }));
  }
  static TransportOptions impatient() {
    TransportOptions options = Station::listening();
    options.handshake_timeout = 200ms;
    options.frame_grace = 200ms;
    options.check_interval = 20ms;
    return options;
  }
  [[nodiscard]] bool client_still_served() {
    const ConnectionId to_one = *client.connection(Lane::bulk, true);
    const std::size_t before = one.frames[*honest()].size();
    if (!client.transport.send(to_one, numbered_frame(1, 10, 1000))) return false;
    return world.until([&] { return one.frames[*honest()].size() == before + 1; });
  }
  [[nodiscard]] std::optional<ConnectionId> honest() const {
    return one.open.empty() ? std::nullopt : std::optional(one.open.begin()->first);
  }
  [[nodiscard]] TransportCounters counters() const { return one.transport.counters(); }

  World world;
  Station one;
  Station client;
};

std::string u32(std::uint32_t number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

}  // namespace

TEST_CASE("garbage is dropped, counted, and logged once for its address") {
  Scene scene;
  for (int i = 0; i < 5; ++i) {
    RawSocket raw(scene.one.transport.port());
    raw.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    REQUIRE(scene.world.until([&] { return raw.closed_by_peer(); }));
  }
  CHECK(scene.world.until([&] { return scene.counters().handshake_failures == 5; }));
  CHECK(scene.one.log.count("connection from 127.0.0.1 dropped: not our protocol") == 1);
  CHECK(scene.client_still_served());
}

TEST_CASE("a handshake that stops half-way is dropped after its time") {
  Scene scene;
  RawSocket raw(scene.one.transport.port());
  raw.write(hello(Role::client, Lane::bulk).substr(0, 5));
  CHECK(scene.world.until([&] { return raw.closed_by_peer(); }));
  CHECK(scene.world.until([&] { return scene.counters().handshake_failures == 1; }));
  CHECK(scene.client_still_served());
}

TEST_CASE("two hundred connections that say nothing do not keep an honest client out") {
  TransportOptions options = Scene::impatient();
  options.handshake_timeout = 30s;
  Scene scene(options);
  std::vector<std::unique_ptr<RawSocket>> silent;
  for (int i = 0; i < 200; ++i)
    silent.push_back(std::make_unique<RawSocket>(scene.one.transport.port()));
  REQUIRE(scene.world.until([&] { return scene.counters().refused_for_limits >= 200 - limits::kHalfOpenMax; }));
  CHECK(scene.client_still_served());

  Station late(scene.world, kClient);
  REQUIRE(late.transport.start(late));
  CHECK(scene.world.until([&] {
    if (late.open.empty()) late.transport.dial(scene.one.address(kOne));
    scene.world.run_for(20ms);
    return !late.open.empty();
  }));
  silent.clear();
}

TEST_CASE("one remote address gets only its share of half-open connections") {
  TransportOptions options = Scene::impatient();
  options.handshake_timeout = 30s;
  options.half_open_grace = 30s;
  options.half_open_per_loopback_address_max = 3;
  Scene scene(options);
  std::vector<std::unique_ptr<RawSocket>> silent;
  for (int i = 0; i < 5; ++i)
    silent.push_back(std::make_unique<RawSocket>(scene.one.transport.port()));
  CHECK(scene.world.until([&] { return scene.counters().refused_for_limits == 2; }));
  CHECK(scene.one.log.count("too many connections that have not authenticated") == 1);
}

TEST_CASE("half a frame and then silence: dropped for being too slow") {
  Scene scene;
  RawSocket raw(scene.one.transport.port());
  raw.write(hello(Role::client, Lane::bulk) + u32(100) + u32(0) + "only this");
  CHECK(scene.world.until([&] { return raw.closed_by_peer() && scene.one.closed.size() == 1; }));
  CHECK(scene.one.closed[0].second.code == Errc::timed_out);
  CHECK(scene.client_still_served());
}

TEST_CASE("a huge length is a protocol error, before memory of that size is taken") {
  Scene scene;
  RawSocket raw(scene.one.transport.port());
  raw.write(hello(Role::client, Lane::bulk));
  REQUIRE(scene.world.until([&] { return scene.one.open.size() == 2; }));
  raw.write(u32(0x7fffffff) + u32(0x7fffffff) + "x");
  CHECK(scene.world.until([&] { return raw.closed_by_peer() && scene.one.closed.size() == 1; }));
  CHECK(scene.one.closed[0].second.code == Errc::protocol);
  CHECK(scene.counters().protocol_errors == 1);
  CHECK(scene.client_still_served());
}

TEST_CASE("a stream that ends without a farewell is told apart from one that closed") {
  Scene scene;
  {
    RawSocket raw(scene.one.transport.port());
    raw.write(hello(Role::client, Lane::control));
    REQUIRE(scene.world.until([&] { return scene.one.open.size() == 2; }));
  }
  CHECK(scene.world.until([&] { return scene.one.closed.size() == 1; }));
  CHECK(scene.one.closed[0].second.code == Errc::unreachable);
}

TEST_CASE("a connection without a byte either way is closed after the idle time") {
  TransportOptions options = Scene::impatient();
  options.idle_timeout = 300ms;
  Scene scene(options);
  CHECK(scene.world.until([&] { return scene.one.closed.size() == 1 && scene.client.closed.size() == 1; }));
  CHECK(scene.one.closed[0].second.code == Errc::timed_out);
}

TEST_CASE("clients fill their places, nodes still get in; who leaves makes room") {
  TransportOptions options = Scene::impatient();
  options.connections_max = 4;
  options.connections_for_nodes = 2;
  Scene scene(options);
  RawSocket second(scene.one.transport.port());
  second.write(hello(Role::client, Lane::bulk));
  REQUIRE(scene.world.until([&] { return scene.one.open.size() == 2; }));

  Station third(scene.world, kClient);
  REQUIRE(third.transport.start(third));
  third.transport.dial(scene.one.address(kOne));
  // The refusal may come in the packet that ends the handshake, or after it.
  REQUIRE(scene.world.until([&] { return third.closed.size() + third.dial_notes.size() == 1; }));
  const Error why = third.closed.empty() ? third.dial_notes[0].error : third.closed[0].second;
  CHECK(why.message.find("try another node") != std::string::npos);
  CHECK(scene.world.until([&] { return scene.counters().refused_for_limits == 1; }));

  Station two(scene.world, {kTwo, Role::node});
  REQUIRE(two.transport.start(two));
  two.transport.set_peers({scene.one.address(kOne)});
  CHECK(scene.world.until([&] { return scene.one.open.size() == 4; }));
}

}  // namespace cloudp2p::asio_net::testing
