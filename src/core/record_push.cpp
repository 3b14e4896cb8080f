#include "core/record_push.hpp"

namespace cloudp2p::core {

struct RecordPush::Batch {
  Term term = 0;
  std::vector<ImageRecord> records;
  std::map<NodeId, ConnectionId> asked;
  std::size_t waiting = 0;
  std::map<NodeId, Incarnation> copies;  ///< Durable there, under that incarnation.
  std::size_t left_here = 0;
  bool writing_here = false;
  TimePoint writing_since;
  bool over = false;
  Error failure;
  Callback<void(const Status&)> done;
};

std::vector<ImageRecord> RecordPush::push(std::vector<ImageRecord> records, Callback<void(const Status&)> done) {
  auto batch = std::make_shared<Batch>();
  batch->term = services_.term();
  batch->records = std::move(records);
  batch->done = std::move(done);
  // Whoever asked may have led when it began to ask, and not any more: the stamps of this term are another's to give.
  if (services_.view().role != ElectionRole::leader) {
    services_.ports.executor->post(services_.guard([batch] { batch->done(Errc::stale_term); }));
    return batch->records;
  }
  for (ImageRecord& record : batch->records) {
    record.stamp = services_.next_stamp();
    if (services_.extras.observer != nullptr) services_.extras.observer->on_stamped(record);
    services_.pushing.insert(record.digest);
  }
  open_.push_back(batch);
  ask_voters(batch);
  const bool alone = services_.on_majority([&](NodeId id) { return id == services_.self; });
  if (alone) write_here(batch);
  if (!alone && (batch->waiting == 0 || batch->waiting + 1 < services_.copies_needed())) {
    services_.ports.executor->post(
        services_.guard([this, batch] { end(batch, Error{Errc::no_quorum, services_.no_quorum_text()}); }));
  }
  return batch->records;
}

void RecordPush::tick() {
  for (const std::shared_ptr<Batch>& batch : open_) {
    if (!batch->writing_here && services_.leads(batch->term)) ask_voters(batch);
  }
}

bool RecordPush::own_disk_hangs() const {
  return std::any_of(open_.begin(), open_.end(), [this](const std::shared_ptr<Batch>& batch) {
    return batch->writing_here && services_.now() - batch->writing_since >= Services::kDiskPatience;
  });
}

void RecordPush::ask_voters(const std::shared_ptr<Batch>& batch) {
  wire::SyncPush push{0, batch->term, services_.self, {}, false};
  for (const NodeId voter : services_.replica_voters()) {
    const ConnectionId connection = services_.links.at(voter).bulk;
    const auto asked = batch->asked.try_emplace(voter, kNoConnection).first;
    if (asked->second == connection) continue;
    asked->second = connection;
    ++batch->waiting;
    if (push.entries.empty()) {
      for (const ImageRecord& record : batch->records) push.entries.push_back(wire::Entry{record, false, 0});
    }
    const Incarnation incarnation = services_.incarnation_of(voter);
    push.request = services_.calls.open(connection, [this, batch, voter, incarnation](wire::Message& answer, Buffer&) {
      services_.calls.close(request_of(answer));
      answered(batch, voter, incarnation, answer);
    });
    (void)services_.send(connection, push);
  }
}

void RecordPush::answered(const std::shared_ptr<Batch>& batch, NodeId from, const Incarnation& asked,
                          const wire::Message& answer) {
  --batch->waiting;
  const auto* ack = std::get_if<wire::ReplicateAck>(&answer);
  const bool durable = ack != nullptr && ack->code == Errc::ok && ack->term == batch->term;
  if (durable) batch->copies.insert_or_assign(from, asked);
  if (batch->over || batch->writing_here) return;
  if (!services_.leads(batch->term)) return end(batch, Errc::stale_term);
  if (on_majority(*batch)) return write_here(batch);
  if (batch->waiting == 0 || batch->copies.size() + batch->waiting + 1 < services_.copies_needed()) {
    end(batch, Error{Errc::no_quorum, services_.no_quorum_text()});
  }
}

bool RecordPush::on_majority(const Batch& batch) const {
  return services_.on_majority([&](NodeId id) {
    const auto copy = batch.copies.find(id);
    return id == services_.self || (copy != batch.copies.end() && services_.has_disk_of(id, copy->second));
  });
}

void RecordPush::write_here(const std::shared_ptr<Batch>& batch) {
  batch->writing_here = true;
  batch->writing_since = services_.now();
  batch->left_here = batch->records.size();
  for (const ImageRecord& record : batch->records) {
    auto written = [this, batch](const Result<CatalogEntry>& held) {
      if (!held.ok()) batch->failure = held.error();
      if (--batch->left_here > 0) return;
      if (!services_.leads(batch->term)) return end(batch, Errc::stale_term);
      if (batch->failure) return end(batch, batch->failure);
      // A copy may have gone with its disk meanwhile.
      end(batch, on_majority(*batch) ? Status() : Error{Errc::no_quorum, services_.no_quorum_text()});
    };
    services_.record(CatalogChange{record, std::nullopt}, std::move(written));
  }
  if (batch->records.empty()) end(batch, {});
}

void RecordPush::end(const std::shared_ptr<Batch>& batch, const Status& status) {
  if (batch->over) return;
  batch->over = true;
  open_.erase(std::find(open_.begin(), open_.end(), batch));
  for (const ImageRecord& record : batch->records)
    services_.pushing.erase(services_.pushing.find(record.digest));
  batch->done(status);
}

}  // namespace cloudp2p::core
