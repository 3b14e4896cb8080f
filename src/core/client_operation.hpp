// What every client operation does alike: answer once, mind the time, find the leader, try again.
#pragma once

#include "core/client_core.hpp"

namespace cloudp2p::core {

/// One call of the Client's interface, from its begin to its answer.
class Operation : public ClientListener, public std::enable_shared_from_this<Operation> {
 public:
  Operation(ClientCore& core, OperationId id) : core_(core), id_(id) {}

  virtual void begin() = 0;
  /// Ends it with this error. May be called at any time before it has answered.
  virtual void fail(Error error) = 0;
  [[nodiscard]] virtual bool wants_leader() const { return false; }
  virtual void on_leader(const KnownLeader& leader) { (void)leader; }
  virtual void on_search_failed(const Error& error) { (void)error; }
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  [[nodiscard]] OperationId id() const noexcept { return id_; }

 protected:
  /// Called once, before the answer: stop timers, forget requests, tell nodes.
  virtual void clean_up() { core_.cancel_timer(deadline_); }
  /// Called when nothing happened for the configured timeout.
  virtual void timed_out() = 0;
  /// Time without progress counts from here.
  void progressed();

  template <class T>
  void answer(Callback<void(Result<T>)>& done, Result<T> result) {
    if (finished_) return;
    finished_ = true;
    const std::shared_ptr<Operation> alive = shared_from_this();
    clean_up();
    core_.retire(id_);
    core_.post([call = std::move(done), value = std::move(result)]() mutable { call(std::move(value)); });
  }
  [[nodiscard]] RequestId expect(NodeId node) { return core_.expect(node, shared_from_this()); }
  /// A callback for a port: does nothing once the operation has answered.
  template <class Self, class F>
  [[nodiscard]] static auto guarded(Self* self, F function) {
    return [weak = self->weak_from_this(), self, function = std::move(function)](auto&&... args) mutable {
      const std::shared_ptr<Operation> alive = weak.lock();
      if (alive && !alive->finished()) function(*self, std::forward<decltype(args)>(args)...);
    };
  }

  ClientCore& core_;

 private:
  void deadline_passed();

  const OperationId id_;
  bool finished_ = false;
  TimerId deadline_ = kNoTimer;
  TimePoint progress_at_{};
};

/// An operation that the leader answers, retried until the budget is spent.
///
/// A failure counts once: the same node failing in the same way in the same term is the same failure, which only the
/// timeout ends; a lost connection and a full disk count each time.
class LeaderOperation : public Operation {
 public:
  using Operation::Operation;

  [[nodiscard]] bool wants_leader() const override { return state_ == State::seeking || (working() && doubting_); }
  void on_leader(const KnownLeader& leader) override;
  void on_search_failed(const Error& error) override;
  void on_link_failed(NodeId node, const Error& error) override;
  void on_link_silent(NodeId node) override;
  void on_answer(RequestId request, wire::Message& message, Buffer payload) override;

 protected:
  /// Send the request to `leader()` under `request()`.
  virtual void attempt() = 0;
  /// The answer, or a part of it.
  virtual void on_reply(wire::Message& message, Buffer payload) = 0;
  /// The leader refused. True: dealt with; else it is tried again or ends here, as its code says.
  virtual bool on_refusal(const wire::ErrorReply&) { return false; }
  /// The attempt under way came to nothing; `code` says how.
  virtual void attempt_over(Errc code) { (void)code; }

  void clean_up() override;
  void timed_out() override;
  void acquire(NodeId hint = kNobody);
  /// Drops the present attempt and makes another, unless the budget is spent.
  void retry(Errc code, const std::string& message, NodeId hint = kNobody);
  /// The other side breaks the protocol: the connection is of no use.
  void reject(const std::string& what);
  /// No further help from the leader is wanted; the operation goes on by itself.
  void leave_leader();
  void renew_budget() noexcept { failures_ = pauses_ = 0; }
  /// Counts a failure; true when the budget is spent.
  [[nodiscard]] bool spent(NodeId node, Errc code);
  [[nodiscard]] Duration next_pause();

  [[nodiscard]] bool working() const noexcept { return state_ == State::working; }
  [[nodiscard]] NodeId leader() const noexcept { return leader_.node; }
  [[nodiscard]] const KnownLeader& known() const noexcept { return leader_; }
  [[nodiscard]] RequestId request() const noexcept { return request_; }
  [[nodiscard]] unsigned attempts() const noexcept { return attempts_; }

 private:
  enum class State : std::uint8_t { idle, seeking, working, pausing };
  struct Failure {
    NodeId node = kNobody;
    Term term = 0;
    Errc code = Errc::ok;
    friend bool operator==(const Failure&, const Failure&) = default;
  };
  void begin_attempt(const KnownLeader& leader);
  void end_attempt(Errc code);

  State state_ = State::idle;
  bool doubting_ = false;  ///< The leader went silent: others are asked, its answer still counts.
  KnownLeader leader_;
  RequestId request_ = 0;
  unsigned attempts_ = 0;
  unsigned failures_ = 0;
  unsigned pauses_ = 0;
  Failure last_failure_;
  TimerId pause_ = kNoTimer;
};

/// Adds the callback that takes the answer.
template <class Base, class T>
class Answering : public Base {
 public:
  Answering(ClientCore& core, OperationId id, Callback<void(Result<T>)> done)
      : Base(core, id), done_(std::move(done)) {}
  void fail(Error error) override { finish(std::move(error)); }

 protected:
  void finish(Result<T> result) { this->answer(done_, std::move(result)); }

 private:
  Callback<void(Result<T>)> done_;
};

/// Tells the owner how far a transfer is, never inline.
class Progress {
 public:
  explicit Progress(ProgressCallback callback);
  void report(ClientCore& core, TransferProgress progress) const;

 private:
  std::shared_ptr<ProgressCallback> callback_;
};

}  // namespace cloudp2p::core
