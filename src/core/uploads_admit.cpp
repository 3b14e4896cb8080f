// Admission of an upload, up to the point where bytes flow.
#include "core/uploads.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {

Error Uploads::inadmissible(const wire::Upload& ask) const {
  if (Error refusal = services_.not_serving()) return refusal;
  if (ask.size_bytes == 0) return {Errc::refused, "the image is empty"};
  if (ask.size_bytes > services_.config.image_bytes_max) {
    return {Errc::refused, fmt::format("the image has {} bytes, the limit is {}", ask.size_bytes,
                                       services_.config.image_bytes_max)};
  }
  if (services_.deleting.contains(ask.digest)) return {Errc::busy, "the image is being deleted"};
  const StoreStatus own = services_.ports.images->status();
  if (own.health != StoreHealth::ok) return {Errc::full, "the leader's disk takes no writes: " + own.problem};
  if (!services_.majority_connected()) return {Errc::no_quorum, services_.no_quorum_text()};
  const std::size_t with_room = services_.have_room_under(services_.self, ask.size_bytes);
  if (with_room < services_.copies_needed()) {
    const std::vector<NodeId> voters = services_.replica_voters();
    const auto silent = [this](NodeId id) { return services_.silence_of(id) != Duration::zero(); };
    const auto may_answer = static_cast<std::size_t>(std::count_if(voters.begin(), voters.end(), silent));
    return {with_room + may_answer < services_.copies_needed() ? Errc::full : Errc::no_quorum,
            fmt::format("only {} of {} nodes answer and have room", with_room, services_.copies_wanted())};
  }
  return {};
}

void Uploads::note_full(std::uint64_t size_bytes) {
  refused_bytes_ = size_bytes;
  refused_at_ = services_.now();
}

std::uint64_t Uploads::refused_of_late() const {
  constexpr auto kMatters = std::chrono::seconds(30);
  return services_.now() - refused_at_ < kMatters ? refused_bytes_ : 0;
}

/// One more upload can begin; if need be in the place of one that is acknowledged, and only some follower has yet to take.
bool Uploads::has_room() {
  if (jobs_.size() < limits::kUploadsMax) return true;
  JobPtr oldest;
  for (const auto& [digest, job] : jobs_) {
    if (job->acknowledged && (!oldest || job->since < oldest->since)) oldest = job;
  }
  if (oldest) end_stragglers(oldest);
  return oldest != nullptr;
}

bool Uploads::joins_running(ConnectionId connection, const wire::Upload& ask) {
  const auto at = jobs_.find(ask.digest);
  if (at == jobs_.end()) return false;
  Job& job = *at->second;
  const bool orphaned = job.client.connection == kNoConnection;
  if (job.acknowledged && job.client.ask.upload != ask.upload) {  // only stragglers are left: repair brings them along
    end_stragglers(at->second);
    return false;
  }
  if (!orphaned && job.client.ask.upload != ask.upload) {
    if (job.waiting.size() >= limits::kUploadsMax) {
      services_.send_error(connection, ask.request, Errc::busy, "too many uploads of this image");
    } else {
      job.waiting.push_back(Client{connection, ask, 0});
    }
    return true;
  }
  by_request_.erase({job.client.connection, job.client.ask.request});
  job.client = Client{connection, ask, 0};
  by_request_[{connection, ask.request}] = ask.digest;
  if (job.acknowledged) {
    answer_client(job);
  } else if (job.stage == Stage::waiting_first) {
    job.early.clear();
    job.early_bytes = 0;
    grant(job, 0, services_.window_bytes(jobs_.size()));
  } else if (job.stage == Stage::streaming || job.stage == Stage::landing) {
    grant_client(job);
  }
  return true;
}

void Uploads::on_upload(ConnectionId connection, const wire::Upload& ask) {
  const Error refusal = inadmissible(ask);
  if (refusal.code == Errc::full || refusal.code == Errc::no_quorum) note_full(ask.size_bytes);
  if (refusal) {
    if (refusal.code == Errc::refused) ++services_.counters.uploads_failed;
    return services_.send_error(connection, ask.request, refusal.code, refusal.message);
  }
  if (joins_running(connection, ask)) return;
  if (!has_room()) return services_.send_error(connection, ask.request, Errc::busy, "too many uploads at once");
  auto job = std::make_shared<Job>();
  job->term = services_.term();
  // A client that does not resume begins with the smallest window, unasked.
  job->client = Client{connection, ask, ask.resume ? 0 : std::min(ask.size_bytes, std::uint64_t{limits::kUploadWindowBytesMin})};
  job->since = job->own_progress = services_.now();
  jobs_[ask.digest] = job;
  by_request_[{connection, ask.request}] = ask.digest;
  services_.catalog.look_up(ask.digest, [this, job](Result<std::optional<CatalogEntry>> found) { looked_up(job, std::move(found)); });
}

void Uploads::looked_up(const JobPtr& job, Result<std::optional<CatalogEntry>> found) {
  if (!current(job)) return;
  if (!found.ok()) return fail(job, found.error());
  const wire::Upload& ask = job->client.ask;
  const std::optional<CatalogEntry>& known = *found;
  // A record that is being pushed may be shown before this upload is done: then it must stay shown.
  const bool shown_soon = services_.pushing.contains(ask.digest);
  job->settled_before = shown_soon || (known && !known->record.tombstone && !unstable_.contains(ask.digest));
  if (known && known->present && !known->record.tombstone) return begin_metadata_only(job, known->record);
  job->put = parked_.take(ask.digest, ask.size_bytes);
  if (job->put) return begin_resumed(job);
  job->stage = Stage::waiting_first;
  if (ask.resume) {
    grant(*job, 0, services_.window_bytes(jobs_.size()));
  }
  std::vector<std::pair<std::uint64_t, Buffer>> early;
  early.swap(job->early);
  for (auto& [offset, bytes] : early) accept(job, offset, std::move(bytes));
}

void Uploads::stamp(const JobPtr& job, ImageType type) {
  const wire::Upload& ask = job->client.ask;
  const std::int64_t now_ms = services_.ports.timers->wall_ms();
  // What comes back from a backup keeps its time. One that is yet to come would lead every list until then.
  const std::int64_t time_ms = ask.time_ms > 0 ? std::min(ask.time_ms, now_ms) : now_ms;
  job->record = ImageRecord{ask.digest, services_.next_stamp(), false, ask.size_bytes, type, ask.name, time_ms};
  if (services_.extras.observer != nullptr) services_.extras.observer->on_stamped(job->record);
}

void Uploads::begin_metadata_only(const JobPtr& job, const ImageRecord& known) {
  job->metadata_only = true;
  job->early.clear();
  job->record = known;
  job->record.stamp = services_.next_stamp();
  job->stage = Stage::landing;
  if (services_.extras.observer != nullptr) services_.extras.observer->on_stamped(job->record);
  if (sabotaged(Rule::duplicate_needs_majority)) return acknowledge(job);
  open_replicas(job);
  settle(job);
}

void Uploads::begin_resumed(const JobPtr& job) {
  stamp(job, job->put->header().type);
  job->early.clear();
  job->stage = Stage::asking_offsets;
  job->since = job->own_progress = services_.now();
  open_put(job);
  open_replicas(job);
  if (job->replicas.empty()) offsets_known(job, true);
}

void Uploads::begin_fresh(const JobPtr& job, ByteView first_bytes) {
  const ImageType type = sniff(first_bytes);
  if (type == ImageType::unknown && !services_.config.accept_any) {
    ++services_.counters.uploads_failed;
    return fail(job, Error{Errc::refused, "not an image: JPEG, PNG, GIF, WebP, AVIF, HEIC, TIFF and BMP are accepted"});
  }
  stamp(job, type);
  const wire::Upload& ask = job->client.ask;
  job->put = std::make_unique<LocalPut>(services_, PutHeader{ask.upload, ask.digest, ask.size_bytes, type, ask.name});
  job->stage = Stage::streaming;
  open_put(job);
  open_replicas(job);
}

void Uploads::open_put(const JobPtr& job) {
  const std::weak_ptr<Job> weak = job;
  job->put->set_owner({[this, weak] {
                         const JobPtr alive = weak.lock();
                         if (alive && alive->stage == Stage::streaming) grant_client(*alive);
                       },
                       [this, weak](const Error& error) {
                         const JobPtr alive = weak.lock();
                         if (!alive || !current(alive)) return;
                         if (error.code == Errc::full) note_full(alive->record.size_bytes);
                         fail(alive, error);
                       }});
}

void Uploads::open_replicas(const JobPtr& job) {
  const std::weak_ptr<Job> weak = job;
  for (const NodeId id : services_.replica_voters()) {
    Replica& replica = job->replicas[id];
    replica.connection = services_.links.at(id).bulk;
    replica.incarnation = services_.incarnation_of(id);
    replica.limit = limits::kUploadWindowBytesMin;
    replica.progress = services_.now();
    replica.call = services_.calls.open(replica.connection, [this, weak, id](wire::Message& message, Buffer&) {
      const JobPtr alive = weak.lock();
      if (alive) on_replica_message(alive, id, message);
    });
    const bool resume = job->stage == Stage::asking_offsets;
    const Status sent =
        services_.send(replica.connection, wire::Replicate{replica.call, job->term, services_.self, job->client.ask.upload,
                                                           job->record, job->metadata_only, resume});
    if (!sent.ok()) replica.state = ReplicaState::failed;
  }
}

}  // namespace cloudp2p::core
