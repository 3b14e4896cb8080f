#include "core/client_queries.hpp"

#include "core/client_get.hpp"

#include <cloudp2p/detail/sabotage.hpp>

namespace cloudp2p::core {

LeaderView view_of(ClientCore& core, const KnownLeader& leader) {
  return {leader.node, leader.term, core.links().address(leader.node), leader.quorum_none};
}

void Discover::begin() {
  progressed();
  core_.doubt_leader();
  acquire();
}

void Discover::attempt() {
  const LeaderView view = view_of(core_, known());  // The search has confirmed it just now.
  leave_leader();
  finish(view);
}

InfoOperation::InfoOperation(ClientCore& core, OperationId id, Callback<void(Result<ImageInfo>)> done,
                             std::string prefix)
    : Answering(core, id, std::move(done)), prefix_(lower_case(std::move(prefix))) {}

void InfoOperation::begin() {
  if (std::optional<Error> fault = prefix_fault(prefix_)) return fail(std::move(*fault));
  progressed();
  acquire();
}

void InfoOperation::attempt() {
  core_.links().send(leader(), wire::Info{request(), prefix_, false});
}

void InfoOperation::on_reply(wire::Message& message, Buffer) {
  auto* result = std::get_if<wire::InfoResult>(&message);
  if (result == nullptr) return reject("expected InfoResult");
  leave_leader();
  finish(ImageInfo{std::move(result->entry.record), result->entry.present, result->entry.verified_ms});
}

RemoveOperation::RemoveOperation(ClientCore& core, OperationId id, Callback<void(Result<ImageRecord>)> done,
                                 std::string prefix)
    : Answering(core, id, std::move(done)), prefix_(lower_case(std::move(prefix))) {}

void RemoveOperation::begin() {
  if (std::optional<Error> fault = prefix_fault(prefix_)) return fail(std::move(*fault));
  progressed();
  acquire();
}

void RemoveOperation::attempt() {
  asked_ = false;
  if (seen_) return ask_to_delete();
  core_.links().send(leader(), wire::Info{request(), prefix_, false});
}

void RemoveOperation::ask_to_delete() {
  asked_ = true;
  core_.links().send(leader(), wire::Delete{request(), seen_->digest, seen_->stamp});
}

void RemoveOperation::on_reply(wire::Message& message, Buffer) {
  if (auto* found = std::get_if<wire::InfoResult>(&message); found != nullptr && !asked_) {
    seen_ = std::move(found->entry.record);
    return ask_to_delete();
  }
  if (std::get_if<wire::DeleteResult>(&message) == nullptr || !asked_) return reject("expected DeleteResult");
  leave_leader();
  finish(std::move(*seen_));
}

bool RemoveOperation::on_refusal(const wire::ErrorReply& refusal) {
  if (!asked_) return false;
  if (refusal.code == Errc::not_found && maybe_done_) {
    leave_leader();
    finish(std::move(*seen_));
    return true;
  }
  if (refusal.code != Errc::conflict) return false;
  if (maybe_done_ && !sabotaged(detail::Rule::delete_takes_effect_once)) {
    leave_leader();
    fail({Errc::outcome_unknown, "an attempt to delete image " + short_id(seen_->digest) +
                                     " was lost, and the image is there: stored again, or never deleted; look, and repeat"});
    return true;
  }
  seen_.reset();
  retry(Errc::conflict, refusal.message);
  return true;
}

/// With these the leader said that it did nothing.
void RemoveOperation::attempt_over(Errc code) {
  const bool nothing_done = code == Errc::not_leader || code == Errc::no_leader || code == Errc::busy ||
                            code == Errc::no_quorum || code == Errc::conflict || code == Errc::permission;
  maybe_done_ = maybe_done_ || (asked_ && !nothing_done);
}

void ListOperation::begin() {
  progressed();
  acquire();
}

void ListOperation::attempt() {
  const auto limit = static_cast<std::uint32_t>(std::clamp<std::size_t>(query_.limit, 1, limits::kListPageMax));
  core_.links().send(leader(), wire::List{request(), limit, query_.after, query_.since_ms, false});
}

void ListOperation::on_reply(wire::Message& message, Buffer) {
  auto* result = std::get_if<wire::ListResult>(&message);
  if (result == nullptr) return reject("expected ListResult");
  ListPage page;
  page.next = std::move(result->next);
  for (wire::Entry& entry : result->entries)
    page.entries.push_back({std::move(entry.record), entry.present, {}, entry.verified_ms});
  leave_leader();
  finish(std::move(page));
}

void StepDownOperation::begin() {
  progressed();
  core_.doubt_leader();
  acquire();
}

void StepDownOperation::attempt() {
  if (asked_ != kNobody && leader() != asked_ && known().term > term_) {
    const LeaderView now = view_of(core_, known());
    leave_leader();
    return finish(StepDownOutcome{asked_, now});
  }
  asked_ = leader();
  term_ = known().term;
  core_.links().send(asked_, wire::StepDown{request(), term_});
}

void StepDownOperation::on_reply(wire::Message& message, Buffer) {
  const auto* result = std::get_if<wire::StepDownResult>(&message);
  if (result == nullptr) return reject("expected StepDownResult");
  const NodeId successor = result->leader;
  leave_leader();
  core_.doubt_leader();
  acquire(successor);
}

void FanOut::ask(const std::vector<NodeId>& nodes) {
  progressed();
  for (const NodeId node : nodes)
    open_[node].request = expect(node);
  for (const NodeId node : nodes) {
    if (core_.links().ready(node))
      on_link_ready(node);
    else
      core_.links().connect(node);
  }
}

void FanOut::on_link_ready(NodeId node) {
  const auto at = open_.find(node);
  if (at == open_.end() || at->second.sent) return;
  at->second.sent = true;
  core_.links().send(node, question(at->second.request));
}

void FanOut::on_link_failed(NodeId node, const Error& error) {
  settle(node, error);
}

void FanOut::on_link_silent(NodeId node) {
  settle(node, Error{Errc::unreachable, core_.links().title(node) + " does not answer: is it stopped or overloaded?"});
}

void FanOut::on_answer(RequestId request, wire::Message& message, Buffer) {
  const auto at = std::find_if(open_.begin(), open_.end(), [&](const auto& e) { return e.second.request == request; });
  if (at == open_.end()) return;
  const NodeId node = at->first;
  const std::string title = core_.links().title(node);
  if (const auto* error = std::get_if<wire::ErrorReply>(&message))
    settle(node, Error{error->code, title + ": " + Error{error->code, error->message}.text()});
  else if (!take(node, message))
    settle(node, Error{Errc::protocol, title + " broke the protocol"});
  else if (!finished())
    settle(node, std::nullopt);
}

void FanOut::settle(NodeId node, const std::optional<Error>& error) {
  const auto at = open_.find(node);
  if (at == open_.end()) return;
  core_.forget(at->second.request);
  open_.erase(at);
  progressed();
  if (error) failed(node, *error);
  if (!finished() && open_.empty()) all_settled();
}

void FanOut::clean_up() {
  Operation::clean_up();
  for (const auto& [node, asked] : open_)
    core_.forget(asked.request);
  open_.clear();
}

void FanOut::timed_out() {
  while (!finished() && !open_.empty()) {
    const NodeId node = open_.begin()->first;
    settle(node, Error{Errc::unreachable, core_.links().title(node) + " gave no answer in time"});
  }
}

bool MembersOperation::take(NodeId node, wire::Message& message) {
  auto* result = std::get_if<wire::MembersResult>(&message);
  if (result == nullptr) return false;
  result->from = node;
  ask_unknown_leader(*result);
  const auto rank = [](const wire::MembersResult& r) {
    return std::pair(r.leader == kNobody ? 0 : r.term, r.leader == r.from);
  };
  if (!best_ || rank(*result) > rank(*best_)) best_ = std::move(*result);
  if (best_->leader == best_->from) {
    all_settled();
  } else if (gathering_ == kNoTimer) {
    gathering_ = core_.after(core_.failure_timeout(), guarded(this, [](MembersOperation& self) {
                               self.gathering_ = kNoTimer;
                               self.all_settled();
                             }));
  }
  return true;
}

/// The members may have changed since this client's configuration was written.
void MembersOperation::ask_unknown_leader(const wire::MembersResult& result) {
  if (result.leader == kNobody || core_.links().knows(result.leader)) return;
  for (const wire::MemberRow& row : result.rows) {
    const std::optional<Address> address = parse_address(row.address);
    if (row.id == result.leader && address) core_.links().learn({row.id, *address});
  }
  if (core_.links().knows(result.leader)) ask({result.leader});
}

void MembersOperation::all_settled() {
  if (!best_) return fail(join_failures(failures_));
  ClusterView view;
  view.answered_by = best_->from;
  view.leader = best_->leader;
  view.term = best_->term;
  view.cluster = best_->cluster;
  view.under_replicated = best_->under_replicated;
  view.quorum_none = best_->quorum_none;
  for (const wire::MemberRow& row : best_->rows)
    view.members.push_back({row.id, row.address, row.reachable, row.voter, row.report,
                            std::chrono::milliseconds(static_cast<std::int64_t>(row.silence_ms)), row.member, row.other_file, !row.unreported});
  view.change = std::move(best_->change);
  view.shared = best_->shared;
  view.serving = best_->leader == best_->from && !best_->waits;
  finish(std::move(view));
}

void MembersOperation::clean_up() {
  core_.cancel_timer(gathering_);
  FanOut::clean_up();
}

bool VerifyOperation::take(NodeId node, wire::Message& message) {
  auto* result = std::get_if<wire::VerifyResult>(&message);
  if (result == nullptr) return false;
  checks_[node] = {node, result->code, std::move(result->message), std::move(result->file_name)};
  return true;
}

void VerifyOperation::failed(NodeId node, const Error& error) {
  checks_[node] = {node, error.code, error.message, {}};
}

void VerifyOperation::all_settled() {
  std::vector<CopyCheck> out;
  for (auto& [node, check] : checks_) {
    // Of a directory that all nodes share the leader looks at the one copy.
    if (check.code != Errc::not_leader) out.push_back(std::move(check));
  }
  if (out.empty()) return fail({Errc::no_leader, "no node leads, and nobody else may look at the shared directory"});
  finish(std::move(out));
}

void ScrubOperation::begin() {
  if (nodes_.empty()) return ask(core_.links().nodes());
  for (const NodeId node : nodes_) {
    if (!core_.links().knows(node))
      return fail({Errc::invalid_argument, "node " + to_string(node) + " is not among the configured peers"});
  }
  ask(nodes_);
}

bool ScrubOperation::take(NodeId node, wire::Message& message) {
  const auto* result = std::get_if<wire::ScrubResult>(&message);
  if (result == nullptr) return false;
  views_[node] = {node, Errc::ok, {}, result->pass};
  return true;
}

void ScrubOperation::all_settled() {
  std::vector<ScrubView> out;
  for (auto& [node, view] : views_)
    out.push_back(std::move(view));
  finish(std::move(out));
}

void PingOperation::begin() {
  if (core_.links().knows(node_)) return ask({node_});
  fail({Errc::invalid_argument, "node " + to_string(node_) + " is not among the configured peers"});
}

bool PingOperation::take(NodeId, wire::Message& message) {
  const auto* pong = std::get_if<wire::Pong>(&message);
  if (pong == nullptr) return false;
  view_ = LeaderView{pong->leader, pong->term, core_.links().address(pong->leader), false};
  return true;
}

void PingOperation::all_settled() {
  if (view_)
    finish(*view_);
  else
    fail(error_);
}

}  // namespace cloudp2p::core
