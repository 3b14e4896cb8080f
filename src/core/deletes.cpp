#include "core/deletes.hpp"

namespace cloudp2p::core {

Error Deletes::inadmissible(const wire::Delete& ask) {
  if (Error refusal = services_.not_serving()) return refusal;
  if (!services_.majority_connected()) return {Errc::no_quorum, services_.no_quorum_text()};
  const auto running = jobs_.find(ask.digest);
  if (running != jobs_.end()) {
    if (running->second->expected == ask.expected) return {};
    return {Errc::busy, "the image is being deleted"};
  }
  if (jobs_.size() >= limits::kUploadsMax) return {Errc::busy, "too many deletes at once"};
  const bool beside = sabotaged(Rule::delete_excludes_upload);
  if (!beside && !uploads_.make_way(ask.digest)) return {Errc::busy, "the image is being uploaded"};
  return {};
}

void Deletes::on_delete(ConnectionId connection, const wire::Delete& ask) {
  const Error refusal = inadmissible(ask);
  if (refusal) return services_.send_error(connection, ask.request, refusal.code, refusal.message);
  const auto [at, fresh] = jobs_.try_emplace(ask.digest);
  if (fresh) at->second = std::make_shared<Job>();
  const JobPtr job = at->second;
  job->waiting.push_back(Waiting{connection, ask.request});
  if (!fresh) return;
  job->term = services_.term();
  job->expected = ask.expected;
  if (!sabotaged(Rule::delete_excludes_upload)) services_.deleting.insert(ask.digest);
  ++services_.deletes_begun;
  services_.catalog.look_up(ask.digest, [this, job, digest = ask.digest](const Result<std::optional<CatalogEntry>>& found) {
    if (current(job, digest)) looked_up(job, digest, found);
  });
}

bool Deletes::current(const JobPtr& job, const Digest& digest) const {
  const auto at = jobs_.find(digest);
  return at != jobs_.end() && at->second == job && services_.leads(job->term);
}

void Deletes::looked_up(const JobPtr& job, const Digest& digest, const Result<std::optional<CatalogEntry>>& found) {
  const bool live = found.ok() && found->has_value() && !(*found)->record.tombstone;
  const bool expected = live && ((*found)->record.stamp == job->expected || sabotaged(Rule::delete_names_its_stamp));
  if (expected) {
    job->tombstone = (*found)->record;
    job->tombstone.tombstone = true;
    return push(job);
  }
  forget(digest);
  if (!found.ok()) return refuse(*job, found.code(), found.error().message);
  // An answer about what is stored: it is one only if this node still leads.
  for (const Waiting& asker : job->waiting) {
    reads_.confirmed(asker.connection, asker.request, false, [this, asker, live] {
      services_.send_error(asker.connection, asker.request, live ? Errc::conflict : Errc::not_found,
                           live ? "the image was stored again meanwhile" : "no image has that id");
    });
  }
}

void Deletes::push(const JobPtr& job) {
  job->pushing = true;
  job->tombstone.time_ms = services_.ports.timers->wall_ms();
  job->tombstone = push_.push({job->tombstone}, services_.guard([this, job](const Status& status) { pushed(job, status); })).front();
  if (sabotaged(Rule::delete_needs_majority)) acknowledge(*job);
}

void Deletes::pushed(const JobPtr& job, const Status& status) {
  const Digest digest = job->tombstone.digest;
  if (!current(job, digest)) return;
  job->pushing = false;
  if (!status.ok()) {
    refuse(*job, Errc::outcome_unknown, "the delete is not on a majority yet: " + status.error().text());
    job->waiting.clear();
    return;
  }
  forget(digest);
  acknowledge(*job);
}

void Deletes::acknowledge(const Job& job) {
  ++services_.counters.deletes_acknowledged;
  if (services_.extras.observer != nullptr) services_.extras.observer->on_acknowledged(job.tombstone, job.term);
  for (const Waiting& asker : job.waiting) {
    (void)services_.send(asker.connection, wire::DeleteResult{asker.request, job.tombstone.stamp});
  }
}

void Deletes::refuse(const Job& job, Errc code, const std::string& message) {
  for (const Waiting& asker : job.waiting) services_.send_error(asker.connection, asker.request, code, message);
}

void Deletes::forget(const Digest& digest) {
  jobs_.erase(digest);
  services_.deleting.erase(digest);
}

void Deletes::tick() {
  if (!services_.majority_connected()) return;
  for (const auto& [digest, job] : std::map<Digest, JobPtr>(jobs_)) {
    const bool failed = !job->pushing && job->tombstone.tombstone;
    if (failed && current(job, digest)) push(job);
  }
}

void Deletes::on_stepped_down() {
  for (const auto& [digest, job] : jobs_) refuse(*job, Errc::outcome_unknown, "the leader stepped down in mid-delete");
  jobs_.clear();
  services_.deleting.clear();
}

}  // namespace cloudp2p::core
