#include "asio/connection.hpp"

#include "asio/boot_clock.hpp"

namespace cloudp2p::asio_net {
namespace {

constexpr std::size_t kWriteBatchBytes = 256 * 1024;
// Then other connections of this thread get their turn.
constexpr std::size_t kReadTurnBytes = 256 * 1024;
constexpr std::size_t kWriteTurnBytes = 1024 * 1024;

std::size_t size_of(const std::vector<Frame>& frames) {
  std::size_t sum = 0;
  for (const Frame& frame : frames)
    sum += frame.size();
  return sum;
}

}  // namespace

Connection::Connection(Setup setup, Link link, bool dialled, const TransportOptions& options)
    : options_(options),
      setup_(std::move(setup)),
      queue_bytes_max_(link.info.lane == Lane::control ? options.control_queue_bytes_max
                                                       : options.bulk_queue_bytes_max),
      socket_(std::move(link.socket)),
      session_(std::move(link.session)),
      early_frames_(std::move(link.early_frames)),
      opened_at_(boot_now()) {
  info_ = {setup_.id,      link.info.lane, link.info.role,     dialled,
           link.info.peer, link.remote,    link.info.identity, link.info.rights};
}

// ---- the node's thread

Status Connection::send(Frame frame) {
  if (closing_asked_.load(std::memory_order_relaxed)) return Errc::closed;
  if (frame.head.size() > limits::kHeadBytesMax || frame.payload.size() > limits::kPayloadBytesMax) {
    return Error{Errc::invalid_argument, "a frame is larger than the protocol allows"};
  }
  const std::size_t size = frame.size();
  const std::size_t reserved = frame.payload.empty() ? 0 : queue_bytes_max_ / 8;
  if (queued_bytes_.load(std::memory_order_relaxed) + size > queue_bytes_max_ - reserved) {
    watch_drain();
    return Error{Errc::queue_full, "the queue to " + info_.remote + " is full"};
  }
  queued_bytes_.fetch_add(size);
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(frame));
    if (std::exchange(flush_scheduled_, true)) return {};
  }
  schedule_flush();
  return {};
}

void Connection::watch_drain() {
  drain_wanted_.store(true);
  if (queued_bytes_.load() >= queue_bytes_max_ / 4) return;
  // From a handler of its own: never inline, and in order with the connection's other events.
  asio::post(setup_.group->executor(), [self = shared_from_this()] {
    if (self->state_ == State::open) self->tell_if_drained();
  });
}

void Connection::close(const Error& reason) {
  if (closing_asked_.exchange(true)) return;
  asio::post(setup_.group->executor(), [self = shared_from_this(), reason] {
    if (self->state_ != State::open) return;
    self->state_ = State::flushing;
    self->close_reason_ = reason;
    self->flush();
  });
}

void Connection::handled(std::size_t bytes) {
  const std::size_t left = unhandled_bytes_.fetch_sub(bytes) - bytes;
  if (left > options_.unhandled_bytes_max / 2 || !paused_.exchange(false)) return;
  asio::post(setup_.group->executor(), [self = shared_from_this()] { self->read(); });
}

// ---- the I/O thread: reading

void Connection::start() {
  setup_.group->add(shared_from_this());
  if (!early_frames_.empty()) hand_over(std::exchange(early_frames_, {}));
  if (const auto farewell = session_->close_received()) return end(*farewell);
  read();
}

// Waits for readability, not for bytes: no buffer is tied up by a connection that is quiet.
void Connection::read() {
  if (state_ == State::ended || state_ == State::lingering) return;
  if (unhandled_bytes_.load() >= options_.unhandled_bytes_max) {
    paused_.store(true);
    const bool still = unhandled_bytes_.load() > options_.unhandled_bytes_max / 2;
    if (still || !paused_.exchange(false)) return;  // The node's thread resumes, or has just done so.
  }
  socket_.async_wait(tcp::socket::wait_read,
                     [self = shared_from_this()](const std::error_code& error) { self->on_readable(error); });
}

void Connection::on_readable(const std::error_code& error) {
  if (state_ == State::ended || state_ == State::lingering) return;
  if (error) return end(broken(info_.remote, error));
  std::vector<Frame> frames;
  Status outcome;
  const bool usable = read_turn(frames, outcome);
  if (!frames.empty() && state_ == State::open) hand_over(std::move(frames));
  if (state_ == State::ended) return;
  if (const auto farewell = session_->close_received()) return end(*farewell);
  if (!usable) return end(outcome.error());
  if (!writing_) flush();
  read();
}

bool Connection::read_turn(std::vector<Frame>& frames, Status& outcome) {
  for (std::size_t turn_bytes = 0; turn_bytes < kReadTurnBytes && !session_->close_received();) {
    const std::span<std::byte> room = session_->prepare();
    std::error_code error;
    const std::size_t size = socket_.read_some(asio::buffer(room.data(), room.size()), error);
    if (error == asio::error::would_block) return true;
    if (error) {
      outcome = broken(info_.remote, error);
      return false;
    }
    turn_bytes += size;
    read_bytes_ += size;
    setup_.counters->bytes_in.fetch_add(size, std::memory_order_relaxed);
    outcome = session_->commit(size, frames);
    if (!outcome) {
      setup_.counters->protocol_errors.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    if (size < room.size()) return true;  // All that was there; what comes now wakes us again.
  }
  return true;
}

void Connection::hand_over(std::vector<Frame> frames) {
  const std::size_t bytes = size_of(frames);
  read_frames_ += frames.size();
  unhandled_bytes_.fetch_add(bytes);
  setup_.sink->on_frames(shared_from_this(), std::move(frames), bytes);
}

// ---- the I/O thread: writing

void Connection::schedule_flush() {
  asio::post(setup_.group->executor(), [self = shared_from_this()] { self->flush(); });
}

void Connection::flush() {
  const std::uint64_t turn_ends = written_bytes_ + kWriteTurnBytes;
  while (!writing_ && state_ != State::ended && state_ != State::lingering) {
    if (written_bytes_ >= turn_ends) return schedule_flush();
    const std::vector<Frame> batch = take_batch();
    batch_bytes_ = size_of(batch);
    if (!batch.empty()) {
      if (const Status sealed = session_->seal(batch); !sealed) return end(sealed.error());
    } else if (state_ == State::flushing && !farewell_written_) {
      session_->seal_close(close_reason_);
      farewell_written_ = true;
    }
    if (session_->output().empty()) {
      if (farewell_written_) begin_farewell();
      return;
    }
    write();
  }
}

std::vector<Frame> Connection::take_batch() {
  std::vector<Frame> batch;
  const std::lock_guard lock(mutex_);
  for (std::size_t bytes = 0;
       !queue_.empty() && (batch.empty() || bytes + queue_.front().size() <= kWriteBatchBytes);) {
    bytes += queue_.front().size();
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  flush_scheduled_ = !batch.empty();
  return batch;
}

/// As much as the socket takes at once: a composed write would go there in pieces of 64 KiB, by way of the reactor.
void Connection::write() {
  const ByteView out = session_->output();
  while (sent_bytes_ < out.size()) {
    const ByteView rest = out.subspan(sent_bytes_);
    std::error_code error;
    const std::size_t size = socket_.write_some(asio::buffer(rest.data(), rest.size()), error);
    if (error == asio::error::would_block) {
      writing_ = true;
      return socket_.async_wait(tcp::socket::wait_write,
                                [self = shared_from_this()](const std::error_code& e) { self->on_writable(e); });
    }
    if (error) return end(broken(info_.remote, error));
    sent_bytes_ += size;
    written_bytes_ += size;
  }
  session_->clear_output();
  setup_.counters->bytes_out.fetch_add(std::exchange(sent_bytes_, 0), std::memory_order_relaxed);
  queued_bytes_.fetch_sub(std::exchange(batch_bytes_, 0));
  if (state_ == State::open) tell_if_drained();
}

void Connection::on_writable(const std::error_code& error) {
  writing_ = false;
  if (state_ == State::ended) return;
  if (error) return end(broken(info_.remote, error));
  write();
  flush();
}

void Connection::tell_if_drained() {
  if (queued_bytes_.load() >= queue_bytes_max_ / 4) return;
  if (drain_wanted_.exchange(false)) setup_.sink->on_drained(info_.id);
}

// ---- the I/O thread: ending

// Closing a socket with unread input resets the connection, and the farewell would be lost: read until the other side
// has seen it, for a bounded time.
void Connection::begin_farewell() {
  std::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  socket_.cancel(ignored);
  state_ = State::lingering;
  closing_.running = false;
  setup_.sink->on_ended(info_.id, close_reason_);
  linger_read();
}

void Connection::linger_read() {
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](std::error_code error) {
    if (self->state_ != State::lingering) return;
    std::array<std::byte, 16 * 1024> waste;
    if (!error) self->socket_.read_some(asio::buffer(waste), error);
    if (error && error != asio::error::would_block) return self->end({});
    self->linger_read();
  });
}

void Connection::end(const Error& reason) {
  if (state_ == State::ended) return;
  const bool told = state_ == State::lingering;
  const bool asked = state_ == State::flushing;
  state_ = State::ended;
  closing_asked_.store(true);
  std::error_code ignored;
  socket_.close(ignored);
  discard_queue();
  const auto self = shared_from_this();
  setup_.group->remove(self);
  if (!told) setup_.sink->on_ended(info_.id, asked ? close_reason_ : reason);
}

void Connection::discard_queue() {
  std::deque<Frame> doomed;
  {
    const std::lock_guard lock(mutex_);
    doomed.swap(queue_);
    flush_scheduled_ = true;  // Nothing will ever be flushed again.
  }
  queued_bytes_.store(0);
}

void Connection::shut(const Error& reason) {
  if (state_ == State::open && !writing_) {
    session_->seal_close(reason);
    static_cast<void>(write_now(socket_, session_->output()));
  }
  state_ = State::ended;
  closing_asked_.store(true);
  std::error_code ignored;
  socket_.close(ignored);
  discard_queue();
}

// ---- the I/O thread: keeping watch

void Connection::check(const Check& at) {
  if (state_ == State::ended) return;
  if (const auto verdict = judge(at)) return end(*verdict);
  const bool quiet =
      !writing_ && !session_->mid_frame() && idle_.running && at.now - idle_.at >= std::chrono::seconds(1);
  if (!quiet || state_ != State::open) return;
  session_->release_scratch();
}

std::optional<Error> Connection::judge(const Check& at) {
  const std::uint64_t moved = read_bytes_ + written_bytes_;
  if (!idle_.running || idle_.bytes != moved || !at.fair) idle_ = {at.now, moved, 0, true};
  if (at.now - idle_.at > options_.idle_timeout)
    return Error{Errc::timed_out, info_.remote + " was silent for too long"};

  const bool waiting = session_->mid_frame() && !paused_.load();
  if (!waiting || !frame_.running || frame_.frames != read_frames_ || !at.fair) {
    frame_ = {at.now, read_bytes_, read_frames_, waiting};
  }
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(at.now - frame_.at);
  const std::uint64_t due = static_cast<std::uint64_t>(waited.count()) * options_.frame_bytes_per_second_min / 1000;
  if (waiting && waited > options_.frame_grace && read_bytes_ - frame_.bytes < due) {
    return Error{Errc::timed_out, info_.remote + " was too slow to complete a frame"};
  }

  const bool leaving = state_ != State::open;
  if (!closing_.running || closing_.bytes != written_bytes_) closing_ = {at.now, written_bytes_, 0, leaving};
  if (leaving && at.now - closing_.at > options_.close_timeout)
    return Error{Errc::timed_out, info_.remote + " does not read"};
  if (!leaving && at.now - opened_at_ > options_.session_age_max) {
    close({Errc::closed, "the session's keys are too old: connect again"});
  }
  return std::nullopt;
}

// ---- the group

ConnectionGroup::ConnectionGroup(asio::any_io_executor executor, const TransportOptions& options)
    : executor_(std::move(executor)), interval_(options.check_interval), timer_(executor_) {}

void ConnectionGroup::add(const std::shared_ptr<Connection>& connection) {
  open_.insert(connection);
  if (!std::exchange(scheduled_, true)) schedule();
}

void ConnectionGroup::remove(const std::shared_ptr<Connection>& connection) {
  open_.erase(connection);
}

void ConnectionGroup::shut(const Error& reason) {
  timer_.cancel();
  for (const auto& connection : std::exchange(open_, {}))
    connection->shut(reason);
}

void ConnectionGroup::schedule() {
  last_check_ = boot_now();
  timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(interval_));
  timer_.async_wait([weak = weak_from_this()](const std::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->check();
  });
}

void ConnectionGroup::check() {
  const TimePoint now = boot_now();
  const bool fair = now - last_check_ < 4 * interval_ + std::chrono::seconds(1);
  const std::vector<std::shared_ptr<Connection>> all(open_.begin(), open_.end());
  for (const auto& connection : all)
    connection->check({now, fair});
  scheduled_ = !open_.empty();
  if (scheduled_) schedule();
}

}  // namespace cloudp2p::asio_net
