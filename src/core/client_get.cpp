#include "core/client_get.hpp"

#include <cloudp2p/detail/sabotage.hpp>

namespace cloudp2p::core {

namespace {

constexpr std::uint64_t kFetchWindowBytes = 512 * 1024;
constexpr std::uint64_t kGrantEveryBytes = 128 * 1024;
/// For a holder to send the next bytes; between these, so that all have their turn in half of the time of the operation.
constexpr Duration kHolderPatienceMin = std::chrono::milliseconds(200);
constexpr Duration kHolderPatienceMax = std::chrono::seconds(2);

}  // namespace

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::optional<Error> prefix_fault(std::string_view prefix) {
  const bool hex = std::all_of(prefix.begin(), prefix.end(),
                               [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (hex && prefix.size() >= limits::kPrefixDigitsMin && prefix.size() <= 2 * Digest::kSize) return std::nullopt;
  return Error{Errc::invalid_argument, "an image id has " + std::to_string(limits::kPrefixDigitsMin) + " to " +
                                           std::to_string(2 * Digest::kSize) + " hex digits, not \"" +
                                           std::string(prefix.substr(0, 2 * Digest::kSize)) + "\""};
}

void GetOperation::begin() {
  if (std::optional<Error> fault = prefix_fault(prefix_)) return fail(std::move(*fault));
  progressed();
  acquire();
}

void GetOperation::attempt() {
  core_.links().send(leader(), wire::Info{request(), prefix_, false});
}

void GetOperation::on_reply(wire::Message& message, Buffer) {
  if (const auto* result = std::get_if<wire::InfoResult>(&message)) return found(result->entry);
  reject("expected InfoResult");
}

void GetOperation::found(const wire::Entry& entry) {
  const bool same = entry.record.stamp == info_.record.stamp;
  if (nobody_has_it_ && same) return fail(*nobody_has_it_);
  nobody_has_it_.reset();
  holders_.clear();
  info_ = {entry.record, entry.present, entry.verified_ms};
  for (const NodeId node : holders_of(entry))
    holders_.push_back({node, false, false, {}});
  const auto turns = static_cast<Duration::rep>(2 * holders_.size());
  patience_ = std::clamp<Duration>(Duration(core_.config().timeout) / turns, kHolderPatienceMin, kHolderPatienceMax);
  leave_leader();
  progressed();
  current_ = holders_.size() - 1;
  fetch_next();
}

std::vector<NodeId> GetOperation::holders_of(const wire::Entry& entry) {
  std::vector<NodeId> out;
  for (const NodeId node : core_.links().nodes())
    if (node != leader()) out.push_back(node);
  auto leaders_place = out.begin();
  if (first_ == ReadFrom::followers && !out.empty()) {
    // Each image begins with another one, so that many reads are shared out; those that are down come last.
    const std::size_t turn = static_cast<std::size_t>(entry.record.digest.bytes[0]) % out.size();
    std::rotate(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(turn), out.end());
    leaders_place = std::stable_partition(out.begin(), out.end(), [&](NodeId node) { return !core_.links().down(node); });
  }
  // A leader that lacks the bytes is asked last: by then it may have repaired itself.
  out.insert(entry.present ? leaders_place : out.end(), leader());
  return out;
}

void GetOperation::fetch_next() {
  if (received_to_ == info_.record.size_bytes && !restart_pending_) return write_next();
  Holder* next = nullptr;
  std::size_t next_at = current_;
  const auto hopeless = [&](const Holder& holder) { return away(holder) ? 2 : holder.slow ? 1 : 0; };
  for (std::size_t i = 1; i <= holders_.size(); ++i) {
    const std::size_t at = (current_ + i) % holders_.size();
    if (holders_[at].bad) continue;
    if (next == nullptr || hopeless(holders_[at]) < hopeless(*next)) next = &holders_[at], next_at = at;
  }
  if (next == nullptr) return nobody_has_it_ ? acquire() : all_bad();
  current_ = next_at;
  fetch_from(*next);
}

void GetOperation::fetch_from(Holder& holder) {
  fetch_ = expect(holder.node);
  asked_ = false;
  if (core_.links().ready(holder.node))
    send_fetch();
  else
    core_.links().connect(holder.node);
}

void GetOperation::send_fetch() {
  if (asked_ || restart_pending_) return;  // After a restart of the sink the offset is another.
  asked_ = true;
  const NodeId node = holders_[current_].node;
  if (received_to_ == 0)
    only_from_ = node, stitched_ = false;
  else
    stitched_ = stitched_ || node != only_from_;
  core_.links().send(node, wire::Fetch{fetch_, info_.record.digest, received_to_});
  grant_credit();
  watch();
}

void GetOperation::watch() {
  core_.cancel_timer(watch_timer_);
  watch_timer_ = core_.after(patience_, guarded(this, [from = received_to_](GetOperation& self) {
                               self.watch_timer_ = kNoTimer;
                               const bool may_send = self.received_to_ < self.granted_at_ + kFetchWindowBytes;
                               if (self.received_to_ == from && may_send) return self.overdue();
                               self.watch();
                             }));
}

void GetOperation::overdue() {
  Holder& holder = holders_[current_];
  holder.slow = true;
  if (!others_left(false) || sabotaged(detail::Rule::hanging_holder_is_left)) {
    // All had their turn: this one stays, and the next turns are longer.
    for (Holder& other : holders_) other.slow = false;
    patience_ *= 2;
    return watch();
  }
  stop_fetch(true);
  holder.error = {Errc::timed_out, core_.links().title(holder.node) + " answers, and sends nothing of the image: its disk may hang"};
  core_.log(holder.error.message + ": reading on elsewhere");
  fetch_next();
}

bool GetOperation::away(const Holder& holder) const {
  return core_.links().silent(holder.node) || core_.links().down(holder.node);
}

bool GetOperation::others_left(bool slow_too) const {
  return std::any_of(holders_.begin(), holders_.end(), [&](const Holder& holder) {
    const bool other = !holder.bad && holder.node != holders_[current_].node;
    return other && (slow_too ? !core_.links().silent(holder.node) : !holder.slow && !away(holder));
  });
}

void GetOperation::grant_credit() {
  granted_at_ = written_to_;
  core_.links().send(holders_[current_].node, wire::Credit{fetch_, written_to_, written_to_ + kFetchWindowBytes});
}

void GetOperation::on_link_ready(NodeId node) {
  if (fetching() && holders_[current_].node == node) send_fetch();
}

void GetOperation::on_link_failed(NodeId node, const Error& error) {
  LeaderOperation::on_link_failed(node, error);
  if (!finished() && fetching() && holders_[current_].node == node) holder_lost(error);
}

void GetOperation::on_link_silent(NodeId node) {
  LeaderOperation::on_link_silent(node);
  if (finished() || !fetching() || holders_[current_].node != node) return;
  if (others_left(true)) holder_lost({Errc::unreachable, core_.links().title(node) + " stopped answering"});
}

void GetOperation::on_answer(RequestId request, wire::Message& message, Buffer payload) {
  if (request != fetch_) return LeaderOperation::on_answer(request, message, std::move(payload));
  if (const auto* part = std::get_if<wire::Chunk>(&message)) return chunk(*part, std::move(payload));
  if (const auto* end = std::get_if<wire::FetchEnd>(&message)) return ended(*end);
  if (const auto* begin = std::get_if<wire::FetchBegin>(&message)) {
    if (begin->size_bytes != info_.record.size_bytes)
      holder_bad(Errc::integrity,
                 "its copy has " + std::to_string(begin->size_bytes) + " bytes instead of " +
                     std::to_string(info_.record.size_bytes),
                 false);
    return;
  }
  if (const auto* error = std::get_if<wire::ErrorReply>(&message)) {
    wire::FetchEnd end{request, error->code == Errc::ok ? Errc::io : error->code, error->message};
    return ended(end);
  }
  holder_bad(Errc::protocol, "it broke the protocol", false);
}

void GetOperation::chunk(const wire::Chunk& chunk, Buffer payload) {
  const std::uint64_t left = info_.record.size_bytes - received_to_;
  const std::uint64_t granted = granted_at_ + kFetchWindowBytes - received_to_;
  if (chunk.offset != received_to_ || payload.empty() || payload.size() > std::min(left, granted))
    return holder_bad(Errc::protocol, "it sent what was not asked for", false);
  received_to_ += payload.size();
  queue_.push_back(std::move(payload));
  progressed();
  if (received_to_ > most_received_) {
    most_received_ = received_to_;
    renew_budget();
  }
  if (received_to_ == info_.record.size_bytes) stop_fetch(false);  // The digest decides, not what FetchEnd says.
  write_next();
}

void GetOperation::ended(const wire::FetchEnd& end) {
  const std::string text = Error{end.code, end.message}.text();
  switch (end.code) {
    case Errc::ok: return holder_bad(Errc::integrity, "its copy ends too early", false);
    case Errc::integrity: return holder_bad(Errc::integrity, text, true);
    case Errc::not_found:
    case Errc::io:
    case Errc::permission:
    case Errc::refused: return holder_bad(end.code, text, false);
    default: return holder_lost({end.code, core_.links().title(holders_[current_].node) + ": " + text});
  }
}

void GetOperation::stop_fetch(bool tell) {
  if (!fetching()) return;
  if (tell && asked_) core_.links().send(holders_[current_].node, wire::Cancel{fetch_});
  core_.cancel_timer(watch_timer_);
  core_.forget(fetch_);
  fetch_ = 0;
}

void GetOperation::holder_lost(const Error& error) {
  stop_fetch(true);
  Holder& holder = holders_[current_];
  holder.error = error;
  if (spent(holder.node, Errc::unreachable)) {
    std::vector<Error> failures;
    for (const Holder& each : holders_)
      if (each.error) failures.push_back(each.error);
    return fail(join_failures(failures));
  }
  core_.log(error.text() + ": reading on elsewhere");
  core_.cancel_timer(pick_timer_);
  pick_timer_ = core_.after(next_pause(), guarded(this, [](GetOperation& self) {
                              self.pick_timer_ = kNoTimer;
                              if (!self.fetching()) self.fetch_next();
                            }));
}

void GetOperation::holder_bad(Errc code, const std::string& what, bool distrust_bytes) {
  stop_fetch(true);
  Holder& holder = holders_[current_];
  holder.bad = true;
  holder.error = {code, core_.links().title(holder.node) + ": " + what};
  core_.log(holder.error.message + ": reading elsewhere");
  if (distrust_bytes) return begin_again();
  fetch_next();
}

void GetOperation::begin_again() {
  queue_.clear();
  received_to_ = written_to_ = 0;
  restart_pending_ = writing_;
  if (!writing_) sink_->restart();
  fetch_next();
}

void GetOperation::write_next() {
  if (writing_ || finishing_ || restart_pending_) return;
  if (queue_.empty()) {
    if (written_to_ == info_.record.size_bytes) finish_sink();
    return;
  }
  Buffer bytes = std::move(queue_.front());
  queue_.pop_front();
  writing_ = true;
  const std::size_t size = bytes.size();
  sink_->write(std::move(bytes), guarded(this, [size, keep = sink_](GetOperation& self, const Status& status) {
                 self.written(size, status);
               }));
}

void GetOperation::written(std::size_t size, const Status& status) {
  writing_ = false;
  if (!status.ok()) return fail(status.error());
  if (restart_pending_) {
    restart_pending_ = false;
    sink_->restart();
    if (fetching() && core_.links().ready(holders_[current_].node)) send_fetch();
    return;
  }
  written_to_ += size;
  progressed();
  progress_.report(core_, {written_to_, info_.record.size_bytes});
  if (fetching() && asked_ && written_to_ - granted_at_ >= kGrantEveryBytes) grant_credit();
  write_next();
}

void GetOperation::finish_sink() {
  finishing_ = true;
  sink_->finish(info_.record,
                guarded(this, [](GetOperation& self, const Status& status) { self.sink_finished(status); }));
}

void GetOperation::sink_finished(const Status& status) {
  finishing_ = false;
  if (status.ok() || sabotaged(detail::Rule::reader_checks_digest)) return finish(info_);
  if (status.code() != Errc::integrity) return fail(status.error());
  const auto culprit =
      std::find_if(holders_.begin(), holders_.end(), [&](const Holder& h) { return h.node == only_from_; });
  if (!stitched_ && culprit != holders_.end()) {
    culprit->bad = true;
    culprit->error = {Errc::integrity, core_.links().title(only_from_) + ": its bytes do not match their digest"};
    // It cannot know otherwise: told to look, it puts the copy aside and fetches a good one.
    core_.links().send(only_from_, wire::Verify{0, info_.record.digest});
  } else if (spent(holders_[current_].node, Errc::integrity)) {
    return fail({Errc::integrity, "image " + short_id(info_.record.digest) + " arrived damaged again and again"});
  }
  begin_again();
}

void GetOperation::all_bad() {
  std::string text = "image " + short_id(info_.record.digest) + " can not be read: ";
  Errc code = Errc::not_found;
  for (const Holder& holder : holders_) {
    text += (&holder == holders_.data() ? "" : "; ") + holder.error.text();
    if (code == Errc::not_found || holder.error.code == Errc::integrity) code = holder.error.code;
  }
  if (code != Errc::not_found) return fail({code, text});
  // Deleted meanwhile, or listed and nowhere to be had: damaged is never absent. The leader knows.
  nobody_has_it_ = Error{Errc::integrity, text};
  begin_again();
}

void GetOperation::clean_up() {
  stop_fetch(true);
  core_.cancel_timer(pick_timer_);
  LeaderOperation::clean_up();
}

void GetOperation::timed_out() {
  if (holders_.empty()) return LeaderOperation::timed_out();
  const Holder& holder = holders_[current_];
  const std::string why = holder.error ? " (" + holder.error.text() + ")" : std::string();
  fail({Errc::timed_out, core_.links().title(holder.node) + " sent nothing for too long" + why + ": try again"});
}

}  // namespace cloudp2p::core
