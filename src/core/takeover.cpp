#include "core/takeover.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr std::size_t kBucketsCompared = 16;
/// With a voter that answers nothing while others could; each time it is twice as long.
constexpr auto kPatience = std::chrono::milliseconds(500);

}  // namespace

void Takeover::begin(Term term) {
  stop();
  term_ = term;
  start();
}

void Takeover::start() {
  active_ = true;
  services_.raise_sequence(services_.ports.catalog->summary().newest);
  // The catalog answers in order: behind this, no write of an earlier term can still turn up in it.
  auto settled = [this, run = run_](const Result<std::optional<CatalogEntry>>& watermark) {
    if (run != run_) return;
    if (!watermark.ok() && !sabotaged(Rule::watermark_is_read)) return begin_again_later();
    if (watermark.ok() && watermark->has_value()) services_.watermark = (*watermark)->record.stamp;
    settled_ = true;
    services_.raise_sequence(services_.ports.catalog->summary().newest);
    compare();
  };
  services_.catalog.get(kWatermark, std::move(settled));
}

void Takeover::stop() {
  end_run();
  again_ = false;
  promised_.clear();
  passed_over_.clear();
  patience_ = kPatience;
}

void Takeover::end_run() {
  ++run_;
  for (const auto& [id, voter] : voters_) services_.calls.close(voter.call);
  active_ = comparing_ = settled_ = false;
  voters_.clear();
  read_from_.clear();
  differing_.clear();
  open_.clear();
  pending_.clear();
  pushing_ = local_puts_ = 0;
}

void Takeover::begin_again() {
  end_run();
  start();
  for (const NodeId id : promised_) ask(id);
}

/// This node's own disk fails: at the next tick, rather than as fast as it does.
void Takeover::begin_again_later() {
  end_run();
  again_ = true;
}

void Takeover::on_promise(NodeId from) {
  if (!(active_ || again_) || services_.shared() || !services_.leads(term_)) return;
  promised_.insert(from);
  if (active_ && !comparing_ && !voters_.contains(from)) ask(from);
}

std::size_t Takeover::prompt_voters() const {
  const std::vector<NodeId> connected = services_.connected_voters();
  return static_cast<std::size_t>(std::count_if(connected.begin(), connected.end(), [this](NodeId id) {
    return promised_.contains(id) && !passed_over_.contains(id);
  }));
}

/// Which ones are read matters little, as long as they are a majority. False: without these there would be none.
bool Takeover::pass_over(const std::set<NodeId>& voters) {
  passed_over_.insert(voters.begin(), voters.end());
  if (prompt_voters() + 1 >= services_.copies_needed()) return true;
  for (const NodeId id : voters) passed_over_.erase(id);
  return false;
}

/// A voter may hang once its promise is durable.
void Takeover::pass_over_hung() {
  std::set<NodeId> hung;
  for (const auto& [bucket, state] : open_) {
    for (const auto& [id, theirs] : state.theirs) {
      if (theirs.awaited && services_.now() - voters_.at(id).progress >= patience_) hung.insert(id);
    }
  }
  if (hung.empty() || !pass_over(hung)) return;
  patience_ *= 2;
  begin_again();
}

/// Who was passed over may be well again, and those that are asked instead are silent: then those are passed over.
void Takeover::pass_over_silent() {
  if (passed_over_.empty()) return;
  std::set<NodeId> silent;
  for (const auto& [id, voter] : voters_) {
    const bool waits = !voter.has_hashes && services_.now() - voter.progress >= patience_;
    if (waits && !passed_over_.contains(id)) silent.insert(id);
  }
  if (silent.empty() || sabotaged(Rule::passed_over_is_asked_again)) return;
  passed_over_ = std::move(silent);
  patience_ *= 2;
  begin_again();
}

void Takeover::tick() {
  if (std::exchange(again_, false)) begin_again();
  if (!active_) return;
  // Answered behind what the takeover records here: so it is noticed if this disk hangs.
  services_.catalog.probe();
  if (prompt_voters() + 1 < services_.copies_needed()) passed_over_.clear();
  for (const NodeId id : std::set<NodeId>(promised_)) {
    if (!comparing_ && !voters_.contains(id)) ask(id);
  }
  comparing_ ? pass_over_hung() : pass_over_silent();
  if (!comparing_) compare();
  finish_if_done();
}

void Takeover::ask(NodeId from) {
  const auto link = services_.links.find(from);
  if (link == services_.links.end() || !link->second.bulk_up || !services_.is_voter(from)) return;
  Voter& voter = voters_[from];
  voter.connection = link->second.bulk;
  voter.progress = services_.now();
  voter.call = services_.calls.open(voter.connection, [this, from, run = run_](wire::Message& answer, Buffer& hashes) {
    if (run == run_) hashes_read(from, answer, hashes);
  });
  (void)services_.send(voter.connection, wire::SyncHashes{voter.call, term_});
}

void Takeover::hashes_read(NodeId from, const wire::Message& answer, const Buffer& hashes) {
  const auto at = voters_.find(from);
  if (at == voters_.end()) return;
  services_.calls.close(at->second.call);
  const auto* result = std::get_if<wire::SyncHashesResult>(&answer);
  const std::optional<BucketHashes> theirs = hashes_in(hashes);
  if (result == nullptr || result->term != term_ || !theirs) {
    voters_.erase(at);  // asked again on the next promise or tick
    return;
  }
  at->second.hashes = *theirs;
  at->second.has_hashes = true;
  compare();
}

void Takeover::compare() {
  if (comparing_ || !settled_ || !services_.leads(term_) || !services_.view().founded) return;
  read_from_.clear();
  for (const auto& [id, voter] : voters_) {
    if (voter.has_hashes && !passed_over_.contains(id)) read_from_.push_back(id);
  }
  if (sabotaged(Rule::takeover_reads_majority)) read_from_.clear();
  if (read_from_.size() + 1 < services_.copies_needed() && !sabotaged(Rule::takeover_reads_majority)) return;
  comparing_ = true;
  const BucketHashes& ours = services_.ports.catalog->buckets();
  for (std::uint32_t bucket = 0; bucket < limits::kBuckets; ++bucket) {
    const bool differs = std::any_of(read_from_.begin(), read_from_.end(),
                                     [&](NodeId id) { return voters_.at(id).hashes[bucket] != ours[bucket]; });
    if (differs) differing_.push_back(bucket);
  }
  next_buckets();
}

void Takeover::next_buckets() {
  while (open_.size() < kBucketsCompared && !differing_.empty() && pending_.size() < limits::kSyncRecordsPerPage) {
    const std::uint32_t bucket = differing_.back();
    differing_.pop_back();
    read_differing(bucket);
  }
  finish_if_done();
}

void Takeover::read_differing(std::uint32_t bucket) {
  const std::uint64_t ours = services_.ports.catalog->buckets()[bucket];
  Bucket& state = open_[bucket];
  for (const NodeId id : read_from_) {
    if (voters_.at(id).hashes[bucket] != ours) state.theirs[id];
  }
  read_bucket(services_, bucket, [this, bucket, run = run_](Result<std::vector<CatalogEntry>> entries) {
    if (run != run_) return;
    if (!entries.ok()) return begin_again_later();
    open_[bucket].our_hashes = record_hashes(*entries);
    open_[bucket].ours = std::move(*entries);
    ask_for_bucket(bucket);
  });
}

void Takeover::ask_for_bucket(std::uint32_t bucket) {
  Bucket& state = open_[bucket];
  for (auto& [id, theirs] : state.theirs) {
    ++state.waiting;
    theirs.awaited = true;
    const ConnectionId connection = voters_.at(id).connection;
    const wire::RequestId call =
        services_.calls.open(connection, [this, id = id, bucket, run = run_](wire::Message& answer, Buffer& lacking) {
          if (run == run_) return page_read(id, bucket, answer, lacking);
          services_.calls.close(request_of(answer));
        });
    voters_.at(id).progress = services_.now();
    (void)services_.send(connection, wire::SyncBucket{call, term_, bucket, Digest{}}, state.our_hashes);
  }
  if (state.theirs.empty()) join(bucket);  // they differed a moment ago
}

void Takeover::page_read(NodeId from, std::uint32_t bucket, const wire::Message& answer, const Buffer& lacking) {
  const auto* page = std::get_if<wire::SyncBucketResult>(&answer);
  std::optional<std::vector<std::uint64_t>> hashes = record_hashes_in(lacking);
  if (page == nullptr || page->term != term_ || !hashes) {
    services_.calls.close(request_of(answer));
    // Its disk may fail, and the others' be well.
    const bool enough = !sabotaged(Rule::failing_voters_are_passed_over) && pass_over({from});
    return enough ? begin_again() : begin_again_later();
  }
  Bucket& state = open_[bucket];
  voters_.at(from).progress = services_.now();
  Bucket::Theirs& theirs = state.theirs[from];
  theirs.entries.insert(theirs.entries.end(), page->entries.begin(), page->entries.end());
  theirs.compared = page->compared;
  theirs.lacking = std::move(*hashes);
  if (page->more && !page->entries.empty()) {
    const Digest& last = theirs.entries.back().record.digest;
    (void)services_.send(voters_.at(from).connection, wire::SyncBucket{page->request, term_, bucket, last},
                         state.our_hashes);
    return;
  }
  services_.calls.close(page->request);
  theirs.awaited = false;
  if (--state.waiting == 0) join(bucket);
}

void Takeover::join(std::uint32_t bucket) {
  const Bucket state = std::move(open_[bucket]);
  open_.erase(bucket);
  struct Best {
    ImageRecord record;
    std::size_t holders = 0;
  };
  std::map<Digest, Best> joined;
  auto merge = [&joined](const ImageRecord& record, std::size_t holders) {
    Best& best = joined[record.digest];
    if (best.holders == 0 || record.stamp > best.record.stamp) best = Best{record, 0};
    if (record.stamp == best.record.stamp) best.holders += holders;
  };
  // Voters whose bucket equals ours were not asked: they hold what we hold. So do those that were told what we hold, but
  // for what they named.
  const std::size_t same = 1 + read_from_.size() - state.theirs.size();
  for (const CatalogEntry& entry : state.ours) {
    const std::uint64_t hash = record_hash(entry.record);
    const auto holds = [hash](const auto& theirs) {
      return theirs.second.compared && !std::binary_search(theirs.second.lacking.begin(), theirs.second.lacking.end(), hash);
    };
    merge(entry.record, same + static_cast<std::size_t>(std::count_if(state.theirs.begin(), state.theirs.end(), holds)));
  }
  for (const auto& [id, theirs] : state.theirs) {
    for (const wire::Entry& entry : theirs.entries) merge(entry.record, 1);
  }
  const bool skip = sabotaged(Rule::takeover_writes_back);
  for (const auto& [digest, best] : joined) {
    const bool on_majority = best.holders >= services_.copies_needed();
    if (!on_majority && !skip) pending_.push_back(best.record);
    if (!on_majority && !skip) continue;
    ++local_puts_;
    services_.record(CatalogChange{best.record, std::nullopt}, [this, run = run_](const Result<CatalogEntry>& held) {
      if (run != run_) return;
      --local_puts_;
      if (!held.ok()) return begin_again_later();
      finish_if_done();
    });
  }
  write_back();
  next_buckets();
}

void Takeover::write_back() {
  const bool last = differing_.empty() && open_.empty();
  while (!pending_.empty() && (last || pending_.size() >= limits::kSyncRecordsPerPage)) {
    const std::size_t count = std::min(pending_.size(), limits::kSyncRecordsPerPage);
    std::vector<ImageRecord> page(pending_.end() - static_cast<std::ptrdiff_t>(count), pending_.end());
    pending_.resize(pending_.size() - count);
    ++pushing_;
    push_.push(std::move(page), services_.guard([this, count, run = run_](const Status& status) {
      if (run == run_) written_back(count, status);
    }));
  }
}

void Takeover::written_back(std::size_t count, const Status& status) {
  --pushing_;
  if (!status.ok()) {
    if (services_.leads(term_)) begin_again();
    return;
  }
  services_.log(LogLevel::info, "records_written_back", fmt::format("takeover: wrote {} records back to a majority", count));
  next_buckets();
}

void Takeover::finish_if_done() {
  if (!active_ || !comparing_ || !differing_.empty() || !open_.empty() || !pending_.empty() || pushing_ > 0 ||
      local_puts_ > 0 || !services_.leads(term_) || !services_.view().committed) {
    return;
  }
  stop();
  finished_(term_);
}

}  // namespace cloudp2p::core
