// Flow of an upload: what may be sent to whom, and who is not waited for any longer.
#include "core/uploads.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr auto kSlowPatience = std::chrono::seconds(1);

}  // namespace

void Uploads::pump(const JobPtr& job) {
  if (job->stage != Stage::streaming && job->stage != Stage::landing) return;
  std::uint64_t sent_by_all = job->record.size_bytes;
  for (auto& [id, replica] : job->replicas) {
    if (replica.state != ReplicaState::streaming) continue;
    pump_one(*job, replica);
    sent_by_all = std::min(sent_by_all, replica.next);
  }
  while (!job->window.empty() && job->window.front().first + job->window.front().second.size() <= sent_by_all) {
    job->window.pop_front();
  }
}

void Uploads::pump_one(Job& job, Replica& replica) {
  for (const auto& [offset, bytes] : job.window) {
    const std::uint64_t end = offset + bytes.size();
    if (end <= replica.next) continue;
    if (end <= replica.held) {  // a resumed follower holds it already
      replica.next = end;
      continue;
    }
    if (offset >= replica.limit) return;
    if (!services_.send(replica.connection, wire::Chunk{replica.call, offset}, bytes).ok()) {
      return services_.ports.transport->watch_drain(replica.connection);
    }
    replica.next = end;
  }
}

void Uploads::grant_client(Job& job) {
  if (job.client.connection == kNoConnection) return;
  std::uint64_t base = job.put ? job.put->written() : job.record.size_bytes;
  for (const auto& [id, replica] : job.replicas) {
    if (replica.state == ReplicaState::streaming) base = std::min(base, replica.held);
  }
  const std::uint64_t window = services_.window_bytes(jobs_.size());
  const std::uint64_t limit = std::min(base + window, job.record.size_bytes);
  const bool first = job.client.granted == 0;
  if (!first && limit < job.record.size_bytes && limit < job.client.granted + window / 4) return;
  if (!first && limit <= job.client.granted) return;
  grant(job, job.window_end, limit);
}

void Uploads::grant(Job& job, std::uint64_t held, std::uint64_t limit) {
  job.client.granted = std::max(std::min(limit, job.client.ask.size_bytes), job.client.granted);
  (void)services_.send(job.client.connection, wire::Credit{job.client.ask.request, held, job.client.granted});
}

void Uploads::on_drained(ConnectionId connection) {
  for (const JobPtr& job : all_jobs()) {
    for (const auto& [id, replica] : job->replicas) {
      if (replica.connection == connection) {
        pump(job);
        break;
      }
    }
  }
}

/// Enough others have taken all that came, and the client may send no more before this one has: twice as much could flow if
/// that is so for more than half of the time.
void Uploads::note_waiting(Job& job) {
  const std::uint64_t lag = services_.window_bytes(jobs_.size()) / 2;
  const auto keeps_up = [&](std::uint64_t held) { return held + lag >= job.window_end; };
  const std::uint64_t granted = job.client.granted;
  const bool all_used = granted < job.record.size_bytes && job.window_end + services_.extras.chunk_bytes > granted;
  const bool waits = job.stage == Stage::streaming && all_used && services_.on_majority([&](NodeId id) {
    if (id == services_.self) return job.put && keeps_up(job.put->written());
    const auto at = job.replicas.find(id);
    if (at == job.replicas.end() || at->second.state == ReplicaState::failed) return false;
    return at->second.state == ReplicaState::acked || keeps_up(at->second.held);
  });
  const Duration tick = services_.config.timing.heartbeat;
  for (auto& [id, replica] : job.replicas) {
    const bool for_this = waits && !keeps_up(replica.held);
    replica.waited_for = std::max(Duration(0), replica.waited_for + (for_this ? tick : -tick));
  }
}

void Uploads::drop_slow(const JobPtr& job) {
  const auto needed = [&](NodeId asked) {
    return !services_.on_majority([&](NodeId id) {
      const auto at = job->replicas.find(id);
      return id == services_.self || (id != asked && at != job->replicas.end() && at->second.state != ReplicaState::failed);
    });
  };
  const TimePoint now = services_.now();
  // Of the last of an image a follower tells only when it is durable.
  const std::uint64_t size = job->record.size_bytes;
  const std::uint64_t told_of = size > limits::kUploadWindowBytesMin ? size - limits::kUploadWindowBytesMin : 0;
  const std::uint64_t due = job->put ? std::min(job->put->written(), told_of) : 0;
  for (auto& [id, replica] : job->replicas) {
    if (replica.state != ReplicaState::streaming) continue;
    const bool owes_bytes = replica.held < due;
    const bool silent = now - replica.progress > (owes_bytes ? Duration(kSlowPatience) : Services::kDiskPatience);
    const bool slow = replica.waited_for > kSlowPatience;
    if (!(silent || slow) || (owes_bytes && needed(id))) continue;
    replica_failed(job, replica, Error{Errc::timed_out, fmt::format("node {} fell behind", value(id))});
    if (!current(job)) return;
  }
}

void Uploads::note_own_progress(Job& job) {
  const std::uint64_t written = job.put ? job.put->written() : 0;
  const bool ahead = services_.on_majority([&](NodeId id) {
    const auto at = job.replicas.find(id);
    if (id == services_.self || at == job.replicas.end()) return id == services_.self;
    return is_durable_on(id, at->second) || (job.put && at->second.state == ReplicaState::streaming && at->second.held > written);
  });
  if (ahead && !job.local_done && written == job.own_written) return;
  job.own_written = written;
  job.own_progress = services_.now();
}

bool Uploads::own_disk_hangs() const {
  return std::any_of(jobs_.begin(), jobs_.end(), [this](const auto& entry) {
    const Job& job = *entry.second;
    return job.stage >= Stage::streaming && services_.now() - job.own_progress >= Services::kDiskPatience;
  });
}

std::size_t Uploads::bytes_in_flight() const {
  std::size_t bytes = 0;
  for (const auto& [digest, job] : jobs_) {
    for (const auto& [offset, chunk] : job->window) bytes += chunk.size();
    if (job->put) bytes += static_cast<std::size_t>(job->put->received() - job->put->written());
  }
  return bytes;
}

}  // namespace cloudp2p::core
