#include "core/repair.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr auto kSourceSilence = std::chrono::seconds(2);
constexpr auto kMissingPause = std::chrono::milliseconds(500);
constexpr std::uint64_t kWindowBytes = limits::kUploadWindowBytesMax;  ///< Of one image on its way.
// Whoever uploads waits behind what is on its way here: more than this makes him wait longer, and repair no faster.
constexpr std::uint64_t kOnTheWayBytesMax = kWindowBytes;
constexpr std::size_t kLargeImagesMax = 2;
constexpr std::size_t kFetchesMax = 96;  ///< Those that wait for the disk among them.

}  // namespace

void Repair::want(const ImageRecord& record, NodeId source, Callback<void(const Status&)> done) {
  const auto at = fetches_.find(record.digest);
  if (at != fetches_.end()) {
    at->second.waiting.push_back(std::move(done));
    return;
  }
  begin(record, source, std::move(done));
}

void Repair::tick(std::size_t uploads) {
  uploads_ = uploads;
  give_up_silent();
  start_fetches();
  start_sync();
}

/// Repair takes the share that one more upload would have. What has arrived and waits for the disk holds no memory, but
/// a file.
bool Repair::room_for(const ImageRecord& record) const {
  if (next_fetch_ > services_.now() + services_.config.timing.heartbeat) return false;
  if (fetches_.empty()) return true;
  const std::size_t share = 1 + uploads_;
  std::size_t coming = 1;
  std::uint64_t bytes = std::min(record.size_bytes, kWindowBytes);
  for (const auto& [digest, fetch] : fetches_) {
    if (!fetch.put) continue;
    ++coming;
    bytes += std::min(fetch.record.size_bytes, kWindowBytes);
  }
  const bool fits = coming <= kLargeImagesMax / share || bytes <= kOnTheWayBytesMax / share;
  return fits && fetches_.size() < kFetchesMax / share;
}

void Repair::start_fetches() {
  const auto reachable = [](const auto& link) { return link.second.bulk_up; };
  if (starting_ || std::none_of(services_.links.begin(), services_.links.end(), reachable)) return;
  if (services_.ports.images->status().health != StoreHealth::ok) return queue_.clear();
  starting_ = true;
  while (!queue_.empty() && room_for(queue_.front())) {
    const ImageRecord record = std::move(queue_.front());
    queue_.pop_front();
    const bool coming = fetches_.contains(record.digest) || services_.arriving.contains(record.digest);
    if (!coming) begin(record, kNobody, nullptr);
  }
  starting_ = false;
  if (queue_.empty()) list_missing();
}

void Repair::list_missing() {
  if (listing_ || services_.ports.catalog->summary().missing == 0 || services_.now() < listed_at_) return;
  listing_ = true;
  auto listed = [this](Result<std::vector<CatalogEntry>> missing) {
    listing_ = false;
    if (!missing.ok()) return;
    for (CatalogEntry& entry : *missing) queue_.push_back(std::move(entry.record));
    const bool more = missing->size() == limits::kListPageMax;
    after_ = more ? queue_.back().digest : Digest{};
    if (!more) listed_at_ = services_.now() + kMissingPause;
    start_fetches();
  };
  services_.catalog.missing(after_, limits::kListPageMax, std::move(listed));
}

void Repair::begin(const ImageRecord& record, NodeId first, Callback<void(const Status&)> done) {
  Fetch& fetch = fetches_[record.digest];
  fetch.record = record;
  if (services_.config.repair_bytes_per_second > 0) {
    const std::chrono::duration<double> share(static_cast<double>(record.size_bytes) /
                                              static_cast<double>(services_.config.repair_bytes_per_second));
    next_fetch_ = std::max(next_fetch_, services_.now()) + std::chrono::duration_cast<Duration>(share);
  }
  fetch.sources = sources(first);
  fetch.offered = static_cast<bool>(done);
  if (done) fetch.waiting.push_back(std::move(done));
  ask_next_source(record.digest);
}

/// The preferred one last, before it the one that is asked for the least now; the leader has most to do besides.
std::vector<NodeId> Repair::sources(NodeId preferred) const {
  const auto cost = [&](NodeId id) {
    const ConnectionId connection = services_.links.at(id).bulk;
    const auto asked = std::count_if(fetches_.begin(), fetches_.end(), [&](const auto& fetch) {
      return fetch.second.call != 0 && fetch.second.connection == connection;
    });
    return std::tuple(id != preferred, asked, id == services_.view().leader);
  };
  std::vector<NodeId> out;
  for (const auto& [id, link] : services_.links) {
    if (link.bulk_up) out.push_back(id);
  }
  std::stable_sort(out.begin(), out.end(), [&](NodeId a, NodeId b) { return cost(a) > cost(b); });
  return out;
}

void Repair::ask_next_source(const Digest& digest) {
  Fetch& fetch = fetches_.at(digest);
  leave_source(fetch);
  if (fetch.sources.empty()) return end(digest, Error{Errc::not_found, "no reachable member has the bytes"});
  const NodeId source = fetch.sources.back();
  fetch.sources.pop_back();
  const auto link = services_.links.find(source);
  if (link == services_.links.end() || !link->second.bulk_up) return ask_next_source(digest);
  if (!fetch.put) fetch.put = parked_.take(digest, fetch.record.size_bytes);
  if (fetch.put && fetch.put->complete()) return land(fetch);
  if (!fetch.put) {
    const UploadId name = services_.ports.entropy->draw<UploadId>();
    fetch.put = std::make_unique<LocalPut>(
        services_, PutHeader{name, digest, fetch.record.size_bytes, fetch.record.type, fetch.record.name});
  }
  fetch.only_from = fetch.put->received() == 0 || fetch.only_from == source ? source : kNobody;
  fetch.put->set_owner({[this, digest] {
                          const auto at = fetches_.find(digest);
                          if (at != fetches_.end()) grant(at->second);
                        },
                        [this, digest](const Error& error) { end(digest, error); }});
  fetch.progress = services_.now();
  fetch.connection = link->second.bulk;
  fetch.call = services_.calls.open(fetch.connection, [this, digest](wire::Message& answer, Buffer& bytes) {
    on_answer(digest, answer, bytes);
  });
  (void)services_.send(fetch.connection, wire::Fetch{fetch.call, digest, fetch.put->received()});
  grant(fetch);
}

void Repair::grant(Fetch& fetch) {
  if (fetch.call == 0 || !fetch.put) return;
  const std::uint64_t limit = fetch.put->written() + kWindowBytes;
  (void)services_.send(fetch.connection,
                       wire::Credit{fetch.call, fetch.put->written(), std::min(limit, fetch.record.size_bytes)});
}

void Repair::on_answer(const Digest& digest, wire::Message& answer, Buffer& bytes) {
  const auto at = fetches_.find(digest);
  if (at == fetches_.end()) return;
  Fetch& fetch = at->second;
  fetch.progress = services_.now();
  if (const auto* chunk = std::get_if<wire::Chunk>(&answer)) return on_bytes(fetch, *chunk, std::move(bytes));
  if (const auto* begun = std::get_if<wire::FetchBegin>(&answer)) {
    if (begun->size_bytes != fetch.record.size_bytes) ask_next_source(digest);
    return;
  }
  const auto* ended = std::get_if<wire::FetchEnd>(&answer);
  const bool whole = ended != nullptr && ended->code == Errc::ok;
  if (!whole) ask_next_source(digest);
}

void Repair::on_bytes(Fetch& fetch, const wire::Chunk& chunk, Buffer bytes) {
  const Digest digest = fetch.record.digest;
  if (!fetch.put) return;
  const Status taken = fetch.put->offer(chunk.offset, std::move(bytes));
  if (!taken.ok()) return ask_next_source(digest);
  if (fetch.put->complete()) land(fetch);
}

void Repair::land(Fetch& fetch) {
  leave_source(fetch);
  fetch.put->set_owner({});
  const Digest digest = fetch.record.digest;
  auto done = services_.guard([this, digest](Result<CatalogEntry> entry) { landed(digest, entry); });
  if (fetch.offered) {
    landing_.land(std::move(fetch.put), fetch.record, fetch.record.stamp.term, std::move(done));
  } else {
    landing_.land_repair(std::move(fetch.put), fetch.record, std::move(done));
  }
  start_fetches();  // While the disk works, the network may.
}

void Repair::landed(const Digest& digest, const Result<CatalogEntry>& entry) {
  const auto at = fetches_.find(digest);
  if (at == fetches_.end()) return;
  if (entry.ok()) {
    ++services_.counters.repairs;
    return end(digest, {});
  }
  if (entry.code() == Errc::integrity) blame(at->second);
  // A source with damaged bytes: the others may have good ones.
  if (entry.code() == Errc::integrity && !at->second.sources.empty()) return ask_next_source(digest);
  end(digest, entry.error());
}

/// Who sent damaged bytes does not know it: told to look, it puts its copy aside and fetches a good one.
void Repair::blame(const Fetch& fetch) {
  const auto link = services_.links.find(fetch.only_from);
  if (link == services_.links.end() || !link->second.bulk_up) return;
  (void)services_.send(link->second.bulk, wire::Verify{0, fetch.record.digest});
}

void Repair::leave_source(Fetch& fetch) {
  if (fetch.call == 0) return;
  services_.calls.close(fetch.call);
  if (fetch.put && !fetch.put->complete()) services_.cancel(fetch.connection, fetch.call);
  fetch.call = 0;
}

void Repair::end(const Digest& digest, const Status& status) {
  const auto at = fetches_.find(digest);
  if (at == fetches_.end()) return;
  leave_source(at->second);
  Fetch fetch = std::move(at->second);
  fetches_.erase(at);
  if (!status.ok()) parked_.park(std::move(fetch.put));
  for (const auto& waiting : fetch.waiting) waiting(status);
  start_fetches();
}

void Repair::drop_deleted(const ImageRecord& tombstone) {
  const auto deleted = [&](const ImageRecord& record) {
    return record.digest == tombstone.digest && record.stamp <= tombstone.stamp;
  };
  std::erase_if(queue_, deleted);
  const auto at = fetches_.find(tombstone.digest);
  if (at != fetches_.end() && deleted(at->second.record)) end(tombstone.digest, Error{Errc::not_found, "the image was deleted"});
}

void Repair::give_up_silent() {
  std::vector<Digest> silent;
  for (const auto& [digest, fetch] : fetches_) {
    if (fetch.call != 0 && services_.now() - fetch.progress > kSourceSilence) silent.push_back(digest);
  }
  for (const Digest& digest : silent) {
    if (fetches_.contains(digest)) ask_next_source(digest);
  }
}

}  // namespace cloudp2p::core
