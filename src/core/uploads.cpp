#include "core/uploads.hpp"

namespace cloudp2p::core {
namespace {

constexpr auto kOffsetsPatience = std::chrono::milliseconds(200);

}  // namespace

bool Uploads::current(const JobPtr& job) const {
  const auto at = jobs_.find(job->client.ask.digest);
  return at != jobs_.end() && at->second == job && services_.leads(job->term);
}

Uploads::JobPtr Uploads::find(ConnectionId connection, wire::RequestId request) const {
  const auto at = by_request_.find({connection, request});
  if (at == by_request_.end()) return nullptr;
  const auto job = jobs_.find(at->second);
  return job == jobs_.end() ? nullptr : job->second;
}

void Uploads::on_chunk(ConnectionId connection, const wire::Chunk& chunk, Buffer bytes) {
  const JobPtr job = find(connection, chunk.request);
  if (!job) return;  // refused, done, or superseded by the client's own retry
  if (job->stage != Stage::looking) return accept(job, chunk.offset, std::move(bytes));
  job->early_bytes += bytes.size();
  if (job->early_bytes > limits::kUploadWindowBytesMax) return fail(job, Error{Errc::protocol, "window overrun"});
  job->early.emplace_back(chunk.offset, std::move(bytes));
}

void Uploads::accept(const JobPtr& job, std::uint64_t offset, Buffer bytes) {
  if (!current(job)) return;
  if (job->stage == Stage::waiting_first) {
    if (offset != 0) return;  // sent before this attempt began
    begin_fresh(job, bytes.view().first(std::min(bytes.size(), kSniffBytes)));
    if (!current(job)) return;
  }
  // While this node lands what it had in full, a follower may still need bytes that are sent once more.
  if (job->stage != Stage::streaming && job->stage != Stage::landing) return;
  const std::uint64_t end = offset + bytes.size();
  if (end > std::max<std::uint64_t>(job->client.granted, limits::kUploadWindowBytesMin)) {
    return fail(job, Error{Errc::protocol, "window overrun"});
  }
  if (job->put) {
    // The disk and the followers each hold on to what they need, for as long as they need it.
    const Status taken = job->put->offer(offset, bytes.bare());
    if (!taken.ok()) return fail(job, taken.error());
  }
  if (end > job->window_end) {
    job->window.emplace_back(offset, bytes.to_send_on());
    job->window_end = end;
  }
  pump(job);
  land_if_complete(job);
}

void Uploads::on_replica_message(const JobPtr& job, NodeId id, wire::Message& message) {
  const auto at = job->replicas.find(id);
  if (at == job->replicas.end() || at->second.state != ReplicaState::streaming) return;
  Replica& replica = at->second;
  replica.progress = services_.now();
  if (const auto* credit = std::get_if<wire::Credit>(&message)) {
    replica.held = std::max(replica.held, credit->held);
    replica.limit = std::max(replica.limit, credit->limit);
    replica.has_offset = true;
    if (job->stage == Stage::asking_offsets) return offsets_known(job, false);
    pump(job);
    if (job->stage == Stage::streaming || job->stage == Stage::landing) grant_client(*job);
    return;
  }
  if (const auto* ack = std::get_if<wire::ReplicateAck>(&message)) {
    if (ack->code != Errc::ok || ack->term != job->term) {
      return replica_failed(job, replica, Error{ack->code == Errc::ok ? Errc::stale_term : ack->code, ack->message});
    }
    services_.calls.close(replica.call);
    replica.state = ReplicaState::acked;
    if (job->stage == Stage::asking_offsets) return offsets_known(job, false);
    pump(job);
    if (job->stage == Stage::streaming || job->stage == Stage::landing) grant_client(*job);
    return settle(job);
  }
  replica_failed(job, replica, Error{Errc::unreachable, "the connection to a follower broke"});
}

void Uploads::offsets_known(const JobPtr& job, bool patience_over) {
  std::vector<std::uint64_t> held;
  bool all = true;
  for (const auto& [id, replica] : job->replicas) {
    if (replica.state == ReplicaState::failed) continue;
    const bool whole = replica.state == ReplicaState::acked;
    if (!whole && !replica.has_offset) all = false;
    if (whole || replica.has_offset) held.push_back(whole ? job->record.size_bytes : replica.held);
  }
  if (!all && !patience_over) return;
  const std::size_t followers_needed = services_.copies_needed() - 1;
  if (held.size() < followers_needed) {
    if (patience_over) fail(job, Error{Errc::no_quorum, services_.no_quorum_text()});
    return;
  }
  std::sort(held.rbegin(), held.rend());
  std::uint64_t start = job->put->written();
  if (followers_needed > 0) start = std::min(start, held[followers_needed - 1]);
  job->stage = Stage::streaming;
  job->window_end = start;
  for (auto& [id, replica] : job->replicas) {
    const bool behind = replica.state == ReplicaState::streaming && (!replica.has_offset || replica.held < start);
    if (behind) replica_failed(job, replica, Error{Errc::busy, "holds less than the others; repaired later"});
    replica.next = start;
  }
  if (!current(job)) return;
  grant(*job, start, start + services_.window_bytes(jobs_.size()));
  land_if_complete(job);
}

void Uploads::land_if_complete(const JobPtr& job) {
  if (!current(job) || job->stage != Stage::streaming || !job->put->complete()) return;
  job->stage = Stage::landing;
  if (!job->settled_before) unstable_[job->record.digest].record = job->record;
  unresolved_.erase(job->record.digest);  // this upload answers for it
  job->put->set_owner({});
  if (sabotaged(Rule::sync_before_acknowledgement)) job->local_done = true;
  settle(job);
}

void Uploads::begin_local(const JobPtr& job) {
  job->local_begun = true;
  const auto unstable = unstable_.find(job->record.digest);
  if (unstable != unstable_.end()) unstable->second.landing.insert(job->record.stamp);
  auto done = [this, job](const Result<CatalogEntry>& entry) { landed(job, entry); };
  if (job->metadata_only) return services_.record(CatalogChange{job->record, std::nullopt}, std::move(done));
  landing_.land(std::move(job->put), job->record, job->term, services_.guard(std::move(done)));
}

void Uploads::landed(const JobPtr& job, const Result<CatalogEntry>& entry) {
  const Digest& digest = job->record.digest;
  const auto at = unstable_.find(digest);
  if (at != unstable_.end() && at->second.landing.erase(job->record.stamp) > 0) {
    at->second.landed = at->second.landed || entry.ok();
    // An earlier attempt may have landed, or be about to: then the image stays hidden until it is on a majority.
    if (!at->second.landed && at->second.landing.empty()) unstable_.erase(at);
  }
  if (!current(job)) return leave_to_write_back(digest);
  if (!entry.ok()) return fail(job, entry.error());
  if (!entry->present) return fail(job, Error{Errc::busy, "its bytes were lost here meanwhile"});
  job->local_done = true;
  settle(job);
}

void Uploads::replica_failed(const JobPtr& job, Replica& replica, const Error& error) {
  replica.state = ReplicaState::failed;
  services_.cancel(replica.connection, replica.call);
  services_.calls.close(replica.call);
  if (!current(job)) return;
  const bool possible = services_.on_majority([&](NodeId id) {
    const auto other = job->replicas.find(id);
    return id == services_.self || (other != job->replicas.end() && other->second.state != ReplicaState::failed);
  });
  if (!job->acknowledged && !possible) {
    const bool disk = error.code == Errc::full || error.code == Errc::io || error.code == Errc::read_only;
    return fail(job, disk ? error : Error{Errc::no_quorum, "a majority can no longer be reached: " + error.message});
  }
  pump(job);
  if (job->stage == Stage::asking_offsets) return offsets_known(job, false);
  if (job->stage == Stage::streaming || job->stage == Stage::landing) grant_client(*job);
  settle(job);
}

void Uploads::settle(const JobPtr& job) {
  if (!current(job)) return;
  // Of the members of this moment: they may have changed since the replicas were opened.
  const bool enough = services_.on_majority([&](NodeId id) {
    const auto replica = job->replicas.find(id);
    return id == services_.self || (replica != job->replicas.end() && is_durable_on(id, replica->second));
  });
  bool all_answered = true;
  for (const auto& [id, replica] : job->replicas) all_answered = all_answered && replica.state != ReplicaState::streaming;
  const bool may_land = (!job->settled_before && !job->metadata_only) || enough;
  if (job->stage == Stage::landing && !job->local_begun && may_land) begin_local(job);
  if (job->stage == Stage::landing && all_answered && !enough && !job->acknowledged) {
    return fail(job, Error{Errc::no_quorum, "a majority can no longer be reached: the members have changed"});
  }
  if (!job->local_done) return;
  if (!job->acknowledged && enough) acknowledge(job);
  if (job->acknowledged && all_answered) remove(job);
}

bool Uploads::is_durable_on(NodeId id, const Replica& replica) const {
  return replica.state == ReplicaState::acked && services_.has_disk_of(id, replica.incarnation);
}

void Uploads::answer_client(Job& job) {
  std::uint32_t copies = job.local_done ? 1 : 0;
  for (const auto& [id, replica] : job.replicas) copies += is_durable_on(id, replica) ? 1U : 0U;
  if (job.client.connection == kNoConnection) return;
  (void)services_.send(job.client.connection,
                       wire::UploadResult{job.client.ask.request, job.record.digest, job.record.size_bytes,
                                          job.record.stamp, services_.self, copies,
                                          static_cast<std::uint32_t>(services_.copies_wanted()),
                                          job.metadata_only});
}

void Uploads::acknowledge(const JobPtr& job) {
  job->acknowledged = true;
  unstable_.erase(job->record.digest);
  unresolved_.erase(job->record.digest);
  ++services_.counters.uploads_acknowledged;
  services_.counters.upload_bytes += job->metadata_only ? 0 : job->record.size_bytes;
  if (services_.extras.observer != nullptr) services_.extras.observer->on_acknowledged(job->record, job->term);
  answer_client(*job);
  std::vector<Client> waiting;
  waiting.swap(job->waiting);
  if (waiting.empty()) return;
  // The others bring the same content: each gets a fresh stamp and a majority of its own.
  end_stragglers(job);
  for (const Client& next : waiting) on_upload(next.connection, next.ask);
}

void Uploads::remove(const JobPtr& job) {
  const auto at = jobs_.find(job->client.ask.digest);
  if (at == jobs_.end() || at->second != job) return;
  by_request_.erase({job->client.connection, job->client.ask.request});
  jobs_.erase(at);
}

void Uploads::end_stragglers(JobPtr job) {
  close_replicas(*job);
  remove(job);
}

bool Uploads::make_way(const Digest& digest) {
  if (unstable_.contains(digest)) return false;
  const auto at = jobs_.find(digest);
  if (at == jobs_.end()) return true;
  if (!at->second->acknowledged) return false;
  end_stragglers(at->second);
  return true;
}

void Uploads::close_replicas(Job& job) {
  for (auto& [id, replica] : job.replicas) {
    if (replica.state != ReplicaState::streaming) continue;
    services_.cancel(replica.connection, replica.call);
    services_.calls.close(replica.call);
    replica.state = ReplicaState::failed;
  }
}

void Uploads::fail(const JobPtr& job, const Error& error) {
  if (job->client.connection != kNoConnection && !job->acknowledged) {
    services_.send_error(job->client.connection, job->client.ask.request, error.code, error.message);
  }
  abandon(job);
}

void Uploads::abandon(const JobPtr& job) {
  for (const Client& next : job->waiting) {
    services_.send_error(next.connection, next.ask.request, Errc::busy, "the same image was being sent by another client");
  }
  job->waiting.clear();
  remove(job);
  close_replicas(*job);
  leave_to_write_back(job->record.digest);
  parked_.park(std::move(job->put));
}

/// Unless an upload that is under way answers for it.
void Uploads::leave_to_write_back(const Digest& digest) {
  const auto at = unstable_.find(digest);
  if (at != unstable_.end() && at->second.landed && !jobs_.contains(digest)) unresolved_.insert(digest);
}

void Uploads::on_cancel(ConnectionId connection, wire::RequestId request) {
  if (const JobPtr job = find(connection, request)) return abandon(job);
  for (const auto& [digest, job] : jobs_) {
    auto& waiting = job->waiting;
    waiting.erase(std::remove_if(waiting.begin(), waiting.end(),
                                 [&](const Client& client) {
                                   return client.connection == connection && client.ask.request == request;
                                 }),
                  waiting.end());
  }
}

void Uploads::on_connection_closed(ConnectionId connection) {
  std::vector<JobPtr> left;
  for (const auto& [digest, job] : jobs_) {
    auto& waiting = job->waiting;
    waiting.erase(std::remove_if(waiting.begin(), waiting.end(),
                                 [&](const Client& client) { return client.connection == connection; }),
                  waiting.end());
    if (job->client.connection == connection) left.push_back(job);
  }
  for (const JobPtr& job : left) {
    by_request_.erase({connection, job->client.ask.request});
    job->client.connection = kNoConnection;
    const bool all_here = job->metadata_only || job->window_end == job->record.size_bytes;
    if (job->stage == Stage::landing && all_here) continue;  // nothing more is needed from the client
    fail(job, Error{Errc::closed, "the client left"});
  }
}

void Uploads::on_stepped_down() {
  for (const JobPtr& job : all_jobs()) fail(job, Error{Errc::outcome_unknown, "the leader stepped down in mid-upload"});
  jobs_.clear();
  by_request_.clear();
  unstable_.clear();
  unresolved_.clear();
  refused_bytes_ = 0;  // Whoever still wants it asks again.
}

void Uploads::tick() {
  for (const JobPtr& job : all_jobs()) {
    if (!current(job)) continue;
    note_own_progress(*job);
    if (job->stage == Stage::asking_offsets && services_.now() - job->since > kOffsetsPatience) offsets_known(job, true);
    if (!current(job)) continue;
    note_waiting(*job);
    drop_slow(job);
  }
  write_back_unstable();
}

void Uploads::write_back_unstable() {
  if (writing_back_ || unresolved_.empty() || !services_.serving) return;
  std::vector<ImageRecord> page;
  for (const Digest& digest : unresolved_) {
    const auto at = unstable_.find(digest);
    if (at != unstable_.end() && page.size() < limits::kSyncRecordsPerPage) page.push_back(at->second.record);
  }
  writing_back_ = true;
  const std::vector<ImageRecord> pushed = page;
  push_.push(std::move(page), services_.guard([this, pushed](const Status& status) {
    writing_back_ = false;
    for (const ImageRecord& record : pushed) {
      const auto at = unstable_.find(record.digest);
      if (!status.ok() || at == unstable_.end() || at->second.record.stamp != record.stamp) continue;
      unresolved_.erase(record.digest);
      unstable_.erase(at);
    }
  }));
}

}  // namespace cloudp2p::core
