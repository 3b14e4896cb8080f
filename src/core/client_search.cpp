#include "core/client_search.hpp"

#include "core/client_core.hpp"

namespace cloudp2p::core {

namespace {

constexpr Duration kHeadStart = std::chrono::milliseconds(20);
constexpr Duration kFirstProbePause = std::chrono::milliseconds(10);
constexpr Duration kLongestProbePause = std::chrono::milliseconds(100);
constexpr Duration kFirstRedial = std::chrono::milliseconds(50);
constexpr Duration kLongestRedial = std::chrono::seconds(1);

/// Asking again will not help: somebody has to change a key or a file first.
bool is_settled(Errc code) {
  return code == Errc::bad_key || code == Errc::mismatch || code == Errc::permission;
}

}  // namespace

Error join_failures(const std::vector<Error>& failures) {
  Error out{Errc::unreachable, {}};
  for (const Error& failure : failures) {
    if (!out.message.empty()) out.message += "; ";
    out.message += failure.text();
    if (is_settled(failure.code)) out.code = failure.code;
  }
  const auto settled = std::count_if(failures.begin(), failures.end(), [](const Error& e) { return is_settled(e.code); });
  if (2 * static_cast<std::size_t>(settled) <= failures.size()) out.code = Errc::unreachable;
  return out;
}

void LeaderSearch::start(const KnownLeader& believed, NodeId hint) {
  if (!running_) {
    running_ = true;
    probes_.clear();
    for (const NodeId node : core_.links().nodes())
      probes_[node];
    floor_ = believed.term;
    trust_any_from_ = core_.now() + 2 * core_.failure_timeout();
    const bool alive = core_.links().ready(believed.node) && !core_.links().silent(believed.node);
    const NodeId first = hint != kNobody ? hint : alive ? believed.node : kNobody;
    if (probes_.contains(first)) {
      ask(first);
      head_start_ = core_.after(kHeadStart, [this] { ask_others(); });
    } else {
      ask_others();
    }
  } else if (const auto at = probes_.find(hint); at != probes_.end() && at->second.state != State::asked) {
    ask(hint);
  }
}

void LeaderSearch::stop() {
  running_ = false;
  core_.cancel_timer(head_start_);
  for (auto& [node, probe] : probes_)
    settle(probe);
}

void LeaderSearch::settle(Probe& probe) {
  core_.forget(probe.request);
  core_.cancel_timer(probe.timer);
  probe.request = 0;
  probe.state = State::idle;
}

void LeaderSearch::ask(NodeId node) {
  Probe& probe = probes_[node];
  settle(probe);
  probe.request = core_.expect(node, core_.search());
  probe.state = State::connecting;
  if (core_.links().ready(node))
    on_link_ready(node);
  else
    core_.links().connect(node);
}

void LeaderSearch::ask_others() {
  core_.cancel_timer(head_start_);
  for (auto& [node, probe] : probes_)
    if (probe.state == State::idle) ask(node);
}

void LeaderSearch::ask_again(NodeId node, Duration delay) {
  Probe& probe = probes_[node];
  settle(probe);
  probe.state = State::pausing;
  probe.timer = core_.after(core_.jittered(delay), [this, node] {
    probes_[node].timer = kNoTimer;
    if (core_.leader_wanted())
      ask(node);
    else
      stop();
  });
}

void LeaderSearch::on_link_ready(NodeId node) {
  const auto at = probes_.find(node);
  if (!running_ || at == probes_.end() || at->second.state != State::connecting) return;
  at->second.state = State::asked;
  core_.links().send(node, wire::QueryLeader{at->second.request});
}

void LeaderSearch::on_link_failed(NodeId node, const Error& error) {
  const auto at = probes_.find(node);
  if (!running_ || at == probes_.end()) return;
  Probe& probe = at->second;
  if (probe.state != State::connecting && probe.state != State::asked) return;
  probe.answer.reset();
  probe.error = error;
  probe.failures = is_settled(error.code) ? core_.config().retries + 1 : probe.failures + 1;
  Duration delay = kFirstRedial;
  for (unsigned i = 1; i < probe.failures && delay < kLongestRedial; ++i)
    delay *= 2;
  ask_again(node, std::min(delay, kLongestRedial));
  disappointed();
  const unsigned retries = core_.config().retries;
  const auto gave_up = [&](const auto& entry) { return entry.second.failures > retries; };
  if (std::all_of(probes_.begin(), probes_.end(), gave_up)) {
    stop();
    core_.search_failed(verdict());
  }
}

void LeaderSearch::disappointed() {
  if (head_start_ != kNoTimer) ask_others();
}

void LeaderSearch::on_answer(RequestId request, wire::Message& message, Buffer) {
  for (auto& [node, probe] : probes_) {
    if (probe.request != request || request == 0) continue;
    wire::LeaderInfo info;
    if (const auto* answer = std::get_if<wire::LeaderInfo>(&message)) info = *answer;
    if (const auto* error = std::get_if<wire::ErrorReply>(&message)) info.state = error->code;
    return heard(node, info);
  }
}

bool LeaderSearch::believable(NodeId node, const wire::LeaderInfo& info) const {
  if (info.leader != node || !info.serving) return false;
  const auto contradicts = [&](const auto& entry) {
    const auto& other = entry.second.answer;
    return other && other->leader != kNobody && other->term > info.term;
  };
  if (core_.now() >= trust_any_from_) return true;
  return info.term >= floor_ && std::none_of(probes_.begin(), probes_.end(), contradicts);
}

void LeaderSearch::heard(NodeId node, const wire::LeaderInfo& info) {
  Probe& probe = probes_[node];
  probe.answer = info;
  probe.error.reset();
  probe.failures = 0;
  if (believable(node, info)) {
    stop();
    core_.leader_found({node, info.term, core_.links().connection(node), info.quorum_none, true});
    return;
  }
  probe.pause = probe.pause == Duration::zero() ? kFirstProbePause : std::min(probe.pause * 13 / 10, kLongestProbePause);
  ask_again(node, probe.pause);
  if (info.leader != kNobody && info.leader != node) follow(info);
  disappointed();
}

void LeaderSearch::follow(const wire::LeaderInfo& info) {
  if (const auto address = parse_address(info.leader_address)) core_.links().learn({info.leader, *address});
  if (!core_.links().knows(info.leader)) return;
  const Probe& probe = probes_[info.leader];
  const bool news = !probe.answer || probe.answer->term < info.term;
  const bool free = probe.state == State::idle || (probe.state == State::pausing && probe.failures == 0);
  if (news && free) ask(info.leader);
}

std::string LeaderSearch::describe(NodeId node, const Probe& probe) const {
  const std::string title = core_.links().title(node);
  if (probe.error) return probe.error->text();
  if (!probe.answer) return title + " does not answer: is it stopped or overloaded?";
  const wire::LeaderInfo& answer = *probe.answer;
  if (answer.leader == node) return title + " leads but does not serve yet";
  if (answer.leader != kNobody) return title + " follows node " + to_string(answer.leader);
  return title + " knows no leader";
}

Error LeaderSearch::verdict() const {
  std::vector<Error> failures;
  std::string described;
  const wire::LeaderInfo* short_of_nodes = nullptr;
  bool answered = false;
  for (const auto& [node, probe] : probes_) {
    const std::string line = describe(node, probe);
    described += (described.empty() ? "" : "; ") + line;
    if (!probe.answer)
      failures.push_back(probe.error ? Error{probe.error->code, line} : Error{Errc::unreachable, line});
    if (!probe.answer) continue;
    answered = true;
    if (probe.answer->state == Errc::no_quorum &&
        (short_of_nodes == nullptr || probe.answer->reachable > short_of_nodes->reachable))
      short_of_nodes = &*probe.answer;
  }
  if (!answered) return join_failures(failures);
  if (short_of_nodes == nullptr) return {Errc::no_leader, "no leader was found: " + described + "; try again"};
  return {Errc::no_quorum, "no quorum: " + std::to_string(short_of_nodes->reachable) + " of " +
                               std::to_string(short_of_nodes->members) + " reachable; start the missing nodes" +
                               (failures.empty() ? std::string() : ": " + join_failures(failures).message)};
}

}  // namespace cloudp2p::core
