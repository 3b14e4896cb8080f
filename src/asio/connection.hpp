// Connection: one authenticated TCP connection: queue, seal, write; read, open, hand over.
//
// Thread:    lives on its I/O executor: the node's for control lanes, the bulk thread for the rest. `send`,
//            `queued_bytes`, `watch_drain`, `close` and `handled` are called on the node's thread.
// Ownership: its group keeps it while it is open; pending operations until they return.
// Order:     the events of one connection reach the sink in order; after `on_ended` there are none.
// Limits:    the queue is bounded in bytes; so is what was read and not yet handled: reading pauses above it.
#pragma once

#include "asio/handshake.hpp"

#include <deque>
#include <mutex>
#include <unordered_set>

namespace cloudp2p::asio_net {

class Connection;

/// Where events go; called on the connection's I/O thread.
class ConnectionSink {
 public:
  virtual ~ConnectionSink() = default;
  /// Answer with Connection::handled(bytes) once the node has seen the frames.
  virtual void on_frames(const std::shared_ptr<Connection>& from, std::vector<Frame> frames, std::size_t bytes) = 0;
  virtual void on_drained(ConnectionId connection) = 0;
  virtual void on_ended(ConnectionId connection, const Error& reason) = 0;
};

/// The open connections of one I/O executor, and the clock that checks on them.
class ConnectionGroup : public std::enable_shared_from_this<ConnectionGroup> {
 public:
  ConnectionGroup(asio::any_io_executor executor, const TransportOptions& options);
  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
  void add(const std::shared_ptr<Connection>& connection);
  void remove(const std::shared_ptr<Connection>& connection);
  /// Ends all at once, with a farewell where that needs no waiting. No events follow.
  void shut(const Error& reason);

 private:
  void schedule();
  void check();

  const asio::any_io_executor executor_;
  const Duration interval_;
  std::unordered_set<std::shared_ptr<Connection>> open_;
  asio::steady_timer timer_;
  TimePoint last_check_;
  bool scheduled_ = false;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Setup {
    ConnectionId id;
    std::shared_ptr<ConnectionGroup> group;
    std::shared_ptr<ConnectionSink> sink;
    SharedCounters counters;
    std::shared_ptr<void> admission;  ///< Released when the connection ends.
  };
  Connection(Setup setup, Link link, bool dialled, const TransportOptions& options);

  // On the node's thread.
  [[nodiscard]] const ConnectionInfo& info() const noexcept { return info_; }
  [[nodiscard]] Status send(Frame frame);
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return queued_bytes_.load(std::memory_order_relaxed); }
  void watch_drain();
  void close(const Error& reason);
  void handled(std::size_t bytes);

  // On the I/O thread.
  void start();
  void shut(const Error& reason);
  struct Check {
    TimePoint now;
    bool fair;  ///< False after a pause of this process: what others did meanwhile is not yet known.
  };
  void check(const Check& at);

 private:
  enum class State : std::uint8_t { open, flushing, lingering, ended };

  void read();
  void on_readable(const std::error_code& error);
  [[nodiscard]] bool read_turn(std::vector<Frame>& frames, Status& outcome);
  void hand_over(std::vector<Frame> frames);
  void linger_read();
  void schedule_flush();
  void flush();
  [[nodiscard]] std::vector<Frame> take_batch();
  void write();
  void on_writable(const std::error_code& error);
  void begin_farewell();
  void tell_if_drained();
  void end(const Error& reason);
  void discard_queue();
  [[nodiscard]] std::optional<Error> judge(const Check& at);

  const TransportOptions options_;
  const Setup setup_;
  ConnectionInfo info_;
  const std::size_t queue_bytes_max_;

  // The I/O thread's.
  tcp::socket socket_;
  std::unique_ptr<SecureSession> session_;
  std::vector<Frame> early_frames_;
  std::size_t batch_bytes_ = 0;
  std::size_t sent_bytes_ = 0;  ///< Of the session's output.
  State state_ = State::open;
  bool writing_ = false;
  bool farewell_written_ = false;
  Error close_reason_;
  std::uint64_t read_bytes_ = 0;
  std::uint64_t written_bytes_ = 0;
  std::uint64_t read_frames_ = 0;
  TimePoint opened_at_;
  struct Mark {  ///< What was true when the clock in question was started.
    TimePoint at;
    std::uint64_t bytes = 0;
    std::uint64_t frames = 0;
    bool running = false;
  };
  Mark idle_;
  Mark frame_;
  Mark closing_;

  // Shared.
  std::mutex mutex_;
  std::deque<Frame> queue_;
  bool flush_scheduled_ = false;
  std::atomic<std::size_t> queued_bytes_{0};
  std::atomic<bool> drain_wanted_{false};
  std::atomic<bool> closing_asked_{false};
  std::atomic<std::size_t> unhandled_bytes_{0};
  std::atomic<bool> paused_{false};
};

}  // namespace cloudp2p::asio_net
