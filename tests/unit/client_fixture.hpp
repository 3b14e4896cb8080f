// A client against scripted nodes, in virtual time: no sockets, no threads, no sleeping.
#pragma once

#include "client_time.hpp"
#include "core/wire.hpp"

#include <cloudp2p/client.hpp>

#include <doctest/doctest.h>

#include <map>

namespace client_test {

using namespace cloudp2p;
using namespace std::chrono_literals;

inline constexpr NodeId kOne{1};
inline constexpr NodeId kTwo{2};
inline constexpr NodeId kThree{3};

/// A stand-in for BLAKE2b: the core never computes a digest, it only carries it.
inline Digest digest_of(ByteView bytes) {
  std::uint64_t state = 0xcbf29ce484222325;
  for (const std::byte b : bytes)
    state = (state ^ static_cast<std::uint64_t>(b)) * 0x100000001b3;
  Digest out;
  for (std::byte& b : out.bytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    b = static_cast<std::byte>(state >> 56);
  }
  return out;
}

inline std::vector<std::byte> picture(std::size_t size) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<std::byte>((i * 31 + i / 251) & 0xff);
  return out;
}

inline ClusterId cluster_of(unsigned char number) {
  ClusterId out;
  out.bytes.fill(std::byte{number});
  return out;
}

/// What one scripted node is and holds.
struct ScriptedNode {
  bool down = false;     ///< Dials are refused.
  bool lost = false;     ///< Dials are not answered at all.
  bool stopped = false;  ///< Nothing is read or answered, connections stay.
  ClusterId cluster = cluster_of(1);
  NodeId leader = kNobody;
  Term term = 1;
  bool serving = true;
  Errc state = Errc::ok;
  std::uint32_t reachable = 3;
  std::uint64_t window_bytes = 512 * 1024;
  std::map<UploadId, std::vector<std::byte>> partial;
  std::map<Digest, std::vector<std::byte>> images;
  std::vector<wire::Message> seen;
  std::size_t payload_bytes = 0;  ///< Of all frames.
  /// Looks at each message first; true: handled.
  std::function<bool(ConnectionId, wire::Message&)> script;
};

/// The transport of the client, with the nodes behind it. A frame takes one millisecond each way.
class ScriptedCluster final : public Transport {
 public:
  explicit ScriptedCluster(VirtualTime& time) : time_(time) {
    for (unsigned id = 1; id <= 3; ++id)
      nodes[NodeId{id}].leader = NodeId{3};
  }

  std::map<NodeId, ScriptedNode> nodes;
  std::size_t full_in = ~std::size_t{0};  ///< So many more frames are taken before one queue_full.
  bool stopped = false;

  void kill(NodeId node) {
    nodes[node].down = true;
    for (const auto& [id, to] : std::map(connections_))
      if (to == node) lose(id, {Errc::closed, "connection reset"});
  }
  void lose(ConnectionId id, Error why) {
    connections_.erase(id);
    later([this, id, why] { handler_->on_closed(id, why); });
  }
  void elect(NodeId leader, Term term) {
    for (auto& [id, node] : nodes)
      node.leader = leader, node.term = term;
  }
  void answer(ConnectionId id, const wire::Message& message, Buffer payload = {}) {
    later([this, id, frame = wire::encode(message, std::move(payload))] {
      if (connections_.contains(id)) handler_->on_frame(id, frame);
    });
  }
  template <class T>
  std::vector<T> seen(NodeId node) const {
    std::vector<T> out;
    for (const wire::Message& message : nodes.at(node).seen)
      if (const T* found = std::get_if<T>(&message)) out.push_back(*found);
    return out;
  }

  Status start(TransportHandler& handler) override { return handler_ = &handler, Status(); }
  void stop() override { stopped = true; }
  void set_peers(std::vector<PeerAddress>) override {}
  void hurry(NodeId) override {}
  void dial(const PeerAddress& peer) override {
    later([this, peer] {
      if (nodes[peer.id].lost) return;
      if (nodes[peer.id].down)
        return handler_->on_dial_failed(peer.id, Lane::bulk, DialFailure::refused, {Errc::unreachable, "refused"});
      ConnectionInfo info;
      info.id = ConnectionId{++last_};
      info.dialled = true;
      info.peer = peer.id;
      connections_[info.id] = peer.id;
      handler_->on_connected(info);
    });
  }
  Status send(ConnectionId id, Frame frame) override {
    if (!connections_.contains(id)) return Errc::closed;
    if (full_in-- == 0) {
      time_.after(20ms, [this, id] {
        if (!stopped) handler_->on_drained(id);
      });
      return Errc::queue_full;
    }
    later([this, id, frame = std::move(frame)] { arrived(id, frame); });
    return {};
  }
  std::size_t queued_bytes(ConnectionId) const override { return 0; }
  void watch_drain(ConnectionId) override {}
  void close(ConnectionId id, const Error& reason) override { lose(id, reason); }
  TransportCounters counters() const override { return {}; }

 private:
  template <class F>
  void later(F work) {
    time_.after(1ms, [this, work = std::move(work)] {
      if (!stopped) work();
    });
  }
  void arrived(ConnectionId id, const Frame& frame) {
    const auto at = connections_.find(id);
    if (at == connections_.end() || nodes[at->second].stopped) return;
    Result<wire::Message> message = wire::decode(frame.head);
    REQUIRE(message.ok());
    ScriptedNode& node = nodes[at->second];
    node.seen.push_back(*message);
    node.payload_bytes += frame.payload.size();
    if (node.script && node.script(id, *message)) return;
    std::visit([&](auto& body) { serve(id, at->second, node, body, frame.payload); }, *message);
  }

  template <class T>
  void serve(ConnectionId, NodeId, ScriptedNode&, const T&, const Buffer&) {}
  void serve(ConnectionId id, NodeId self, ScriptedNode& node, const wire::Hello&, const Buffer&) {
    wire::Hello hello;
    hello.founded = true;
    hello.cluster = node.cluster;
    hello.reply = true;
    hello.node = self;
    answer(id, hello);
  }
  void serve(ConnectionId id, NodeId self, ScriptedNode& node, const wire::QueryLeader& ask, const Buffer&) {
    wire::LeaderInfo info;
    info.request = ask.request;
    info.from = self;
    info.leader = node.leader;
    info.term = node.term;
    info.serving = node.leader == self && node.serving;
    info.state = node.state;
    info.reachable = node.reachable;
    info.members = 3;
    answer(id, info);
  }
  void serve(ConnectionId id, NodeId self, ScriptedNode& node, const wire::Ping& ping, const Buffer&) {
    answer(id, wire::Pong{ping.request, self, node.leader, node.term});
  }
  void serve(ConnectionId id, NodeId self, ScriptedNode& node, const wire::Upload& ask, const Buffer&) {
    if (node.leader != self)
      return answer(id, wire::ErrorReply{ask.request, Errc::not_leader, "I follow", node.leader});
    uploads_[{id, ask.request}] = ask;
    if (node.images.contains(ask.digest)) return acknowledge(id, self, ask, true);
    const std::uint64_t held = node.partial[ask.upload].size();
    answer(id, wire::Credit{ask.request, held, held + node.window_bytes});
  }
  void serve(ConnectionId id, NodeId self, ScriptedNode& node, const wire::Chunk& chunk, const Buffer& payload) {
    const auto at = uploads_.find({id, chunk.request});
    if (at == uploads_.end()) return;
    const wire::Upload& ask = at->second;
    std::vector<std::byte>& held = node.partial[ask.upload];
    REQUIRE(chunk.offset == held.size());
    held.insert(held.end(), payload.view().begin(), payload.view().end());
    if (held.size() < ask.size_bytes)
      return answer(id, wire::Credit{chunk.request, held.size(), held.size() + node.window_bytes});
    REQUIRE(digest_of(held) == ask.digest);
    node.images[ask.digest] = held;
    acknowledge(id, self, ask, false);
  }
  void acknowledge(ConnectionId id, NodeId self, const wire::Upload& ask, bool already) {
    answer(id, wire::UploadResult{ask.request, ask.digest, ask.size_bytes, {1, self, 1}, self, 2, 3, already});
  }
  void serve(ConnectionId id, NodeId, ScriptedNode& node, const wire::Info& ask, const Buffer&) {
    for (const auto& [digest, bytes] : node.images) {
      if (!digest.hex().starts_with(ask.prefix)) continue;
      wire::InfoResult result{ask.request, {}};
      result.entry.record.digest = digest;
      result.entry.record.size_bytes = bytes.size();
      result.entry.record.name = "a.jpg";
      result.entry.present = true;
      return answer(id, result);
    }
    answer(id, wire::ErrorReply{ask.request, Errc::not_found, "no image has the id " + ask.prefix, kNobody});
  }
  void serve(ConnectionId id, NodeId, ScriptedNode& node, const wire::Fetch& ask, const Buffer&) {
    const auto at = node.images.find(ask.digest);
    if (at == node.images.end()) return answer(id, wire::FetchEnd{ask.request, Errc::not_found, "it is not here"});
    answer(id, wire::FetchBegin{ask.request, at->second.size()});
    fetches_[{id, ask.request}] = {ask.digest, ask.offset};
  }
  void serve(ConnectionId id, NodeId, ScriptedNode& node, const wire::Credit& credit, const Buffer&) {
    const auto at = fetches_.find({id, credit.request});
    if (at == fetches_.end()) return;
    auto& [digest, next] = at->second;
    const std::vector<std::byte>& bytes = node.images[digest];
    while (next < std::min<std::uint64_t>(credit.limit, bytes.size())) {
      const std::size_t size =
          std::min<std::size_t>(128 * 1024, std::min<std::uint64_t>(credit.limit, bytes.size()) - next);
      answer(id, wire::Chunk{credit.request, next}, Buffer::copy_of(ByteView(bytes).subspan(next, size)));
      next += size;
    }
    if (next == bytes.size()) answer(id, wire::FetchEnd{credit.request, Errc::ok, {}});
  }
  void serve(ConnectionId id, NodeId self, ScriptedNode& node, const wire::Verify& ask, const Buffer&) {
    answer(id, wire::VerifyResult{
                   ask.request, self, node.images.contains(ask.digest) ? Errc::ok : Errc::not_found, {}, "f"});
  }
  void serve(ConnectionId id, NodeId self, ScriptedNode& node, const wire::QueryMembers& ask, const Buffer&) {
    wire::MembersResult result{ask.request, self, node.leader, node.term, {}, 0, false, {}, {}};
    result.rows.resize(3);
    answer(id, result);
  }

  VirtualTime& time_;
  TransportHandler* handler_ = nullptr;
  std::uint64_t last_ = 0;
  std::map<ConnectionId, NodeId> connections_;
  std::map<std::pair<ConnectionId, wire::RequestId>, wire::Upload> uploads_;
  std::map<std::pair<ConnectionId, wire::RequestId>, std::pair<Digest, std::uint64_t>> fetches_;
};

class MemorySource final : public ImageSource {
 public:
  MemorySource(VirtualTime& time, std::vector<std::byte> bytes, std::string name = "a.jpg")
      : time_(time), bytes_(std::move(bytes)), name_(std::move(name)) {}
  const std::string& name() const override { return name_; }
  void identify(Callback<void(Result<Content>)> done) override {
    ++identified;
    time_.post([this, call = std::move(done)] { call(Content{bytes_.size(), digest_of(bytes_)}); });
  }
  void read(ReadRange range, Callback<void(Result<Buffer>)> done) override {
    reads_under_way_most = std::max(reads_under_way_most, ++reads_under_way_);
    time_.post([this, range, call = std::move(done)] {
      --reads_under_way_;
      call(Buffer::copy_of(ByteView(bytes_).subspan(range.offset, range.size_bytes)));
    });
  }
  int identified = 0;
  int reads_under_way_most = 0;

 private:
  VirtualTime& time_;
  const std::vector<std::byte> bytes_;
  const std::string name_;
  int reads_under_way_ = 0;
};

class MemorySink final : public ImageSink {
 public:
  explicit MemorySink(VirtualTime& time) : time_(time) {}
  void restart() override { bytes.clear(), ++restarts; }
  void write(Buffer part, Callback<void(Status)> done) override {
    bytes.insert(bytes.end(), part.view().begin(), part.view().end());
    time_.post([call = std::move(done)] { call(Status()); });
  }
  void finish(const ImageRecord& record, Callback<void(Status)> done) override {
    const bool whole = digest_of(bytes) == record.digest;
    time_.post([call = std::move(done), whole] { call(whole ? Status() : Status(Errc::integrity)); });
  }
  std::vector<std::byte> bytes;
  int restarts = 0;

 private:
  VirtualTime& time_;
};

/// Everything that a story needs.
struct World {
  VirtualTime time;
  ScriptedCluster cluster{time};
  CountingEntropy entropy;
  Config config;
  std::unique_ptr<Client> client;

  explicit World(std::chrono::milliseconds timeout = 10s, unsigned retries = 8) {
    for (unsigned id = 1; id <= 3; ++id)
      config.peers.push_back({NodeId{id}, {"127.0.0.1", static_cast<std::uint16_t>(7000 + id)}});
    config.timeout = timeout;
    config.retries = retries;
    auto opened = Client::open(config, {&time, &cluster, &time, &entropy, nullptr});
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? std::string() : opened.error().text()));
    client = std::move(*opened);
  }

  /// Where an operation's answer lands.
  template <class T>
  struct Answer {
    std::optional<Result<T>> result;
    int calls = 0;
  };
  template <class T>
  static std::pair<std::shared_ptr<Answer<T>>, Callback<void(Result<T>)>> expect() {
    auto answer = std::make_shared<Answer<T>>();
    return {answer, [answer](Result<T> result) {
              ++answer->calls;
              answer->result.emplace(std::move(result));
            }};
  }
  template <class T>
  Result<T> wait(const std::shared_ptr<Answer<T>>& answer) {
    REQUIRE(time.run_until([&] { return answer->result.has_value(); }));
    return *answer->result;
  }
  auto begin_upload(std::shared_ptr<ImageSource> source) {
    auto [answer, done] = expect<UploadOutcome>();
    client->upload(std::move(source), nullptr, std::move(done));
    return answer;
  }
  Result<UploadOutcome> upload(std::size_t size) {
    return wait(begin_upload(std::make_shared<MemorySource>(time, picture(size))));
  }
  Result<LeaderView> discover() {
    auto [answer, done] = expect<LeaderView>();
    client->discover(std::move(done));
    return wait(answer);
  }
};

inline std::vector<std::byte> put_everywhere(World& world, std::size_t size) {
  const std::vector<std::byte> bytes = picture(size);
  for (auto& [id, node] : world.cluster.nodes)
    node.images[digest_of(bytes)] = bytes;
  return bytes;
}

}  // namespace client_test
