#include "core/client_upload.hpp"

namespace cloudp2p::core {

namespace {

/// With these the leader said that it did not store the image; with others it may have, or did not know.
bool leaves_unknown(Errc code) {
  return code == Errc::unreachable || code == Errc::outcome_unknown || code == Errc::timed_out ||
         code == Errc::closed || code == Errc::no_quorum || code == Errc::stale_term || code == Errc::cancelled;
}

bool is_certain(Errc code) {
  return code == Errc::cancelled || code == Errc::integrity || code == Errc::permission || code == Errc::bad_key ||
         code == Errc::refused || code == Errc::invalid_argument;
}

}  // namespace

void UploadOperation::begin() {
  identifying_ = true;
  source_->identify(guarded(
      this, [](UploadOperation& self, Result<ImageSource::Content> content) { self.identified(std::move(content)); }));
  if (identifying_ && core_.usable_leader() == nullptr) core_.seek_leader(kNobody);  // Meanwhile.
}

void UploadOperation::identified(Result<ImageSource::Content> content) {
  identifying_ = false;
  if (!content.ok()) return fail(content.error());
  content_ = *content;
  const std::string& name = source_->name();
  if (content_.size_bytes == 0) return fail({Errc::refused, name + " is empty: there is nothing to send"});
  if (name.size() > limits::kNameBytesMax)
    return fail({Errc::refused, "the name of the image has " + std::to_string(name.size()) + " bytes, at most " +
                                    std::to_string(limits::kNameBytesMax) + " are allowed: rename it"});
  upload_ = core_.entropy().draw<UploadId>();
  progressed();
  acquire();
}

void UploadOperation::attempt() {
  const bool resume = attempts() > 1;
  ++generation_;
  placed_ = !resume;
  held_ = read_to_ = sent_to_ = 0;
  limit_ = resume ? 0 : std::min<std::uint64_t>(content_.size_bytes, limits::kUploadWindowBytesMin);
  reads_.clear();
  announced_ = false;
  if (resume) announce();
  pump();
}

/// Without an offset to wait for, together with the first chunk: one message less to wake up for.
void UploadOperation::announce() {
  announced_ = true;
  core_.links().send(leader(), wire::Upload{request(), upload_, content_.digest, content_.size_bytes, source_->name(),
                                            attempts() > 1, source_->stored_ms()});
}

void UploadOperation::attempt_over(Errc code) {
  const bool everything = sent_to_ == content_.size_bytes;
  sent_before_ = sent_before_ || everything;
  if (everything && leaves_unknown(code)) unknown_ = true;
  reads_.clear();
  ++generation_;
}

void UploadOperation::fail(Error error) {
  const bool unknown = unknown_ || all_sent();
  if (unknown && !is_certain(error.code)) {
    if (error.code != Errc::timed_out) error.code = Errc::outcome_unknown;
    error.message = error.text() + "; the image may be stored all the same: send it again, that is safe";
  }
  finish(std::move(error));
}

void UploadOperation::on_reply(wire::Message& message, Buffer) {
  if (const auto* credit = std::get_if<wire::Credit>(&message)) return credited(*credit);
  if (const auto* result = std::get_if<wire::UploadResult>(&message)) return acknowledged(*result);
  reject("expected Credit or UploadResult");
}

void UploadOperation::credited(const wire::Credit& credit) {
  if (credit.held > content_.size_bytes) return reject("it holds more than there is");
  if (!placed_) {
    placed_ = true;
    read_to_ = sent_to_ = credit.held;
  }
  limit_ = std::max(limit_, std::min(credit.limit, content_.size_bytes));
  if (credit.held > held_) {
    held_ = credit.held;
    progressed();
    progress_.report(core_, {held_, content_.size_bytes});
  }
  if (credit.held > most_held_) {
    most_held_ = credit.held;
    renew_budget();
  }
  pump();
}

void UploadOperation::acknowledged(const wire::UploadResult& result) {
  if (result.digest != content_.digest) return reject("it acknowledged another image");
  UploadOutcome outcome;
  outcome.digest = content_.digest;
  outcome.size_bytes = content_.size_bytes;
  outcome.leader = result.leader == kNobody ? leader() : result.leader;
  outcome.copies = result.copies;
  outcome.members = result.members;
  outcome.already_stored = result.already_stored && !sent_before_;
  outcome.attempts = attempts();
  progress_.report(core_, {content_.size_bytes, content_.size_bytes});
  leave_leader();
  finish(std::move(outcome));
}

void UploadOperation::pump() {
  if (pumping_) return;  // A source that answers at once; the loop below goes on with it.
  pumping_ = true;
  const std::uint64_t generation = generation_;
  bool more = true;
  while (more && !finished() && working() && generation == generation_) {
    more = false;
    while (!finished() && generation == generation_ && reads_.size() < kReadsMax && read_to_ < limit_)
      read_next();
    if (generation == generation_ && send_next()) more = true;
  }
  pumping_ = false;
  if (generation != generation_ && !finished() && working()) pump();
}

void UploadOperation::read_next() {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(limits::kChunkBytesDefault, limit_ - read_to_));
  const std::uint64_t offset = read_to_;
  reads_.push_back({offset, size, std::nullopt});
  read_to_ += size;
  source_->read({offset, size}, guarded(this, [offset, generation = generation_, keep = source_](UploadOperation& self,
                                                                                                 Result<Buffer> bytes) {
                  self.read_done(generation, offset, std::move(bytes));
                }));
}

void UploadOperation::read_done(std::uint64_t generation, std::uint64_t offset, Result<Buffer> bytes) {
  if (generation != generation_) return;
  const auto at = std::find_if(reads_.begin(), reads_.end(), [&](const Read& r) { return r.offset == offset; });
  if (at == reads_.end()) return;
  if (!bytes.ok()) return fail(bytes.error());
  if (bytes->size() != at->size_bytes)
    return fail({Errc::integrity, source_->name() + " changed while it was being sent: send it again"});
  at->bytes = std::move(*bytes);
  pump();
}

bool UploadOperation::send_next() {
  if (finished() || reads_.empty() || !reads_.front().bytes) return false;
  if (!announced_) {
    const std::uint64_t generation = generation_;
    announce();
    if (finished() || generation != generation_) return false;
  }
  const Read& next = reads_.front();
  if (!core_.links().send_chunk(leader(), {request(), next.offset}, *next.bytes)) return false;
  sent_to_ = next.offset + next.size_bytes;
  reads_.pop_front();
  return true;
}

void UploadOperation::on_link_drained(NodeId node) {
  if (working() && node == leader()) pump();
}

}  // namespace cloudp2p::core
