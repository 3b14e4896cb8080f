#include "core/burial.hpp"

#include "core/bucket_reader.hpp"

namespace cloudp2p::core {
namespace {

constexpr auto kPause = std::chrono::milliseconds(500);

}  // namespace

void Burial::tick() {
  if (busy_ || services_.ports.catalog->summary().unburied == 0 || services_.now() < next_) return;
  const bool leads = services_.view().role == ElectionRole::leader;
  if (leads ? !services_.serving : services_.view().leader == kNobody) return;
  busy_ = true;
  services_.catalog.unburied(after_, limits::kSyncRecordsPerPage, [this](Result<Entries> page) { listed(std::move(page)); });
}

void Burial::listed(Result<Entries> page) {
  if (!page.ok() || page->empty()) {
    after_ = Digest{};
    return end_pass();
  }
  after_ = page->size() == limits::kSyncRecordsPerPage ? page->back().record.digest : Digest{};
  if (services_.view().role != ElectionRole::leader) return ask_leader(std::make_shared<const Entries>(std::move(*page)));
  if (services_.serving) {
    for (const CatalogEntry& dead : *page) bury(dead);
  }
  end_pass();
}

void Burial::ask_leader(std::shared_ptr<const Entries> page) {
  const auto link = services_.links.find(services_.view().leader);
  if (link == services_.links.end() || !link->second.bulk_up) return end_pass();
  const ConnectionId leader = link->second.bulk;
  const wire::RequestId call =
      services_.calls.open(leader, [this, page = std::move(page)](wire::Message& answer, Buffer& hashes) {
        services_.calls.close(request_of(answer));
        compared(*page, answer, hashes);
        end_pass();
      });
  (void)services_.send(leader, wire::SyncHashes{call, services_.term()});
}

void Burial::compared(const Entries& page, const wire::Message& answer, const Buffer& hashes) {
  const auto* result = std::get_if<wire::SyncHashesResult>(&answer);
  const std::optional<BucketHashes> theirs = hashes_in(hashes);
  if (result == nullptr || !theirs) return;
  if (!result->settled && !sabotaged(Rule::bytes_outlive_tombstone)) return;
  const BucketHashes& ours = services_.ports.catalog->buckets();
  for (const CatalogEntry& dead : page) {
    const std::size_t bucket = bucket_of(dead.record.digest);
    if ((*theirs)[bucket] == ours[bucket] || sabotaged(Rule::bytes_outlive_tombstone)) bury(dead);
  }
}

void Burial::bury(const CatalogEntry& dead) {
  CatalogChange gone{dead.record, CatalogChange::Presence{false, "", 0, dead.file_name}, true};
  services_.record(std::move(gone), [this, file = dead.file_name](const Result<CatalogEntry>& held) {
    if (held.ok() && held->record.tombstone && !held->present) landing_.bury(held->record.digest, file);
  });
}

void Burial::end_pass() {
  busy_ = false;
  if (after_ == Digest{}) next_ = services_.now() + kPause;
}

}  // namespace cloudp2p::core
