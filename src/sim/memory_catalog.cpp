#include "sim/memory_catalog.hpp"

namespace cloudp2p::sim {
namespace {

constexpr std::size_t kUnsyncedMax = 16;
constexpr std::uint64_t kPlus = 1;
constexpr std::uint64_t kMinus = ~std::uint64_t{0};

/// Its own inverse; a minus would overflow for the smallest number.
std::int64_t newest_first(std::int64_t time_ms) {
  return ~time_ms;
}

bool is_nothing(const CatalogEntry& entry) {
  return entry.record.stamp == Stamp{};
}

bool meets_bad_page(const Disk& disk, const std::vector<CatalogEntry>& entries) {
  return std::any_of(entries.begin(), entries.end(), [&](const CatalogEntry& entry) { return disk.hides(entry.record.digest); });
}
bool meets_bad_page(const Disk&, const std::optional<CatalogEntry>&) {
  return false;  // It was asked about.
}
bool meets_bad_page(const Disk& disk, const ListPage& page) {
  return meets_bad_page(disk, page.entries);
}

/// Hex digits, at most a whole digest; the bounds of the digests that begin so.
struct PrefixRange {
  bool valid = false;
  Digest first;
  Digest last;
};
PrefixRange range_of(std::string prefix) {
  PrefixRange out;
  const std::size_t digits = 2 * Digest::kSize;
  if (prefix.size() > digits) return out;
  std::string low = prefix;
  std::string high = std::move(prefix);
  low.resize(digits, '0');
  high.resize(digits, 'f');
  const auto first = Digest::from(low);
  const auto last = Digest::from(high);
  if (!first || !last) return out;
  return PrefixRange{true, *first, *last};
}

}  // namespace

Status MemoryCatalog::open() {
  found_owner_ = owner_;
  put_.clear();
  buckets_.fill(0);
  summary_ = CatalogSummary{};
  cheap_ = 0;
  root_known_ = false;
  for (const auto& [digest, entry] : durable_)
    count(Effect{std::nullopt, entry});
  summary_.changes = 0;
  return {};
}

/// Alone on the worker: nothing else is asked before it is done.
void MemoryCatalog::claim(const Incarnation& owner, Callback<void(Status)> done) {
  disk_.after(disk_.sync_time(), [this, owner, done = std::move(done)]() mutable {
    Status status;
    if (disk_.refuses(testing::DiskCall::kRecord)) {
      status = disk_.error(testing::DiskCall::kRecord);
    } else {
      owner_ = owner;
    }
    disk_.post([done = std::move(done), status = std::move(status)] { done(status); });
  });
}

void MemoryCatalog::replace(Records records) {
  durable_ = std::move(records);
  by_time_.clear();
  dead_by_time_.clear();
  by_verified_.clear();
  missing_.clear();
  unburied_.clear();
  for (const auto& [digest, entry] : durable_)
    enter(entry);
}

void MemoryCatalog::lose(Journal journal) {
  owner_ = Incarnation{};
  journal_ = std::move(journal);
  unsynced_.clear();
  Records records;
  for (const auto& [digest, record] : journal_)
    records.emplace(digest, CatalogEntry{record, false, "", 0});
  replace(std::move(records));
}

void MemoryCatalog::note(const Digest& digest, const CatalogEntry& held) {
  const auto known = journal_.find(digest);
  unsynced_.emplace_back(digest, known == journal_.end() ? std::nullopt : std::optional(known->second));
  if (unsynced_.size() > kUnsyncedMax) unsynced_.pop_front();
  if (is_nothing(held)) {
    journal_.erase(digest);
  } else {
    journal_.insert_or_assign(digest, held.record);
  }
}

/// How many is decided by what there is, not drawn: other chances stay as they are.
void MemoryCatalog::tear_journal() {
  for (std::size_t torn = summary_.changes % (unsynced_.size() + 1); torn > 0; --torn) {
    const auto& [digest, before] = unsynced_.back();
    if (before) {
      journal_.insert_or_assign(digest, *before);
    } else {
      journal_.erase(digest);
    }
    unsynced_.pop_back();
  }
  unsynced_.clear();
}

void MemoryCatalog::enter(const CatalogEntry& entry) {
  const Digest& digest = entry.record.digest;
  if (entry.record.tombstone) {
    dead_by_time_.insert({entry.record.time_ms, digest});
    if (entry.present) unburied_.insert(digest);
    return;
  }
  by_time_.insert({newest_first(entry.record.time_ms), digest});
  if (entry.present) {
    by_verified_.insert({entry.verified_ms, digest});
  } else {
    missing_.insert(digest);
  }
}

void MemoryCatalog::strike(const CatalogEntry& entry) {
  const Digest& digest = entry.record.digest;
  by_time_.erase({newest_first(entry.record.time_ms), digest});
  dead_by_time_.erase({entry.record.time_ms, digest});
  by_verified_.erase({entry.verified_ms, digest});
  missing_.erase(digest);
  unburied_.erase(digest);
}

void MemoryCatalog::crash() {
  const bool survives = busy_ && disk_.fault() == DiskFault::none && !disk_.fenced() && disk_.coin();
  for (const Request& request : batch_) {
    if (survives && request.change) (void)apply(*request.change);
  }
  batch_.clear();
  queue_.clear();
  busy_ = false;
}

void MemoryCatalog::enqueue(Request request) {
  queue_.push_back(std::move(request));
  if (!busy_) work();
}

void MemoryCatalog::work() {
  busy_ = true;
  batch_.clear();
  batch_.swap(queue_);
  bool writes = false;
  for (const Request& request : batch_)
    writes = writes || request.change.has_value();
  disk_.after(writes ? disk_.sync_time() : disk_.read_time(0), [this] { finish_batch(); });
}

void MemoryCatalog::finish_batch() {
  std::vector<Request> batch;
  batch.swap(batch_);
  bool wrote = false;
  for (Request& request : batch) {
    if (!request.change) {
      request.read();
      continue;
    }
    if (disk_.refuses(testing::DiskCall::kRecord)) {
      disk_.post([done = std::move(request.changed), error = disk_.error(testing::DiskCall::kRecord)] { done(error); });
      continue;
    }
    const Effect effect = apply(*request.change);
    const bool first = !std::exchange(wrote, true);
    disk_.post([this, first, effect, done = std::move(request.changed)] {
      if (first) ++summary_.transactions;
      ++summary_.changes;
      count(effect);
      done(effect.after);
    });
  }
  busy_ = false;
  if (!queue_.empty()) work();
}

MemoryCatalog::Effect MemoryCatalog::apply(const CatalogChange& change) {
  Effect effect;
  const auto [at, added] = durable_.try_emplace(change.record.digest);
  CatalogEntry& held = at->second;
  if (!added) {
    effect.before = held;
    strike(held);
  }
  held = merged(added ? nullptr : &held, change);
  effect.after = held;
  if (!effect.before || effect.before->record != held.record) note(change.record.digest, held);
  if (is_nothing(held)) {
    durable_.erase(at);
  } else {
    enter(held);
  }
  if (mirror_ != nullptr) (void)mirror_->apply(change);
  if (on_durable_) on_durable_(change, effect.after);
  return effect;
}

void MemoryCatalog::count(const Effect& effect) {
  if (effect.before) count_one(*effect.before, kMinus);
  count_one(effect.after, kPlus);
  summary_.newest = std::max(summary_.newest, effect.after.record.stamp);
  root_known_ = false;
}

void MemoryCatalog::count_one(const CatalogEntry& entry, std::uint64_t sign) {
  if (is_nothing(entry)) return;
  const std::uint64_t hash = record_hash(entry.record);
  buckets_[bucket_of(entry.record.digest)] += sign * hash;
  cheap_ += sign * detail::mix64(hash);
  if (entry.record.tombstone) {
    summary_.tombstones += sign;
    if (entry.present) summary_.unburied += sign;
    return;
  }
  summary_.images += sign;
  summary_.image_bytes += sign * entry.record.size_bytes;
  if (!entry.present) summary_.missing += sign;
}

const CatalogSummary& MemoryCatalog::summary() const {
  if (!root_known_) summary_.root = cheap_root_ ? cheap_ : root_of(buckets_);
  root_known_ = true;
  return summary_;
}

void MemoryCatalog::put(CatalogChange change, Callback<void(Result<CatalogEntry>)> done) {
  put_.insert(change.record.digest);
  enqueue(Request{std::move(change), std::move(done), {}});
}

template <class T, class Read>
void MemoryCatalog::ask(Callback<void(Result<T>)> done, Read read, std::optional<Digest> about) {
  Request request;
  request.read = [this, done = std::move(done), read = std::move(read), about]() mutable {
    Result<T> answer = read();
    if (disk_.breaks(testing::DiskCall::kLookUp)) {
      answer = disk_.error(testing::DiskCall::kLookUp);
    } else if ((about && disk_.hides(*about)) || (answer.ok() && meets_bad_page(disk_, *answer))) {
      answer = disk_.error(testing::DiskCall::kLookUpSome);
    }
    disk_.post([done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
  };
  enqueue(std::move(request));
}

void MemoryCatalog::get(const Digest& digest, Callback<void(Result<std::optional<CatalogEntry>>)> done) {
  ask<std::optional<CatalogEntry>>(std::move(done), [this, digest]() -> Result<std::optional<CatalogEntry>> {
    const auto at = durable_.find(digest);
    return at == durable_.end() ? std::optional<CatalogEntry>() : std::optional<CatalogEntry>(at->second);
  }, digest);
}

void MemoryCatalog::find(std::string prefix, std::size_t limit, Callback<void(Result<Entries>)> done) {
  limit = std::min(limit, limits::kListPageMax);
  ask<Entries>(std::move(done), [this, range = range_of(std::move(prefix)), limit]() -> Result<Entries> {
    if (!range.valid) return Error{Errc::invalid_argument, "a prefix is made of hex digits"};
    Entries out;
    for (auto at = durable_.lower_bound(range.first); at != durable_.end() && at->first <= range.last; ++at) {
      if (out.size() >= limit) break;
      if (!at->second.record.tombstone) out.push_back(at->second);
    }
    return out;
  });
}

void MemoryCatalog::list(ListQuery query, Callback<void(Result<ListPage>)> done) {
  ask<ListPage>(std::move(done), [this, query = std::move(query)]() -> Result<ListPage> {
    auto at = by_time_.begin();
    if (!query.after.empty()) {
      const std::size_t split = query.after.find('-', 1);
      const auto digest = split == std::string::npos ? std::nullopt : Digest::from(query.after.substr(split + 1));
      if (!digest) return Error{Errc::invalid_argument, "not a cursor of this catalog"};
      at = by_time_.upper_bound({newest_first(std::stoll(query.after.substr(0, split))), *digest});
    }
    ListPage page;
    const std::size_t limit = std::min(query.limit, limits::kListPageMax);
    for (; at != by_time_.end() && newest_first(at->first) >= query.since_ms; ++at) {
      if (page.entries.size() >= limit) {
        const ImageRecord& last = page.entries.back().record;
        page.next = std::to_string(last.time_ms) + "-" + last.digest.hex();
        break;
      }
      page.entries.push_back(durable_.at(at->second));
    }
    return page;
  });
}

void MemoryCatalog::bucket(std::size_t bucket, Digest after, std::size_t limit, Callback<void(Result<Entries>)> done) {
  limit = std::min(limit, limits::kListPageMax);
  Digest first;
  first.bytes[0] = static_cast<std::byte>(bucket >> 4);
  first.bytes[1] = static_cast<std::byte>(bucket << 4);
  ask<Entries>(std::move(done), [this, bucket, first, after, limit]() -> Result<Entries> {
    if (bucket >= limits::kBuckets) return Error{Errc::invalid_argument, "no such bucket"};
    Entries out;
    auto at = after >= first ? durable_.upper_bound(after) : durable_.lower_bound(first);
    for (; at != durable_.end() && bucket_of(at->first) == bucket && out.size() < limit; ++at)
      out.push_back(at->second);
    return out;
  }, first);
}

void MemoryCatalog::missing(Digest after, std::size_t limit, Callback<void(Result<Entries>)> done) {
  ask_some(missing_, after, limit, std::move(done));
}

void MemoryCatalog::unburied(Digest after, std::size_t limit, Callback<void(Result<Entries>)> done) {
  ask_some(unburied_, after, limit, std::move(done));
}

void MemoryCatalog::tombstones(std::int64_t before_ms, std::size_t limit, Callback<void(Result<Entries>)> done) {
  limit = std::min(limit, limits::kListPageMax);
  ask<Entries>(std::move(done), [this, before_ms, limit]() -> Result<Entries> {
    Entries out;
    for (auto at = dead_by_time_.begin(); at != dead_by_time_.end() && at->first < before_ms && out.size() < limit; ++at) {
      out.push_back(durable_.at(at->second));
    }
    return out;
  });
}

void MemoryCatalog::ask_some(const std::set<Digest>& some, Digest after, std::size_t limit,
                             Callback<void(Result<Entries>)> done) {
  limit = std::min(limit, limits::kListPageMax);
  ask<Entries>(std::move(done), [this, &some, after, limit]() -> Result<Entries> {
    Entries out;
    for (auto at = some.upper_bound(after); at != some.end() && out.size() < limit; ++at) {
      out.push_back(durable_.at(*at));
    }
    return out;
  });
}

void MemoryCatalog::stalest(std::int64_t now_ms, std::size_t limit, Callback<void(Result<Entries>)> done) {
  limit = std::min(limit, limits::kListPageMax);
  ask<Entries>(std::move(done), [this, now_ms, limit]() -> Result<Entries> {
    Entries out;
    Digest last;
    last.bytes.fill(std::byte{0xff});
    const auto later = by_verified_.upper_bound({now_ms, last});
    for (auto at = later; at != by_verified_.end() && out.size() < limit; ++at)
      out.push_back(durable_.at(at->second));
    for (auto at = by_verified_.begin(); at != later && out.size() < limit; ++at)
      out.push_back(durable_.at(at->second));
    return out;
  });
}

}  // namespace cloudp2p::sim
