// What the transport's tests share: a session without cryptography, a recording handler, a world to run in.
#pragma once

#include "asio/asio_transport.hpp"

#include <doctest/doctest.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <map>

namespace cloudp2p::asio_net::testing {

using namespace std::chrono_literals;

/// The wire in the clear: hello "HI" role lane node(4), answer "OK" node(4); then frames: head and payload length (4
/// each, little-endian), head, payload. A head length of ~0: a farewell whose payload is the message.
class PlainSession final : public SecureSession {
 public:
  struct Self {
    NodeId node = kNobody;
    Role role = Role::node;
  };
  static constexpr std::size_t kHelloBytes = 8;
  static constexpr std::size_t kAnswerBytes = 6;

  static std::unique_ptr<PlainSession> initiate(Self self, NodeId expected, Lane lane);
  static std::unique_ptr<PlainSession> respond(Self self);

  [[nodiscard]] ByteView output() const override { return out_; }
  void clear_output() override { out_.clear(); }
  [[nodiscard]] std::span<std::byte> prepare() override;
  [[nodiscard]] Status commit(std::size_t size_bytes, std::vector<Frame>& frames) override;
  [[nodiscard]] bool established() const override { return established_; }
  [[nodiscard]] SessionInfo info() const override { return info_; }
  [[nodiscard]] Status seal(std::span<const Frame> frames) override;
  void seal_close(const Error& reason) override;
  [[nodiscard]] std::optional<Error> close_received() const override { return farewell_; }
  [[nodiscard]] bool mid_frame() const override { return established_ && !in_.empty(); }
  void release_scratch() override {}

 private:
  [[nodiscard]] Status take_handshake();
  [[nodiscard]] Status take_frames(std::vector<Frame>& frames);

  Self self_;
  bool initiator_ = false;
  SessionInfo info_;
  bool established_ = false;
  std::vector<std::byte> room_;
  std::vector<std::byte> in_;
  std::vector<std::byte> out_;
  std::optional<Error> farewell_;
};

class PlainSessions final : public SecureSessionFactory {
 public:
  explicit PlainSessions(PlainSession::Self self) : self_(self) {}
  [[nodiscard]] Result<std::unique_ptr<SecureSession>> initiate(NodeId expected, Lane lane) override {
    return std::unique_ptr<SecureSession>(PlainSession::initiate(self_, expected, lane));
  }
  [[nodiscard]] std::unique_ptr<SecureSession> respond() override { return PlainSession::respond(self_); }

 private:
  const PlainSession::Self self_;
};

class CountingEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override {
    for (std::byte& each : out)
      each = static_cast<std::byte>(state_ = (state_ * 73 + 41) % 256);
  }

 private:
  std::uint32_t state_ = 1;
};

class RecordingLog final : public LogSink {
 public:
  void log(LogLevel, std::string_view line) override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
  }
  [[nodiscard]] std::size_t count(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(lines_.begin(), lines_.end(), [&](const auto& line) { return line.find(part) != line.npos; }));
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// One io_context, run by the test's own thread: the node's thread of every transport in the test.
class World {
 public:
  asio::io_context io{1};

  /// Runs until the condition holds; false after a bound that only a failure reaches.
  template <class Condition>
  [[nodiscard]] bool until(Condition holds, std::chrono::seconds bound = 60s) {
    const auto deadline = std::chrono::steady_clock::now() + bound;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      io.restart();
      io.run_one_for(20ms);
    }
    return true;
  }
  void run_for(std::chrono::milliseconds span) {
    io.restart();
    io.run_for(span);
  }

 private:
  /// An io_context without work returns at once instead of waiting.
  asio::executor_work_guard<asio::io_context::executor_type> busy_{io.get_executor()};
};

/// A transport that records what happens to it.
class Station final : public TransportHandler {
 public:
  struct DialNote {
    NodeId peer;
    Lane lane;
    DialFailure failure;
    Error error;
  };
  Station(World& world, PlainSession::Self self, TransportOptions options = {})
      : sessions(self), transport({world.io.get_executor(), sessions, entropy, log}, std::move(options)) {}
  ~Station() override { transport.stop(); }

  static TransportOptions listening(std::uint16_t port = 0, std::string host = "127.0.0.1") {
    TransportOptions options;
    options.listen = Address{std::move(host), port};
    return options;
  }
  [[nodiscard]] PeerAddress address(NodeId id, std::string host = "127.0.0.1") const {
    return {id, {std::move(host), transport.port()}};
  }
  [[nodiscard]] std::optional<ConnectionId> connection(Lane lane, bool dialled) const {
    for (const auto& [id, info] : open) {
      if (info.lane == lane && info.dialled == dialled) return id;
    }
    return std::nullopt;
  }

  void on_connected(const ConnectionInfo& info) override {
    open.emplace(info.id, info);
    ++connected;
  }
  void on_frame(ConnectionId connection, Frame frame) override {
    if (on_frame_hook) on_frame_hook(connection, frame);
    frames[connection].push_back(std::move(frame));
  }
  void on_closed(ConnectionId connection, const Error& reason) override {
    open.erase(connection);
    closed.emplace_back(connection, reason);
  }
  void on_dial_failed(NodeId peer, Lane lane, DialFailure failure, const Error& error) override {
    dial_notes.push_back({peer, lane, failure, error});
  }
  void on_drained(ConnectionId connection) override {
    ++drained;
    if (on_drained_hook) on_drained_hook(connection);
  }

  PlainSessions sessions;
  CountingEntropy entropy;
  RecordingLog log;
  std::map<ConnectionId, ConnectionInfo> open;
  std::map<ConnectionId, std::vector<Frame>> frames;
  std::vector<std::pair<ConnectionId, Error>> closed;
  std::vector<DialNote> dial_notes;
  std::size_t connected = 0;
  std::size_t drained = 0;
  std::function<void(ConnectionId, const Frame&)> on_frame_hook;
  std::function<void(ConnectionId)> on_drained_hook;
  AsioTransport transport;
};

inline constexpr NodeId kOne{1};
inline constexpr NodeId kTwo{2};

/// A frame whose bytes follow from its number.
[[nodiscard]] Frame numbered_frame(std::uint32_t number, std::size_t head_bytes, std::size_t payload_bytes);
/// The number, when every byte is as it was sent.
[[nodiscard]] std::optional<std::uint32_t> number_of(const Frame& frame);

/// A TCP connection in the test's own hands.
class RawSocket {
 public:
  explicit RawSocket(std::uint16_t port, const std::string& host = "127.0.0.1");
  void write(ByteView bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// The other side has closed it (anything it sent before is skipped).
  [[nodiscard]] bool closed_by_peer();

 private:
  asio::io_context io_;
  tcp::socket socket_;
};
/// What a client says first to node 1.
[[nodiscard]] std::string hello(Role role, Lane lane, NodeId expected = kOne);

}  // namespace cloudp2p::asio_net::testing
