#include "core/client_operation.hpp"

namespace cloudp2p::core {

namespace {

constexpr Duration kFirstRetryPause = std::chrono::milliseconds(10);
constexpr Duration kLongestRetryPause = std::chrono::milliseconds(100);

/// Another leader, or the same one a moment later, may well do it.
bool is_retriable(Errc code) {
  switch (code) {
    case Errc::not_leader:
    case Errc::no_leader:
    case Errc::no_quorum:
    case Errc::stale_term:
    case Errc::outcome_unknown:
    case Errc::unreachable:
    case Errc::timed_out:
    case Errc::busy:
    case Errc::cancelled:
    case Errc::full:
    case Errc::read_only:
    case Errc::io:
    case Errc::queue_full:
    case Errc::closed: return true;
    default: return false;
  }
}

/// Each of these is an event of its own; the others are the same answer given again.
bool counts_each_time(Errc code) {
  return code == Errc::unreachable || code == Errc::full || code == Errc::read_only || code == Errc::integrity;
}

std::string seconds_text(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

}  // namespace

void Operation::progressed() {
  progress_at_ = core_.now();
  if (deadline_ == kNoTimer)
    deadline_ = core_.after(core_.config().timeout, guarded(this, [](Operation& self) { self.deadline_passed(); }));
}

void Operation::deadline_passed() {
  deadline_ = kNoTimer;
  const Duration left = progress_at_ + core_.config().timeout - core_.now();
  if (left <= Duration::zero()) return timed_out();
  deadline_ = core_.after(left, guarded(this, [](Operation& self) { self.deadline_passed(); }));
}

void LeaderOperation::clean_up() {
  Operation::clean_up();
  core_.cancel_timer(pause_);
  if (working()) core_.links().send(leader_.node, wire::Cancel{request_});
  core_.forget(request_);
  state_ = State::idle;
}

void LeaderOperation::acquire(NodeId hint) {
  if (const KnownLeader* leader = core_.usable_leader()) return begin_attempt(*leader);
  state_ = State::seeking;
  core_.seek_leader(hint);
}

void LeaderOperation::begin_attempt(const KnownLeader& leader) {
  leader_ = leader;
  state_ = State::working;
  doubting_ = false;
  ++attempts_;
  request_ = expect(leader.node);
  attempt();
}

void LeaderOperation::end_attempt(Errc code) {
  core_.forget(request_);
  const bool was_working = working();
  state_ = State::idle;
  doubting_ = false;
  if (was_working) attempt_over(code);
  request_ = 0;
}

void LeaderOperation::leave_leader() {
  core_.forget(request_);
  request_ = 0;
  state_ = State::idle;
}

void LeaderOperation::on_leader(const KnownLeader& leader) {
  if (state_ == State::seeking) return begin_attempt(leader);
  if (!working() || !doubting_) return;
  doubting_ = false;
  if (leader.node == leader_.node && leader.connection == leader_.connection) return;  // It was only slow.
  const std::string title = core_.links().title(leader_.node);
  core_.links().send(leader_.node, wire::Cancel{request_});
  end_attempt(Errc::unreachable);
  if (spent(leader_.node, Errc::unreachable))
    return fail({Errc::unreachable, title + " stopped answering, as others did before it"});
  core_.log(title + " is silent, node " + to_string(leader.node) + " leads now: trying there");
  begin_attempt(leader);
}

void LeaderOperation::on_search_failed(const Error& error) {
  if (state_ == State::seeking) fail(error);
}

void LeaderOperation::on_link_failed(NodeId node, const Error& error) {
  if (working() && node == leader_.node) retry(Errc::unreachable, error.text());
}

void LeaderOperation::on_link_silent(NodeId node) {
  if (!working() || node != leader_.node || doubting_) return;
  doubting_ = true;
  core_.seek_leader(kNobody);
}

void LeaderOperation::on_answer(RequestId request, wire::Message& message, Buffer payload) {
  if (!working() || request != request_) return;
  doubting_ = false;
  const auto* error = std::get_if<wire::ErrorReply>(&message);
  if (error == nullptr) return on_reply(message, std::move(payload));
  if (on_refusal(*error)) return;
  const std::string text = Error{error->code, error->message}.text();
  if (is_retriable(error->code))
    return retry(error->code, core_.links().title(leader_.node) + ": " + text, error->leader);
  end_attempt(error->code);
  fail({error->code == Errc::ok ? Errc::protocol : error->code, text});
}

bool LeaderOperation::spent(NodeId node, Errc code) {
  const Failure failure{node, leader_.term, code};
  if (counts_each_time(code) || failure != last_failure_) ++failures_;
  last_failure_ = failure;
  return failures_ > core_.config().retries;
}

Duration LeaderOperation::next_pause() {
  Duration pause = kFirstRetryPause;
  for (unsigned i = 0; i < pauses_ && pause < kLongestRetryPause; ++i)
    pause = pause * 3 / 2;
  ++pauses_;
  return core_.jittered(std::min(pause, kLongestRetryPause));
}

void LeaderOperation::retry(Errc code, const std::string& message, NodeId hint) {
  end_attempt(code);
  const bool leads = code == Errc::busy || code == Errc::conflict;
  if (!leads) core_.doubt_leader(leader_.connection);
  if (spent(leader_.node, code))
    return fail({code, message + " (gave up after " + std::to_string(attempts_) + " attempts)"});
  core_.log(message + ": trying again");
  if (pauses_ == 0 && !leads) {
    ++pauses_;
    return acquire(hint);
  }
  state_ = State::pausing;
  pause_ = core_.after(next_pause(), guarded(this, [hint](LeaderOperation& self) {
                         self.pause_ = kNoTimer;
                         self.acquire(hint);
                       }));
}

void LeaderOperation::reject(const std::string& what) {
  const NodeId node = leader_.node;
  const std::string text = core_.links().title(node) + " broke the protocol: " + what;
  retry(Errc::unreachable, text);
  core_.links().close(node, {Errc::protocol, what});
}

void LeaderOperation::timed_out() {
  const std::string waited = seconds_text(core_.config().timeout);
  if (!working()) {
    Error error = core_.search()->running() ? core_.search()->verdict() : Error{Errc::no_leader, "no leader was found"};
    error.message += " (waited " + waited + ")";
    return fail(std::move(error));
  }
  fail({Errc::timed_out, core_.links().title(leader_.node) + " did not answer within " + waited +
                             ": is it overloaded, or is the timeout too short?"});
}

Progress::Progress(ProgressCallback callback)
    : callback_(callback ? std::make_shared<ProgressCallback>(std::move(callback)) : nullptr) {}

void Progress::report(ClientCore& core, TransferProgress progress) const {
  if (callback_) core.post([callback = callback_, progress] { (*callback)(progress); });
}

}  // namespace cloudp2p::core
