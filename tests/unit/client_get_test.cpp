// Reading images: from any holder, whatever happens to it.
#include "client_fixture.hpp"

using namespace client_test;

namespace {

Result<ImageInfo> get(World& world, const std::vector<std::byte>& bytes, const std::shared_ptr<MemorySink>& sink,
                      ReadFrom first = ReadFrom::leader) {
  auto [answer, done] = World::expect<ImageInfo>();
  world.client->get(short_id(digest_of(bytes)), sink, nullptr, std::move(done), first);
  return world.wait(answer);
}

}  // namespace

TEST_CASE("client: get reads the image from the leader, with bounded credit") {
  World world;
  const std::vector<std::byte> bytes = put_everywhere(world, 3'000'000);
  const auto sink = std::make_shared<MemorySink>(world.time);
  const Result<ImageInfo> info = get(world, bytes, sink);
  REQUIRE(info.ok());
  CHECK(info->record.size_bytes == bytes.size());
  CHECK(sink->bytes == bytes);
  for (const wire::Credit& credit : world.cluster.seen<wire::Credit>(kThree))
    CHECK(credit.limit - credit.held <= 512 * 1024);
}

TEST_CASE("client: a corrupt copy on the first holder is noticed, and the image comes from another") {
  World world;
  const std::vector<std::byte> bytes = put_everywhere(world, 400'000);
  world.cluster.nodes[kThree].images[digest_of(bytes)][77] ^= std::byte{1};
  const auto sink = std::make_shared<MemorySink>(world.time);
  REQUIRE(get(world, bytes, sink).ok());
  CHECK(sink->bytes == bytes);
  CHECK(sink->restarts == 1);
}

TEST_CASE("client: when every copy is corrupt or gone the error names each node") {
  World world;
  const std::vector<std::byte> bytes = put_everywhere(world, 1000);
  world.cluster.nodes[kThree].images[digest_of(bytes)][5] ^= std::byte{1};
  world.cluster.nodes[kOne].images.clear();
  world.cluster.nodes[kTwo].script = [&](ConnectionId id, wire::Message& message) {
    const auto* fetch = std::get_if<wire::Fetch>(&message);
    if (fetch != nullptr)
      world.cluster.answer(id, wire::FetchEnd{fetch->request, Errc::integrity, "the copy is damaged"});
    return fetch != nullptr;
  };
  const Result<ImageInfo> info = get(world, bytes, std::make_shared<MemorySink>(world.time));
  CHECK(info.code() == Errc::integrity);
  for (const char* part : {"node 3 at 127.0.0.1:7003: its bytes do not match",
                           "node 1 at 127.0.0.1:7001: it is not here", "node 2 at 127.0.0.1:7002: the copy is damaged"})
    CHECK_MESSAGE(info.error().text().find(part) != std::string::npos, info.error().text());
}

TEST_CASE("client: an image that is listed while nobody has its bytes is damaged, not absent") {
  World world;
  const std::vector<std::byte> bytes = put_everywhere(world, 1000);
  world.cluster.nodes[kOne].images.clear();
  world.cluster.nodes[kTwo].images.clear();
  world.cluster.nodes[kThree].script = [&](ConnectionId id, wire::Message& message) {
    const auto* fetch = std::get_if<wire::Fetch>(&message);
    if (fetch != nullptr) world.cluster.answer(id, wire::FetchEnd{fetch->request, Errc::not_found, "no bytes here"});
    return fetch != nullptr;
  };
  const Result<ImageInfo> info = get(world, bytes, std::make_shared<MemorySink>(world.time));
  CHECK(info.code() == Errc::integrity);
  CHECK_MESSAGE(info.error().text().find("node 3 at 127.0.0.1:7003: no bytes here") != std::string::npos,
                info.error().text());
}

TEST_CASE("client: an image that is deleted while it is read is not there") {
  World world;
  const std::vector<std::byte> bytes = put_everywhere(world, 1000);
  world.cluster.nodes[kOne].images.clear();
  world.cluster.nodes[kTwo].images.clear();
  world.cluster.nodes[kThree].script = [&](ConnectionId, wire::Message& message) {
    if (std::holds_alternative<wire::Fetch>(message)) world.cluster.nodes[kThree].images.clear();
    return false;
  };
  CHECK(get(world, bytes, std::make_shared<MemorySink>(world.time)).code() == Errc::not_found);
}

TEST_CASE("client: a holder lost in mid-read is continued on another at the offset reached") {
  World world;
  const std::vector<std::byte> bytes = put_everywhere(world, 3'000'000);
  const auto sink = std::make_shared<MemorySink>(world.time);
  auto [answer, done] = World::expect<ImageInfo>();
  world.client->get(short_id(digest_of(bytes)), sink, nullptr, std::move(done));
  REQUIRE(world.time.run_until([&] { return sink->bytes.size() > 1'000'000; }));
  world.cluster.kill(kThree);
  REQUIRE(world.wait(answer).ok());
  CHECK(sink->bytes == bytes);
  CHECK(sink->restarts == 0);
  CHECK(world.cluster.seen<wire::Fetch>(kOne).at(0).offset > 900'000);
}

TEST_CASE("client: what a holder sent before it found its copy damaged is thrown away") {
  World world;
  const std::vector<std::byte> bytes = put_everywhere(world, 400'000);
  world.cluster.nodes[kThree].script = [&](ConnectionId id, wire::Message& message) {
    const auto* fetch = std::get_if<wire::Fetch>(&message);
    if (fetch == nullptr) return false;
    world.cluster.answer(id, wire::FetchBegin{fetch->request, bytes.size()});
    world.cluster.answer(id, wire::Chunk{fetch->request, 0}, Buffer::allocate(1000));
    world.cluster.answer(id, wire::FetchEnd{fetch->request, Errc::integrity, "the copy is damaged"});
    return true;
  };
  const auto sink = std::make_shared<MemorySink>(world.time);
  REQUIRE(get(world, bytes, sink).ok());
  CHECK(sink->bytes == bytes);
  CHECK(world.cluster.seen<wire::Fetch>(kOne).at(0).offset == 0);
}

TEST_CASE("client: a reader that prefers followers leaves the leader alone, and shares its reads out") {
  World world;
  for (std::size_t size = 1'000; size < 1'020; ++size) {
    const std::vector<std::byte> bytes = put_everywhere(world, size);
    REQUIRE(get(world, bytes, std::make_shared<MemorySink>(world.time), ReadFrom::followers).ok());
  }
  CHECK(world.cluster.seen<wire::Fetch>(kThree).empty());
  CHECK_FALSE(world.cluster.seen<wire::Fetch>(kOne).empty());
  CHECK_FALSE(world.cluster.seen<wire::Fetch>(kTwo).empty());
}

TEST_CASE("client: a reader that prefers followers asks one that is down once, and the leader when none is left") {
  World world;
  world.cluster.kill(kOne);
  world.cluster.kill(kTwo);
  const std::vector<std::byte> bytes = put_everywhere(world, 1'000);
  const auto sink = std::make_shared<MemorySink>(world.time);
  REQUIRE(get(world, bytes, sink, ReadFrom::followers).ok());
  CHECK(sink->bytes == bytes);
  // Both are known to be down now: no dial, no pause.
  const TimePoint begun = world.time.now();
  REQUIRE(get(world, bytes, std::make_shared<MemorySink>(world.time), ReadFrom::followers).ok());
  CHECK(world.time.now() - begun < 20ms);
  CHECK(world.cluster.seen<wire::Fetch>(kThree).size() == 2);
}
