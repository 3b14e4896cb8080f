// The client's promises to its caller, told as stories against scripted nodes.
#include "client_fixture.hpp"

using namespace client_test;

TEST_CASE("client: discover asks around until the leader confirms itself") {
  World world;
  world.cluster.nodes[kThree].serving = false;
  world.time.after(300ms, [&] { world.cluster.nodes[kThree].serving = true; });
  const Result<LeaderView> view = world.discover();
  REQUIRE(view.ok());
  CHECK(view->leader == kThree);
  CHECK(view->address == "127.0.0.1:7003");
}

TEST_CASE("client: of two nodes that claim to lead, the one of the higher term is believed") {
  World world;
  for (const NodeId id : {kOne, kTwo})
    world.cluster.nodes[id].leader = kTwo, world.cluster.nodes[id].term = 9;
  world.cluster.nodes[kTwo].serving = false;
  world.time.after(200ms, [&] { world.cluster.nodes[kTwo].serving = true; });
  CHECK(world.discover()->leader == kTwo);  // Although node 3 answered "I lead" at once.
}

TEST_CASE("client: an upload reaches the leader whole, over small and large windows") {
  World world;
  for (const std::size_t size : {std::size_t{1}, std::size_t{128 * 1024}, std::size_t{3'000'001}}) {
    world.cluster.nodes[kThree].window_bytes = 256 * 1024;
    const Result<UploadOutcome> outcome = world.upload(size);
    REQUIRE_MESSAGE(outcome.ok(), (outcome.ok() ? std::string() : outcome.error().text()));
    CHECK(outcome->leader == kThree);
    CHECK(outcome->copies == 2);
    CHECK(outcome->attempts == 1);
    CHECK_FALSE(outcome->already_stored);
    CHECK(world.cluster.nodes[kThree].images.at(outcome->digest) == picture(size));
  }
  CHECK(world.upload(1)->already_stored);
}

TEST_CASE("client: progress grows to the whole, and the answer comes after it") {
  World world;
  std::vector<std::uint64_t> done_bytes;
  auto [answer, done] = World::expect<UploadOutcome>();
  world.client->upload(
      std::make_shared<MemorySource>(world.time, picture(1'000'000)),
      [&, seen = answer](const TransferProgress& progress) {
        CHECK(seen->calls == 0);
        done_bytes.push_back(progress.bytes_done);
      },
      std::move(done));
  REQUIRE(world.wait(answer).ok());
  CHECK(std::is_sorted(done_bytes.begin(), done_bytes.end()));
  CHECK(done_bytes.size() > 5);
  CHECK(done_bytes.back() == 1'000'000);
}

TEST_CASE("client: a node that does not lead any more sends the upload to the one that does") {
  World world;
  REQUIRE(world.discover()->leader == kThree);
  world.cluster.elect(kTwo, 2);
  const Result<UploadOutcome> outcome = world.upload(300'000);
  REQUIRE(outcome.ok());
  CHECK(outcome->leader == kTwo);
  CHECK(outcome->attempts == 2);
}

TEST_CASE("client: a leader killed in mid-upload costs a retry under the same upload id") {
  World world;
  const auto source = std::make_shared<MemorySource>(world.time, picture(2'000'000));
  const auto answer = world.begin_upload(source);
  REQUIRE(world.time.run_until([&] { return world.cluster.seen<wire::Chunk>(kThree).size() == 5; }));
  world.cluster.kill(kThree);
  for (const NodeId id : {kOne, kTwo})
    world.cluster.nodes[id].leader = kNobody;
  world.time.after(120ms, [&] { world.cluster.elect(kTwo, 2); });
  const TimePoint killed = world.time.now();
  const Result<UploadOutcome> outcome = world.wait(answer);
  REQUIRE(outcome.ok());
  CHECK(outcome->leader == kTwo);
  const auto first = world.cluster.seen<wire::Upload>(kThree).at(0);
  const auto second = world.cluster.seen<wire::Upload>(kTwo).at(0);
  CHECK(first.upload == second.upload);
  CHECK(second.resume);
  CHECK(source->identified == 1);
  CHECK(world.time.now() - killed < 250ms);  // Dominated by the election.
}

TEST_CASE("client: an interrupted upload goes on from what the leader holds") {
  World world;
  const auto answer = world.begin_upload(std::make_shared<MemorySource>(world.time, picture(2'000'000)));
  REQUIRE(world.time.run_until([&] { return world.cluster.seen<wire::Chunk>(kThree).size() == 6; }));
  world.cluster.kill(kThree);
  world.cluster.nodes[kThree].down = false;  // Only the connection broke.
  REQUIRE(world.wait(answer).ok());
  const auto chunks = world.cluster.seen<wire::Chunk>(kThree);
  for (std::size_t i = 1; i < chunks.size(); ++i)
    CHECK(chunks[i].offset > chunks[i - 1].offset);
  CHECK(world.cluster.nodes[kThree].payload_bytes == 2'000'000);  // Nothing was sent twice.
}

TEST_CASE("client: a lost acknowledgement is asked for again, and what is there counts as this upload's") {
  World world;
  bool swallowed = false;
  world.cluster.nodes[kThree].script = [&](ConnectionId id, wire::Message& message) {
    const auto* chunk = std::get_if<wire::Chunk>(&message);
    if (chunk == nullptr || chunk->offset == 0 || swallowed) return false;
    swallowed = true;
    world.cluster.nodes[kThree].images[digest_of(picture(200'000))] = picture(200'000);
    world.cluster.lose(id, {Errc::closed, "reset"});
    return true;
  };
  const Result<UploadOutcome> outcome = world.upload(200'000);
  REQUIRE(outcome.ok());
  CHECK(outcome->attempts == 2);
  CHECK_FALSE(outcome->already_stored);
}

TEST_CASE("client: a stopped leader costs the election, not a connection timeout") {
  World world;
  REQUIRE(world.discover().ok());
  world.cluster.nodes[kThree].stopped = true;
  const TimePoint stopped = world.time.now();
  world.time.after(700ms, [&] { world.cluster.elect(kTwo, 2); });
  const Result<UploadOutcome> outcome = world.upload(300'000);
  REQUIRE(outcome.ok());
  CHECK(outcome->leader == kTwo);
  CHECK(world.time.now() - stopped < 1s);
}

TEST_CASE("client: a leader that is only slow keeps its upload while the others still name it") {
  World world;
  REQUIRE(world.discover().ok());
  world.cluster.nodes[kThree].script = [&](ConnectionId id, wire::Message& message) {
    const auto* upload = std::get_if<wire::Upload>(&message);
    if (upload == nullptr) return !std::holds_alternative<wire::Hello>(message);
    world.time.after(2s, [&, id, ask = *upload] {
      world.cluster.nodes[kThree].script = nullptr;
      world.cluster.answer(id, wire::UploadResult{ask.request, ask.digest, ask.size_bytes, {}, kThree, 2, 3, false});
    });
    return true;
  };
  const Result<UploadOutcome> outcome = world.upload(10'000);
  REQUIRE(outcome.ok());
  CHECK(outcome->attempts == 1);
}

TEST_CASE("client: with all nodes down the error says which node answered what") {
  World world;
  for (const NodeId id : {kOne, kTwo, kThree})
    world.cluster.kill(id);
  const Result<UploadOutcome> outcome = world.upload(1000);
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.code() == Errc::unreachable);
  CHECK(outcome.error().text() ==
        "node 1 at 127.0.0.1:7001 refused the connection: is it running?; "
        "node 2 at 127.0.0.1:7002 refused the connection: is it running?; "
        "node 3 at 127.0.0.1:7003 refused the connection: is it running?");
}

TEST_CASE("client: one of three nodes is no quorum, and the missing ones are named") {
  World world(2s);
  world.cluster.kill(kTwo);
  world.cluster.kill(kThree);
  ScriptedNode& one = world.cluster.nodes[kOne];
  one.leader = kNobody, one.state = Errc::no_quorum, one.reachable = 1;
  const Result<LeaderView> view = world.discover();
  REQUIRE_FALSE(view.ok());
  CHECK(view.code() == Errc::no_quorum);
  CHECK(view.error().text().starts_with(
      "no quorum: 1 of 3 reachable; start the missing nodes: node 2 at 127.0.0.1:7002"));
}

TEST_CASE("client: a full queue pauses an upload until it has drained") {
  World world;
  REQUIRE(world.discover().ok());
  world.cluster.full_in = 4;
  const Result<UploadOutcome> outcome = world.upload(1'000'000);
  REQUIRE(outcome.ok());
  CHECK(outcome->attempts == 1);
}

TEST_CASE("client: slow credit is obeyed to the byte, and little is read ahead") {
  World world;
  world.cluster.nodes[kThree].window_bytes = 64 * 1024;
  const auto source = std::make_shared<MemorySource>(world.time, picture(700'000));
  std::uint64_t allowed = limits::kUploadWindowBytesMin;
  world.cluster.nodes[kThree].script = [&](ConnectionId, wire::Message& message) {
    const auto* chunk = std::get_if<wire::Chunk>(&message);
    if (chunk != nullptr) CHECK(chunk->offset < allowed);
    if (chunk != nullptr) allowed = std::max(allowed, chunk->offset + 192 * 1024);
    return false;
  };
  REQUIRE(world.wait(world.begin_upload(source)).ok());
  CHECK(source->reads_under_way_most <= 2);
}

TEST_CASE("client: what the server refuses is final and said once, what it can not do now is tried again") {
  World world;
  int asked = 0;
  Errc code = Errc::refused;
  world.cluster.nodes[kThree].script = [&](ConnectionId id, wire::Message& message) {
    const auto* upload = std::get_if<wire::Upload>(&message);
    if (upload == nullptr || (code == Errc::busy && asked == 5)) return false;
    ++asked;
    world.cluster.answer(id, wire::ErrorReply{upload->request, code, "not an image", kNobody});
    return true;
  };
  const Result<UploadOutcome> refused = world.upload(1000);
  CHECK(refused.code() == Errc::refused);
  CHECK(refused.error().text() == "not an image");
  CHECK(std::exchange(asked, 0) == 1);
  code = Errc::busy;
  CHECK(world.upload(1000)->attempts == 6);
}

TEST_CASE("client: retries that never help end with the last answer") {
  World world(10s, 3);
  world.cluster.nodes[kThree].script = [&](ConnectionId id, wire::Message& message) {
    if (!std::holds_alternative<wire::Upload>(message)) return false;
    world.cluster.lose(id, {Errc::closed, "reset"});
    return true;
  };
  const Result<UploadOutcome> outcome = world.upload(500'000);
  CHECK(outcome.code() == Errc::unreachable);
  CHECK(outcome.error().text().starts_with("node 3 at 127.0.0.1:7003: the connection was lost: reset"));
  CHECK(world.cluster.seen<wire::Upload>(kThree).size() == 4);
}

TEST_CASE(
    "client: when everything was sent and nobody answers, the outcome is unknown and says that sending again is safe") {
  World world(3s);
  world.cluster.nodes[kThree].script = [&](ConnectionId, wire::Message& message) {
    return std::holds_alternative<wire::Upload>(message) || std::holds_alternative<wire::Chunk>(message);
  };
  const Result<UploadOutcome> outcome = world.upload(1000);
  CHECK(outcome.code() == Errc::timed_out);
  CHECK(outcome.error().text().find("send it again, that is safe") != std::string::npos);
}

TEST_CASE("client: an empty image and an endless name are refused before anything is sent") {
  World world;
  CHECK(world.upload(0).code() == Errc::refused);
  const auto named = std::make_shared<MemorySource>(world.time, picture(10), std::string(4096, 'n'));
  CHECK(world.wait(world.begin_upload(named)).code() == Errc::refused);
  CHECK(world.cluster.seen<wire::Upload>(kThree).empty());
}

TEST_CASE("client: what is not there, or not an id, is said so") {
  World world;
  auto [missing, missing_done] = World::expect<ImageInfo>();
  world.client->info("00000000", std::move(missing_done));
  CHECK(world.wait(missing).code() == Errc::not_found);
  auto [odd, odd_done] = World::expect<ImageInfo>();
  world.client->info("xyz", std::move(odd_done));
  CHECK(odd->calls == 0);  // Never inline.
  CHECK(world.wait(odd).code() == Errc::invalid_argument);
}

TEST_CASE("client: members prefers the leader's view and takes any node's without one") {
  World world;
  const auto members = [&] {
    auto [answer, done] = World::expect<ClusterView>();
    world.client->members(std::move(done));
    return world.wait(answer);
  };
  CHECK(members()->answered_by == kThree);
  world.cluster.kill(kThree);
  for (const NodeId id : {kOne, kTwo})
    world.cluster.nodes[id].leader = kNobody;
  CHECK(members()->answered_by == kOne);
  world.cluster.kill(kOne);
  world.cluster.kill(kTwo);
  CHECK(members().code() == Errc::unreachable);
}

TEST_CASE("client: verify asks every node, also those that do not answer") {
  World world;
  const std::vector<std::byte> bytes = put_everywhere(world, 1000);
  world.cluster.kill(kOne);
  world.cluster.nodes[kTwo].stopped = true;
  auto [answer, done] = World::expect<std::vector<CopyCheck>>();
  world.client->verify(digest_of(bytes), std::move(done));
  const auto checks = *world.wait(answer);
  REQUIRE(checks.size() == 3);
  CHECK(checks[0].code == Errc::unreachable);
  CHECK(checks[1].code == Errc::unreachable);
  CHECK(checks[2].code == Errc::ok);
}

TEST_CASE("client: ping reaches one node, and knows which nodes there are") {
  World world;
  const auto ping = [&](NodeId node) {
    auto [answer, done] = World::expect<LeaderView>();
    world.client->ping(node, std::move(done));
    return world.wait(answer);
  };
  CHECK(ping(kOne)->leader == kThree);
  CHECK(ping(NodeId{9}).code() == Errc::invalid_argument);
  world.cluster.nodes[kTwo].stopped = true;
  CHECK(ping(kTwo).code() == Errc::unreachable);
}

TEST_CASE("client: cancel ends one upload, tells the leader, and leaves the other alone") {
  World world;
  auto [first, first_done] = World::expect<UploadOutcome>();
  const OperationId id = world.client->upload(std::make_shared<MemorySource>(world.time, picture(5'000'000)), nullptr,
                                              std::move(first_done));
  const auto second = world.begin_upload(std::make_shared<MemorySource>(world.time, picture(900'000)));
  REQUIRE(world.time.run_until([&] { return world.cluster.seen<wire::Chunk>(kThree).size() > 3; }));
  world.client->cancel(id);
  CHECK(world.wait(first).code() == Errc::cancelled);
  CHECK(world.wait(second).ok());
  world.client->cancel(id);
  world.time.run_for(5s);
  CHECK(first->calls == 1);
  CHECK(world.cluster.seen<wire::Cancel>(kThree).size() == 1);
}

TEST_CASE("client: a source lives as long as a read of it, also when its upload was cancelled meanwhile") {
  World world;
  auto source = std::make_shared<MemorySource>(world.time, picture(900'000));
  const std::weak_ptr<MemorySource> watched = source;
  auto [answer, done] = World::expect<UploadOutcome>();
  const OperationId id = world.client->upload(source, nullptr, std::move(done));
  REQUIRE(world.time.run_until([&] { return source->reads_under_way_most == 1; }));
  source.reset();
  world.client->cancel(id);
  CHECK_FALSE(watched.expired());
  CHECK(world.wait(answer).code() == Errc::cancelled);
  world.time.run_for(1s);
  CHECK(watched.expired());
}

TEST_CASE("client: destroying it answers everything with cancelled, once") {
  World world;
  const auto upload = world.begin_upload(std::make_shared<MemorySource>(world.time, picture(5'000'000)));
  auto [list, list_done] = World::expect<ListPage>();
  world.client->list({}, std::move(list_done));
  REQUIRE(world.time.run_until([&] { return world.cluster.seen<wire::Chunk>(kThree).size() > 3; }));
  world.client.reset();
  CHECK(world.wait(upload).code() == Errc::cancelled);
  CHECK(world.wait(list).code() == Errc::cancelled);
  world.time.run_for(5s);
  CHECK(upload->calls == 1);
}

TEST_CASE("client: sixteen uploads at once survive a change of leader") {
  World world;
  std::vector<std::shared_ptr<World::Answer<UploadOutcome>>> answers;
  for (std::size_t i = 0; i < 16; ++i)
    answers.push_back(world.begin_upload(std::make_shared<MemorySource>(world.time, picture(400'000 + i))));
  REQUIRE(world.time.run_until([&] { return world.cluster.seen<wire::Chunk>(kThree).size() > 20; }));
  world.cluster.kill(kThree);
  world.cluster.elect(kTwo, 2);
  for (const auto& answer : answers)
    CHECK(world.wait(answer).ok());
  CHECK(world.cluster.nodes[kTwo].images.size() + world.cluster.nodes[kThree].images.size() >= 16);
}
