// Frames between two transports: order, loss, queues, endings.
#include "net/transport_support.hpp"

namespace cloudp2p::asio_net::testing {
namespace {

constexpr PlainSession::Self kNodeOne{kOne, Role::node};
constexpr PlainSession::Self kNodeTwo{kTwo, Role::node};
constexpr PlainSession::Self kClient{kNobody, Role::client};

/// Mostly small, now and then as large as allowed.
Frame random_frame(std::uint32_t number) {
  const std::uint32_t drawn = number * 2654435761U;
  if (number % 64 == 0) return numbered_frame(number, drawn % limits::kHeadBytesMax, drawn % limits::kPayloadBytesMax);
  return numbered_frame(number, drawn % 1500, drawn % 3 == 0 ? drawn % 2000 : 0);
}

/// Keeps a connection's queue filled with numbered frames.
struct Source {
  Station& station;
  ConnectionId connection;
  std::uint32_t count;
  std::uint32_t next = 0;

  void pump() {
    while (next < count && station.transport.send(connection, random_frame(next)))
      ++next;
  }
};

/// What arrives must be the next number, unaltered.
struct Sink {
  std::uint32_t next = 0;
  std::uint32_t wrong = 0;
  void take(const Frame& frame) { number_of(frame) == next ? ++next : ++wrong; }
};

}  // namespace

TEST_CASE("ten thousand frames of random sizes arrive in order on both lanes at once") {
  World world;
  Station one(world, kNodeOne, Station::listening());
  Station two(world, kNodeTwo);
  REQUIRE(one.transport.start(one));
  REQUIRE(two.transport.start(two));
  two.transport.set_peers({one.address(kOne)});
  REQUIRE(world.until([&] { return two.open.size() == 2 && one.open.size() == 2; }));

  std::map<Lane, Sink> sinks;
  one.on_frame_hook = [&](ConnectionId from, const Frame& frame) { sinks[one.open.at(from).lane].take(frame); };
  Source control{two, *two.connection(Lane::control, true), 10'000};
  Source bulk{two, *two.connection(Lane::bulk, true), 10'000};
  two.on_drained_hook = [&](ConnectionId drained) { (drained == bulk.connection ? bulk : control).pump(); };
  control.pump();
  bulk.pump();
  const auto all_arrived = [&] { return sinks[Lane::control].next == 10'000 && sinks[Lane::bulk].next == 10'000; };
  CHECK(world.until([&] {
    one.frames.clear();
    return all_arrived();
  }));
  CHECK(sinks[Lane::control].wrong + sinks[Lane::bulk].wrong == 0);
  CHECK(two.drained > 0);
}

TEST_CASE("a peer that is destroyed and comes back on its port is connected again, on both lanes") {
  World world;
  auto one = std::make_unique<Station>(world, kNodeOne, Station::listening());
  REQUIRE(one->transport.start(*one));
  const PeerAddress address = one->address(kOne);
  Station two(world, kNodeTwo);
  REQUIRE(two.transport.start(two));
  two.transport.set_peers({address});
  REQUIRE(world.until([&] { return two.open.size() == 2; }));
  one.reset();
  REQUIRE(world.until([&] { return two.closed.size() == 2 && two.dial_notes.size() >= 2; }));
  CHECK(two.closed[0].second.message == "the other side is shutting down");

  one = std::make_unique<Station>(world, kNodeOne, Station::listening(address.address.port));
  REQUIRE(one->transport.start(*one));
  CHECK(world.until([&] { return two.open.size() == 2 && one->open.size() == 2; }));
}

TEST_CASE("a queue that is full says so, keeps what it has, and tells when there is room") {
  World world;
  World elsewhere;  // Not run: node one does not look at what comes.
  TransportOptions slow = Station::listening();
  slow.unhandled_bytes_max = 512 * 1024;
  Station one(elsewhere, kNodeOne, slow);
  Station two(world, kClient);
  REQUIRE(one.transport.start(one));
  REQUIRE(two.transport.start(two));
  two.transport.dial(one.address(kOne));
  REQUIRE(world.until([&] { return two.open.size() == 1; }));
  const ConnectionId to_one = *two.connection(Lane::bulk, true);

  // A reader that does not look at its frames stops reading: the sender's queue fills and stays full.
  std::uint32_t sent = 0;
  const auto full = [&] {
    const Status status = two.transport.send(to_one, numbered_frame(sent, 100, 200'000));
    if (status) ++sent;
    return status.code() == Errc::queue_full;
  };
  std::size_t times_full_in_a_row = 0;
  REQUIRE(world.until([&] {
    world.run_for(5ms);
    times_full_in_a_row = full() ? times_full_in_a_row + 1 : 0;
    return times_full_in_a_row == 40;
  }));
  // Answers find room beside image bytes.
  for (int i = 0; i < 1'000; ++i) CHECK(two.transport.send(to_one, numbered_frame(sent++, 100, 0)));
  CHECK(two.transport.queued_bytes(to_one) <= limits::kBulkQueueBytesMax);
  const std::size_t drained_before = two.drained;

  CHECK(world.until([&] {
    elsewhere.run_for(1ms);
    return two.drained > drained_before && !one.frames.empty() && one.frames.begin()->second.size() == sent;
  }));
  for (std::uint32_t i = 0; i < sent; ++i)
    CHECK(number_of(one.frames.begin()->second[i]) == i);
  CHECK(two.transport.queued_bytes(to_one) == 0);
}

TEST_CASE("watching the drain of a short queue calls back once, later") {
  World world;
  Station one(world, kNodeOne, Station::listening());
  Station two(world, kClient);
  REQUIRE(one.transport.start(one));
  REQUIRE(two.transport.start(two));
  two.transport.dial(one.address(kOne));
  REQUIRE(world.until([&] { return two.open.size() == 1; }));
  two.transport.watch_drain(*two.connection(Lane::bulk, true));
  CHECK(two.drained == 0);
  CHECK(world.until([&] { return two.drained == 1; }));
}

TEST_CASE("close sends what is queued, then the reason, and nothing after it") {
  World world;
  Station one(world, kNodeOne, Station::listening());
  Station two(world, kClient);
  REQUIRE(one.transport.start(one));
  REQUIRE(two.transport.start(two));
  two.transport.dial(one.address(kOne));
  REQUIRE(world.until([&] { return one.open.size() == 1 && two.open.size() == 1; }));
  const ConnectionId to_one = *two.connection(Lane::bulk, true);
  for (std::uint32_t i = 0; i < 15; ++i)
    REQUIRE(two.transport.send(to_one, numbered_frame(i, 10, 200'000)));
  two.transport.close(to_one, {Errc::cancelled, "enough for today"});
  CHECK(two.transport.send(to_one, numbered_frame(15, 10, 0)).code() == Errc::closed);

  CHECK(world.until([&] { return one.closed.size() == 1 && two.closed.size() == 1; }));
  CHECK(one.frames.begin()->second.size() == 15);
  CHECK(one.closed[0].second.message == "enough for today");
  CHECK(two.closed[0].second.code == Errc::cancelled);
  CHECK(two.transport.send(to_one, numbered_frame(16, 10, 0)).code() == Errc::closed);
}

TEST_CASE("a frame larger than the protocol allows is refused by send") {
  World world;
  Station one(world, kNodeOne, Station::listening());
  Station two(world, kClient);
  REQUIRE(one.transport.start(one));
  REQUIRE(two.transport.start(two));
  two.transport.dial(one.address(kOne));
  REQUIRE(world.until([&] { return two.open.size() == 1; }));
  const ConnectionId to_one = *two.connection(Lane::bulk, true);
  CHECK(two.transport.send(to_one, numbered_frame(1, limits::kHeadBytesMax + 1, 0)).code() == Errc::invalid_argument);
  CHECK(two.transport.send(to_one, numbered_frame(1, limits::kHeadBytesMax, limits::kPayloadBytesMax)));
  CHECK(world.until([&] { return one.frames.size() == 1; }));
}

TEST_CASE("stop with dials, handshakes, queues and timers in flight: no callback comes, everything is given back") {
  for (int round = 0; round < 10; ++round) {
    World world;
    auto one = std::make_unique<Station>(world, kNodeOne, Station::listening());
    auto two = std::make_unique<Station>(world, kNodeTwo, Station::listening());
    REQUIRE(one->transport.start(*one));
    REQUIRE(two->transport.start(*two));
    one->transport.set_peers({two->address(kTwo), {NodeId{3}, {"127.0.0.1", 1}}, {NodeId{4}, {"localhost", 1}}});
    two->transport.set_peers({one->address(kOne)});
    const RawSocket silent(one->transport.port());
    REQUIRE(world.until([&] { return one->open.size() + two->open.size() >= static_cast<std::size_t>(round % 9); }));
    for (const auto& [id, info] : one->open) {
      for (std::uint32_t i = 0; i < 10; ++i)
        static_cast<void>(one->transport.send(id, numbered_frame(i, 10, 90'000)));
    }
    const std::size_t seen = one->frames.size() + one->closed.size() + one->dial_notes.size() + one->connected;
    one->transport.stop();
    world.run_for(20ms);
    CHECK(one->frames.size() + one->closed.size() + one->dial_notes.size() + one->connected == seen);
    one.reset();
    two.reset();
  }
}

TEST_CASE("stop inside a callback ends it there") {
  for (const Lane lane : {Lane::control, Lane::bulk}) {
    World world;
    Station one(world, kNodeOne, Station::listening());
    Station two(world, kNodeTwo);
    REQUIRE(one.transport.start(one));
    REQUIRE(two.transport.start(two));
    two.transport.set_peers({one.address(kOne)});
    REQUIRE(world.until([&] { return two.open.size() == 2; }));
    one.on_frame_hook = [&](ConnectionId, const Frame&) { one.transport.stop(); };
    const ConnectionId to_one = *two.connection(lane, true);
    for (std::uint32_t i = 0; i < 50; ++i)
      static_cast<void>(two.transport.send(to_one, numbered_frame(i, 10, 1000)));
    CHECK(world.until([&] { return two.open.empty(); }));
    CHECK(one.frames.size() == 1);
    CHECK(one.frames.begin()->second.size() == 1);
  }
}

}  // namespace cloudp2p::asio_net::testing
