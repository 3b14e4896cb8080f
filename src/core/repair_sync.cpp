// Comparing this node's records with the leader's.
#include "core/bucket_reader.hpp"
#include "core/repair.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr auto kRootPatience = std::chrono::milliseconds(300);
constexpr auto kSyncPause = std::chrono::milliseconds(500);
constexpr auto kSyncSilence = std::chrono::seconds(5);
constexpr auto kNearlyEqualPause = std::chrono::seconds(2);
constexpr auto kUpToDateAge = std::chrono::seconds(5);
constexpr std::size_t kBucketsInFlightMax = 64;  ///< More differing buckets than this are not explained by uploads.
constexpr std::size_t kBucketsAtOnce = 32;

}  // namespace

struct Repair::Sync {
  Term term = 0;
  ConnectionId leader = kNoConnection;
  std::vector<std::uint32_t> buckets;  ///< Still to be compared, last first.
  std::size_t differing = 0;
  std::size_t asked = 0;  ///< Under way.
  std::map<std::uint32_t, std::map<Digest, Stamp>> theirs;
  std::vector<wire::Entry> only_here;
  TimePoint progress;
  bool over = false;
};

bool Repair::up_to_date() const {
  const TimePoint now = services_.now();
  return now - equal_at_ < kRootPatience || (nearly_equal_at_ && now - *nearly_equal_at_ < kUpToDateAge);
}

void Repair::drop_sync() {
  if (sync_) sync_end(sync_);
}

void Repair::on_term_changed() {
  drop_sync();
  next_sync_ = TimePoint{};
  nearly_equal_at_.reset();
}

void Repair::start_sync() {
  const TimePoint now = services_.now();
  const ElectionView& view = services_.view();
  // An answer that its sender had no room for never comes.
  if (sync_ && now - sync_->progress > kSyncSilence) sync_end(sync_);
  if (sync_ || view.role == ElectionRole::leader || view.leader == kNobody || now < next_sync_) return;
  if (now - equal_at_ < kRootPatience) return;
  const auto link = services_.links.find(view.leader);
  if (link == services_.links.end() || !link->second.bulk_up) return;
  sync_ = std::make_shared<Sync>();
  sync_->term = view.term;
  sync_->leader = link->second.bulk;
  sync_->progress = now;
  const wire::RequestId call =
      services_.calls.open(sync_->leader, [this, sync = sync_](wire::Message& answer, Buffer& hashes) {
        sync_hashes(sync, answer, hashes);
      });
  (void)services_.send(sync_->leader, wire::SyncHashes{call, sync_->term});
}

void Repair::sync_hashes(const std::shared_ptr<Sync>& sync, const wire::Message& answer, const Buffer& hashes) {
  services_.calls.close(request_of(answer));
  if (sync->over) return;
  const auto* result = std::get_if<wire::SyncHashesResult>(&answer);
  const std::optional<BucketHashes> theirs = hashes_in(hashes);
  // A leader that was restarted without its state may be in the same term: what it holds is no leader's word.
  if (result == nullptr || !result->settled || !theirs) return sync_end(sync);
  const BucketHashes& ours = services_.ports.catalog->buckets();
  for (std::uint32_t bucket = limits::kBuckets; bucket-- > 0;) {
    if ((*theirs)[bucket] != ours[bucket]) sync->buckets.push_back(bucket);
  }
  sync->differing = sync->buckets.size();
  sync_next(sync);
}

void Repair::sync_next(const std::shared_ptr<Sync>& sync) {
  if (sync->buckets.empty() && sync->asked == 0) return offer_rest(sync);
  while (!sync->over && !sync->buckets.empty() && sync->asked < kBucketsAtOnce) {
    const std::uint32_t bucket = sync->buckets.back();
    sync->buckets.pop_back();
    ++sync->asked;
    sync->theirs[bucket];
    const wire::RequestId call = services_.calls.open(
        sync->leader, [this, sync](wire::Message& page, Buffer&) { sync_page(sync, page); });
    (void)services_.send(sync->leader, wire::SyncBucket{call, sync->term, bucket, Digest{}});
  }
}

void Repair::sync_page(const std::shared_ptr<Sync>& sync, const wire::Message& answer) {
  const auto* page = std::get_if<wire::SyncBucketResult>(&answer);
  const bool expected = page != nullptr && page->term == sync->term && sync->theirs.contains(page->bucket);
  if (sync->over || !expected) {
    services_.calls.close(request_of(answer));
    return sync->over ? void() : sync_end(sync);
  }
  sync->progress = services_.now();
  std::map<Digest, Stamp>& theirs = sync->theirs[page->bucket];
  for (const wire::Entry& entry : page->entries) {
    theirs[entry.record.digest] = entry.record.stamp;
    if (services_.arriving.contains(entry.record.digest)) continue;
    services_.record(CatalogChange{entry.record, std::nullopt});
  }
  if (page->more && !page->entries.empty()) {
    (void)services_.send(sync->leader, wire::SyncBucket{page->request, sync->term, page->bucket,
                                                        page->entries.back().record.digest});
    return;
  }
  services_.calls.close(page->request);
  auto compared = [this, sync, bucket = page->bucket](Result<std::vector<CatalogEntry>> ours) {
    if (sync->over) return;
    if (!ours.ok()) return sync_end(sync);
    const std::map<Digest, Stamp> held = std::move(sync->theirs[bucket]);
    sync->theirs.erase(bucket);
    for (const CatalogEntry& entry : *ours) {
      const auto at = held.find(entry.record.digest);
      if (at != held.end() && at->second >= entry.record.stamp) continue;
      if (sync->only_here.size() < limits::kSyncRecordsPerPage) {
        sync->only_here.push_back(wire::Entry{entry.record, entry.present, entry.verified_ms});
      }
    }
    --sync->asked;
    sync_next(sync);
  };
  read_bucket(services_, page->bucket, std::move(compared));
}

void Repair::offer_rest(const std::shared_ptr<Sync>& sync) {
  if (sync->differing <= kBucketsInFlightMax) nearly_equal_at_ = services_.now();
  if (!sync->only_here.empty() && !sabotaged(Rule::strays_are_offered)) {
    services_.log(LogLevel::info, "records_offered", fmt::format("offering {} records that the leader lacks", sync->only_here.size()));
    const wire::RequestId call = services_.calls.open(sync->leader, [this, sync](wire::Message& answer, Buffer&) {
      services_.calls.close(request_of(answer));
      if (!sync->over) sync_end(sync);
    });
    (void)services_.send(sync->leader, wire::SyncPush{call, sync->term, services_.self, std::move(sync->only_here), true});
    return;
  }
  sync_end(sync);
}

void Repair::sync_end(const std::shared_ptr<Sync>& sync) {
  sync->over = true;
  if (sync_ == sync) sync_ = nullptr;
  // A learner keeps close: only when it is equal may it become a member.
  const bool nearly_equal = services_.is_voter(services_.self) && nearly_equal_at_ && services_.now() - *nearly_equal_at_ < kSyncPause;
  next_sync_ = services_.now() + (nearly_equal ? Duration(kNearlyEqualPause) : Duration(kSyncPause));
}

}  // namespace cloudp2p::core
