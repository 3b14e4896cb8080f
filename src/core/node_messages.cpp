// What peers and clients ask.
#include "core/node_impl.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

NodeId sender_of(const ElectionMessage& message) {
  return std::visit(Overloaded{[](const PreVote& m) { return m.from; }, [](const PreVoteAnswer& m) { return m.from; },
                               [](const VoteRequest& m) { return m.candidate; }, [](const Vote& m) { return m.from; },
                               [](const Coordinator& m) { return m.leader; }, [](const Transfer&) { return kNobody; },
                               [](const Heartbeat& m) { return m.leader; }, [](const HeartbeatAck& m) { return m.from; }},
                    message);
}

}  // namespace

void NodeImpl::on_frame(ConnectionId id, Frame frame) {
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  Result<wire::Message> message = wire::decode(frame.head);
  if (!message.ok()) {
    ++services_.counters.protocol_errors;
    return reject(id, message.error());
  }
  Connection& connection = at->second;
  if (const auto* greeting = std::get_if<wire::Hello>(&*message)) return on_hello(connection, *greeting);
  if (!connection.hello_done) {
    ++services_.counters.protocol_errors;
    return reject(id, Error{Errc::protocol, "the first message was not a Hello"});
  }
  dispatch(connection, *message, std::move(frame.payload));
}

void NodeImpl::dispatch(Connection& connection, wire::Message& message, Buffer payload) {
  if (!permitted(connection, message)) {
    return services_.send_error(connection.info.id, request_of(message), Errc::permission,
                                fmt::format("this key may not send {}", wire::type_name(message)));
  }
  // On connections that this node dialled, what comes are answers; the election's messages stand alone.
  const wire::RequestId request = request_of(message);
  if (connection.info.dialled && request != 0) {
    (void)services_.calls.deliver(connection.info.id, request, message, payload);
    return;
  }
  answer(connection, message, std::move(payload));
}

bool NodeImpl::permitted(const Connection& connection, const wire::Message& message) const {
  const bool from_node = connection.info.role == Role::node && connection.peer != kNobody;
  if (from_node) return true;
  const Rights& rights = connection.info.rights;
  return std::visit(
      Overloaded{[&](const wire::Upload&) { return rights.write; },
                 [&](const wire::Chunk&) { return rights.write; },
                 [&](const wire::Delete&) { return rights.write; },
                 [&](const wire::List&) { return rights.read; },
                 [&](const wire::Info&) { return rights.read; },
                 [&](const wire::Fetch&) { return rights.read; },
                 [&](const wire::Verify&) { return rights.read; },
                 [&](const wire::StepDown&) { return rights.admin; },
                 [&](const wire::Scrub&) { return rights.admin; },
                 [](const wire::QueryLeader&) { return true; },
                 [](const wire::QueryMembers&) { return true; },
                 [](const wire::Ping&) { return true; },
                 [](const wire::Credit&) { return true; },
                 [](const wire::Cancel&) { return true; },
                 [](const auto&) { return false; }},
      message);
}

void NodeImpl::answer(const Connection& connection, wire::Message& message, Buffer payload) {
  const ConnectionId id = connection.info.id;
  const auto election_message = [&](const auto& m) { on_election_message(connection, ElectionMessage(m)); };
  std::visit(
      Overloaded{
          [&](const PreVote& m) { election_message(m); }, [&](const PreVoteAnswer& m) { election_message(m); },
          [&](const VoteRequest& m) { election_message(m); }, [&](const Vote& m) { election_message(m); },
          [&](const Coordinator& m) { election_message(m); }, [&](const Transfer& m) { election_message(m); },
          [&](const Heartbeat& m) { election_message(m); }, [&](const HeartbeatAck& m) { election_message(m); },
          [&](const wire::QueryLeader& m) { on_query_leader(id, m); },
          [&](const wire::QueryMembers& m) { on_query_members(id, m); },
          [&](const wire::Ping& m) {
            (void)services_.send(id, wire::Pong{m.request, services_.self, services_.view().leader, services_.term()});
          },
          [&](const wire::Upload& m) { uploads_.on_upload(id, m); },
          [&](const wire::Chunk& m) {
            if (replicas_.knows(id, m.request)) return replicas_.on_chunk(id, m, std::move(payload));
            uploads_.on_chunk(id, m, std::move(payload));
          },
          [&](const wire::Cancel& m) {
            uploads_.on_cancel(id, m.request);
            replicas_.on_cancel(id, m.request);
            reads_.on_cancel(id, m.request);
          },
          [&](const wire::Credit& m) { reads_.on_credit(id, m); },
          [&](const wire::Replicate& m) { replicas_.on_replicate(id, m); },
          [&](const wire::Fetch& m) { reads_.on_fetch(id, m); },
          [&](const wire::List& m) { reads_.on_list(id, m); },
          [&](const wire::Info& m) { reads_.on_info(id, m); },
          [&](const wire::Verify& m) { reads_.on_verify(id, m); },
          [&](const wire::Delete& m) { deletes_.on_delete(id, m); },
          [&](const wire::StepDown& m) { on_step_down(id, m); },
          [&](const wire::Scrub& m) { scrub_.on_ask(id, m); },
          [&](const wire::SyncHashes& m) { on_sync_hashes(id, m); },
          [&](const wire::SyncBucket& m) { on_sync_bucket(id, m, payload); },
          [&](wire::SyncPush& m) { on_sync_push(connection, m); },
          [&](const wire::Forget& m) { collection_.on_forget(m); },
          [&](const auto& m) { (void)m; },
      },
      message);
}

void NodeImpl::on_election_message(const Connection& connection, const ElectionMessage& message) {
  const NodeId sender = sender_of(message);
  if (sender != kNobody && sender != connection.peer) {
    ++services_.counters.protocol_errors;
    return reject(connection.info.id, Error{Errc::protocol, "a message in another node's name"});
  }
  driver_->feed([&](Election& election, TimePoint now) { election.on_message(message, now); });
  const auto* heartbeat = std::get_if<Heartbeat>(&message);
  if (heartbeat == nullptr || services_.view().leader != heartbeat->leader) return;
  under_replicated_ = heartbeat->under_replicated;
  repair_.on_leader_root(heartbeat->catalog_root, services_.now());
}

void NodeImpl::on_query_leader(ConnectionId connection, const wire::QueryLeader& ask) {
  const ElectionView& view = services_.view();
  wire::LeaderInfo info;
  info.request = ask.request;
  info.from = services_.self;
  info.leader = view.leader;
  info.term = view.term;
  info.serving = services_.serving && !services_.draining && !services_.changing;
  info.reachable = static_cast<std::uint32_t>(view.members_reachable);
  info.members = static_cast<std::uint32_t>(view.members_total);
  const bool quorum = services_.config.quorum == Quorum::none || view.members_reachable >= majority_of(view.members_total);
  if (view.leader == kNobody) info.state = quorum ? Errc::no_leader : Errc::no_quorum;
  const auto at = addresses_.find(view.leader);
  if (at != addresses_.end()) info.leader_address = to_string(at->second);
  info.quorum_none = services_.config.quorum == Quorum::none;
  (void)services_.send(connection, info);
}

void NodeImpl::on_query_members(ConnectionId connection, const wire::QueryMembers& ask) {
  const ElectionView& view = services_.view();
  wire::MembersResult result;
  result.request = ask.request;
  result.from = services_.self;
  result.leader = view.leader;
  result.term = view.term;
  result.cluster = view.cluster;
  result.under_replicated = under_replicated();
  result.quorum_none = services_.config.quorum == Quorum::none;
  result.change = note();
  result.shared = services_.shared();
  const bool leads = view.role == ElectionRole::leader;
  result.waits = leads && !services_.serving;
  for (const auto& [id, address] : addresses_) {
    wire::MemberRow row;
    row.id = id;
    row.address = to_string(address);
    row.voter = services_.is_voter(id);
    row.member = view.membership.find(id) != nullptr;
    row.reachable = id == services_.self || control_to(id) != kNoConnection;
    row.unreported = id != services_.self;
    if (!row.unreported) row.report = own_report();
    // Members report to their leader, and to nobody else.
    const auto report = services_.reports.find(id);
    if (leads && id != services_.self && report != services_.reports.end()) {
      row.unreported = false;
      row.report = report->second.report;
    }
    row.silence_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(services_.silence_of(id)).count());
    const std::uint64_t file = row.report.peers_digest;
    row.other_file = view.founded && file != 0 && file != membership_.members_digest();
    result.rows.push_back(std::move(row));
  }
  (void)services_.send(connection, result);
}

void NodeImpl::on_step_down(ConnectionId connection, const wire::StepDown& ask) {
  if (services_.term() > ask.term) {
    return (void)services_.send(connection, wire::StepDownResult{ask.request, services_.view().leader});
  }
  const Error refusal = services_.not_serving();
  if (refusal) return services_.send_error(connection, ask.request, refusal.code, refusal.message);
  services_.log(LogLevel::info, "step_down_asked", "asked to step down");
  hand_over(kNobody);
  handover_->askers.emplace_back(connection, ask.request);
}

void NodeImpl::on_sync_hashes(ConnectionId connection, const wire::SyncHashes& ask) {
  if (ask.term != services_.term()) {
    return services_.send_error(connection, ask.request, Errc::stale_term, "another term");
  }
  const BucketHashes& buckets = services_.ports.catalog->buckets();
  Buffer hashes = Buffer::allocate(sizeof buckets);
  std::memcpy(hashes.data(), buckets.data(), sizeof buckets);
  (void)services_.send(connection, wire::SyncHashesResult{ask.request, services_.term(), services_.serving}, std::move(hashes));
}

void NodeImpl::on_sync_bucket(ConnectionId connection, const wire::SyncBucket& ask, const Buffer& hashes) {
  if (ask.term != services_.term() || ask.bucket >= limits::kBuckets) {
    return services_.send_error(connection, ask.request, Errc::stale_term, "another term");
  }
  if (!hashes.empty()) {
    std::optional<std::vector<std::uint64_t>> theirs = record_hashes_in(hashes);
    if (!theirs) return services_.send_error(connection, ask.request, Errc::protocol, "malformed hashes of records");
    return compare_bucket(connection, ask, std::move(*theirs));
  }
  auto read = [this, connection, ask](Result<std::vector<CatalogEntry>> entries) {
    if (!entries.ok()) return services_.send_error(connection, ask.request, entries.code(), entries.error().message);
    wire::SyncBucketResult result{ask.request, services_.term(), ask.bucket, {}, false, false};
    result.more = entries->size() == limits::kSyncRecordsPerPage;
    for (const CatalogEntry& entry : *entries) {
      result.entries.push_back(wire::Entry{entry.record, entry.present, entry.verified_ms});
    }
    (void)services_.send(connection, result);
  };
  services_.catalog.bucket(ask.bucket, ask.after, std::move(read));
}

void NodeImpl::compare_bucket(ConnectionId connection, const wire::SyncBucket& ask, std::vector<std::uint64_t> theirs) {
  read_bucket(services_, ask.bucket, [this, connection, ask, theirs = std::move(theirs)](Result<std::vector<CatalogEntry>> ours) {
    if (!ours.ok()) return services_.send_error(connection, ask.request, ours.code(), ours.error().message);
    const BucketDifference differs = difference(std::move(*ours), theirs);
    wire::SyncBucketResult result{ask.request, services_.term(), ask.bucket, {}, false, true};
    for (const CatalogEntry& entry : differs.only_here) {
      if (entry.record.digest <= ask.after) continue;
      result.more = result.entries.size() == limits::kSyncRecordsPerPage;
      if (result.more) break;
      result.entries.push_back(wire::Entry{entry.record, entry.present, entry.verified_ms});
    }
    (void)services_.send(connection, result, as_payload(differs.only_there));
  });
}

void NodeImpl::on_sync_push(const Connection& from, wire::SyncPush& push) {
  const ConnectionId connection = from.info.id;
  // Who offers is no leader, though this node, which led a moment ago, may know of no other.
  if (!push.offered) return replicas_.on_push(connection, push);
  auto respond = [this, connection, request = push.request](const Status& status) {
    (void)services_.send(connection, wire::ReplicateAck{request, services_.term(), services_.self, status.code(), "", {}});
  };
  if (!services_.serving || !services_.leads(push.term)) return respond(Errc::stale_term);
  const bool merges = services_.config.quorum == Quorum::none && !sabotaged(Rule::sides_merge_by_stamp);
  if (merges) return merge(push, services_.guard(std::move(respond)));
  adopt_strays(from, push, services_.guard(std::move(respond)));
}

/// Without a quorum others have acknowledged what this leader never heard of: of each image the larger stamp wins, whoever
/// gave it, and nothing is put aside.
void NodeImpl::merge(const wire::SyncPush& push, Callback<void(const Status&)> done) {
  for (const wire::Entry& entry : push.entries) {
    if (is_outranked_by(entry.record.stamp)) return done(Errc::stale_term);
  }
  if (push.entries.empty()) return done({});
  struct Merging {
    std::size_t left = 0;
    Status status;
    Callback<void(const Status&)> done;
  };
  auto merging = std::make_shared<Merging>(Merging{push.entries.size(), {}, std::move(done)});
  for (const wire::Entry& entry : push.entries) {
    services_.record(CatalogChange{entry.record, std::nullopt}, [merging](const Result<CatalogEntry>& held) {
      if (!held.ok()) merging->status = held.error();
      if (--merging->left == 0) merging->done(merging->status);
    });
  }
}

/// A follower holds records that this leader lacks, or holds with a smaller stamp: left behind by older leaders and never
/// acknowledged. What the leader knows wins; what it does not know is taken in. Both get a fresh stamp and a majority. From
/// who is no member nothing is taken in: it may be gone before anybody has fetched the bytes.
void NodeImpl::adopt_strays(const Connection& from, const wire::SyncPush& push, Callback<void(const Status&)> done) {
  struct Gathering {
    std::size_t left = 0;
    std::vector<ImageRecord> records;
    std::vector<wire::Entry> collected;
    std::uint64_t deletes_begun = 0;
    Term term = 0;
    Callback<void(const Status&)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->deletes_begun = services_.deletes_begun;
  gathering->term = services_.term();
  gathering->left = push.entries.size();
  gathering->done = std::move(done);
  if (push.entries.empty()) return gathering->done({});
  const ConnectionId connection = from.info.id;
  const bool outside = !services_.is_member(from.peer) && !sabotaged(Rule::outsiders_offer_in_vain);
  for (const wire::Entry& entry : push.entries) {
    auto found = [this, gathering, connection, outside, stray = entry.record](const Result<std::optional<CatalogEntry>>& held) {
      const bool known = held.ok() && held->has_value();
      const bool settled = known && (*held)->record.stamp >= stray.stamp;
      const bool changing = uploads_.under_way(stray.digest) || uploads_.unstable(stray.digest) ||
                            services_.deleting.contains(stray.digest);
      const bool collected = !known && (outside || stray.stamp <= services_.watermark);
      if (held.ok() && !settled && !changing) {
        if (collected) gathering->collected.push_back(Collection::named(stray));
        const bool keeps = known && !sabotaged(Rule::known_record_beats_stray);
        if (!collected) gathering->records.push_back(keeps ? (*held)->record : stray);
      }
      if (--gathering->left > 0) return;
      // It stepped down while the catalog was asked: only the leader of a term stamps in it.
      if (!services_.serving || !services_.leads(gathering->term)) return gathering->done(Errc::stale_term);
      if (!gathering->collected.empty()) collection_.order(connection, std::move(gathering->collected));
      // What was read before a delete began would now be stamped after it. They are offered again soon.
      if (gathering->deletes_begun != services_.deletes_begun) gathering->records.clear();
      if (gathering->records.empty()) return gathering->done({});
      push_.push(std::move(gathering->records), [gathering](const Status& status) { gathering->done(status); });
    };
    services_.catalog.get(entry.record.digest, std::move(found));
  }
}

}  // namespace cloudp2p::core
