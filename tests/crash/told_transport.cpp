#include "crash/told_transport.hpp"

namespace crash {

using namespace cloudp2p;

ToldTransport::ToldTransport(Transport& below, std::size_t log, NodeId self)
    : below_(below), log_(log), self_(self) {}

Status ToldTransport::start(TransportHandler& handler) {
  above_ = &handler;
  return below_.start(*this);
}

void ToldTransport::on_connected(const ConnectionInfo& info) {
  if (info.dialled) dialled_[info.id] = info.peer;
  above_->on_connected(info);
}

void ToldTransport::on_frame(ConnectionId connection, Frame frame) {
  if (const Result<wire::Message> message = wire::decode(frame.head); message.ok()) {
    if (const auto* replicate = std::get_if<wire::Replicate>(&*message)) {
      const ImageRecord& record = replicate->record;
      asked_[{connection, replicate->request}] = {{record.digest, record.stamp, !record.tombstone}};
    } else if (const auto* push = std::get_if<wire::SyncPush>(&*message)) {
      auto& asked = asked_[{connection, push->request}];
      // What is offered gets a stamp of the leader's.
      const auto stamp = [&](const ImageRecord& record) { return push->offered ? Stamp{} : record.stamp; };
      for (const wire::Entry& entry : push->entries) {
        asked.push_back({entry.record.digest, stamp(entry.record), false});
      }
    } else if (const auto* deletion = std::get_if<wire::Delete>(&*message)) {
      asked_[{connection, deletion->request}] = {{deletion->digest, {}, false}};
    }
  }
  above_->on_frame(connection, std::move(frame));
}

Status ToldTransport::send(ConnectionId connection, Frame frame) {
  if (const Result<wire::Message> message = wire::decode(frame.head); message.ok()) {
    note_state(connection, *message);
    note_records(connection, *message);
  }
  return below_.send(connection, std::move(frame));
}

void ToldTransport::note_state(ConnectionId connection, const wire::Message& message) {
  StatePromise promise;
  if (const auto* vote = std::get_if<Vote>(&message)) {
    const NodeId candidate = vote->granted ? dialled_[connection] : kNobody;
    promise = {vote->term, candidate, vote->incarnation, vote->membership.term, vote->membership.version};
  } else if (const auto* request = std::get_if<VoteRequest>(&message)) {
    promise = {request->term, self_, request->incarnation, 0, 0};
  } else if (const auto* heartbeat = std::get_if<Heartbeat>(&message)) {
    promise = {heartbeat->term, self_, {}, heartbeat->membership.term, heartbeat->membership.version};
  } else if (const auto* ack = std::get_if<HeartbeatAck>(&message)) {
    promise = {ack->term, kNobody, ack->incarnation, ack->membership_term, ack->membership_version};
  } else if (const auto* hello = std::get_if<wire::Hello>(&message)) {
    promise.incarnation = hello->incarnation;
  } else {
    return;
  }
  Recorder::instance().told(log_, promise);
}

void ToldTransport::note_records(ConnectionId connection, const wire::Message& message) {
  const auto promise = [&](wire::RequestId request, const Stamp& stamp) {
    const auto found = asked_.find({connection, request});
    if (found == asked_.end()) return;
    for (RecordPromise& each : found->second) {
      each.stamp = std::max(each.stamp, stamp);
      if (each.stamp != Stamp{}) Recorder::instance().told(log_, each);
    }
    asked_.erase(found);
  };
  if (const auto* ack = std::get_if<wire::ReplicateAck>(&message)) {
    if (ack->code == Errc::ok) promise(ack->request, {});
  } else if (const auto* deleted = std::get_if<wire::DeleteResult>(&message)) {
    promise(deleted->request, deleted->stamp);
  } else if (const auto* uploaded = std::get_if<wire::UploadResult>(&message)) {
    Recorder::instance().told(log_, RecordPromise{uploaded->digest, uploaded->stamp, true});
  }
}

}  // namespace crash
