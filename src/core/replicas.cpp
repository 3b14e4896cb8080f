#include "core/replicas.hpp"

#include "core/repair.hpp"

namespace cloudp2p::core {

bool Replicas::accepts(Term term, NodeId leader) {
  if (sabotaged(Rule::superseded_leader_is_refused)) return true;
  if (term > services_.term() || (term == services_.term() && services_.view().leader == kNobody)) follow_(term, leader);
  return services_.term() == term && services_.view().leader == leader && services_.view().role != ElectionRole::leader;
}

void Replicas::on_replicate(ConnectionId connection, const wire::Replicate& ask) {
  const Key key{connection, ask.request};
  if (replicas_.contains(key)) return;  // asked already
  if (replicas_.size() >= limits::kUploadsMax) {
    (void)services_.send(connection, wire::ReplicateAck{ask.request, services_.term(), services_.self, Errc::busy,
                                                        "too many uploads at once", {}});
    return;
  }
  Replica& replica = replicas_[key];
  replica.ask = ask;
  if (!ask.resume) {
    replica.told_held = 0;
    replica.told_limit = std::min<std::uint64_t>(ask.record.size_bytes, limits::kUploadWindowBytesMin);
  }
  if (!ask.metadata_only) ++services_.arriving[ask.record.digest];
  if (!accepts(ask.term, ask.leader)) return acknowledge(key, Errc::stale_term, "superseded term", {});
  const StoreStatus store = services_.ports.images->status();
  if (store.health != StoreHealth::ok && !ask.metadata_only) {
    return acknowledge(key, store.health == StoreHealth::full ? Errc::full : Errc::read_only, store.problem, {});
  }
  services_.catalog.look_up(ask.record.digest,
                    [this, key](Result<std::optional<CatalogEntry>> found) { looked_up(key, std::move(found)); });
}

void Replicas::looked_up(const Key& key, Result<std::optional<CatalogEntry>> found) {
  const auto at = replicas_.find(key);
  if (at == replicas_.end()) return;
  Replica& replica = at->second;
  if (!found.ok()) return acknowledge(key, found.code(), found.error().message, {});
  // The bytes that a tombstone still has may be as old as it is: they are sent again, and looked at when they land.
  const bool here = found->has_value() && (*found)->present && !(*found)->record.tombstone;
  const bool taken_for_here = replica.ask.metadata_only && sabotaged(Rule::bytes_before_acknowledgement);
  if (here || taken_for_here) return merge_metadata(key);
  if (replica.ask.metadata_only) {
    repair_.want(replica.ask.record, replica.ask.leader, services_.guard([this, key](const Status& status) {
      if (!status.ok()) return acknowledge(key, status.code(), status.error().message, {});
      merge_metadata(key);
    }));
    return;
  }
  if (const std::optional<StoredImage> orphan = landing_.take_orphan(replica.ask.record.digest)) {
    replica.landing = true;
    auto done = [this, key](Result<CatalogEntry> entry) { answer_landed(key, entry); };
    return landing_.adopt(*orphan, replica.ask.record, replica.ask.term, services_.guard(std::move(done)));
  }
  receive(key);
}

void Replicas::receive(const Key& key) {
  Replica& replica = replicas_.at(key);
  const ImageRecord& record = replica.ask.record;
  replica.put = parked_.take(record.digest, record.size_bytes);
  if (!replica.put) {
    replica.put = std::make_unique<LocalPut>(
        services_, PutHeader{replica.ask.upload, record.digest, record.size_bytes, record.type, record.name});
  }
  replica.put->set_owner({[this, key] {
                            const auto at = replicas_.find(key);
                            if (at != replicas_.end()) grant(key, at->second);
                          },
                          [this, key](const Error& error) { acknowledge(key, error.code, error.message, {}); }});
  grant(key, replica);
  std::deque<std::pair<std::uint64_t, Buffer>> early;
  early.swap(replica.early);
  for (auto& [offset, bytes] : early) offer(key, offset, std::move(bytes));
  finish_if_complete(key);
}

void Replicas::merge_metadata(const Key& key) {
  const auto at = replicas_.find(key);
  if (at == replicas_.end()) return;
  Replica& replica = at->second;
  replica.landing = true;
  const Term term = replica.ask.term;
  auto done = [this, key, term](Result<CatalogEntry> entry) {
    const bool stale = services_.superseded(term);
    if (!stale && entry.ok() && !entry->present && !sabotaged(Rule::bytes_before_acknowledgement)) {
      return acknowledge(key, Errc::busy, "the bytes have left meanwhile; they are fetched again", {});
    }
    answer_landed(key, stale && entry.ok() ? Result<CatalogEntry>(Errc::stale_term) : std::move(entry));
  };
  services_.record(CatalogChange{replica.ask.record, std::nullopt}, std::move(done));
}

void Replicas::on_chunk(ConnectionId connection, const wire::Chunk& chunk, Buffer bytes) {
  const Key key{connection, chunk.request};
  const auto at = replicas_.find(key);
  if (at == replicas_.end() || at->second.landing) return;
  Replica& replica = at->second;
  if (replica.put) return offer(key, chunk.offset, std::move(bytes));
  replica.early_bytes += bytes.size();
  if (replica.early_bytes > limits::kUploadWindowBytesMax) return acknowledge(key, Errc::protocol, "window overrun", {});
  replica.early.emplace_back(chunk.offset, std::move(bytes));
}

void Replicas::offer(const Key& key, std::uint64_t offset, Buffer bytes) {
  const auto at = replicas_.find(key);
  if (at == replicas_.end() || !at->second.put) return;
  const Status taken = at->second.put->offer(offset, std::move(bytes));
  if (!taken.ok()) return acknowledge(key, taken.code(), taken.error().message, {});
  finish_if_complete(key);
}

void Replicas::grant(const Key& key, Replica& replica) {
  if (!replica.put) return;
  const std::uint64_t size = replica.put->header().size_bytes;
  const std::uint64_t held = replica.put->written();
  const std::uint64_t window = services_.window_bytes(replicas_.size());
  const std::uint64_t limit = std::min(held + window, size);
  if (replica.told_held) {
    // The leader may send all that is left, and the client may too, whatever window the leader gives it.
    if (replica.told_limit == size && *replica.told_held + limits::kUploadWindowBytesMin >= size) return;
    // More is on its way to the disk and will be told of; a stop for want of credit is not near.
    if (replica.put->received() > held && held < *replica.told_held + window / 4) return;
  }
  replica.told_held = held;
  replica.told_limit = limit;
  (void)services_.send(key.first, wire::Credit{key.second, held, limit});
}

void Replicas::finish_if_complete(const Key& key) {
  const auto at = replicas_.find(key);
  if (at == replicas_.end() || !at->second.put || at->second.landing || !at->second.put->complete()) return;
  Replica& replica = at->second;
  replica.landing = true;
  replica.put->set_owner({});
  const Term term = replica.ask.term;
  if (sabotaged(Rule::sync_before_acknowledgement)) {
    (void)services_.send(key.first, wire::ReplicateAck{key.second, term, services_.self, Errc::ok, "", replica.ask.record.stamp});
  }
  auto done = [this, key](Result<CatalogEntry> entry) { answer_landed(key, entry); };
  landing_.land(std::move(replica.put), replica.ask.record, term, services_.guard(std::move(done)));
}

void Replicas::answer_landed(const Key& key, const Result<CatalogEntry>& entry) {
  if (!entry.ok()) return acknowledge(key, entry.code(), entry.error().message, {});
  ++services_.counters.replicas_stored;
  acknowledge(key, Errc::ok, "", entry->record.stamp);
}

void Replicas::acknowledge(const Key& key, Errc code, const std::string& message, const Stamp& held) {
  const auto at = replicas_.find(key);
  if (at == replicas_.end()) return;
  // An ok names the term under which the copy was made durable: this node's, unless the checks are sabotaged.
  const Term under = code == Errc::ok ? at->second.ask.term : services_.term();
  (void)services_.send(key.first, wire::ReplicateAck{key.second, under, services_.self, code, message, held});
  drop(key);
}

void Replicas::drop(const Key& key) {
  const auto at = replicas_.find(key);
  if (at == replicas_.end()) return;
  std::unique_ptr<LocalPut> put = std::move(at->second.put);
  const auto arriving = services_.arriving.find(at->second.ask.record.digest);
  const bool counted = !at->second.ask.metadata_only && arriving != services_.arriving.end();
  if (counted && --arriving->second == 0) services_.arriving.erase(arriving);
  replicas_.erase(at);
  parked_.park(std::move(put));
}

void Replicas::on_cancel(ConnectionId connection, wire::RequestId request) { drop({connection, request}); }

void Replicas::on_connection_closed(ConnectionId connection) {
  while (true) {
    const auto at = replicas_.lower_bound({connection, 0});
    if (at == replicas_.end() || at->first.first != connection) return;
    drop(Key(at->first));
  }
}

void Replicas::on_term_changed() {
  std::vector<Key> stale;
  for (const auto& [key, replica] : replicas_) {
    const bool unchecked = replica.landing && sabotaged(Rule::term_checked_after_sync);
    if (replica.ask.term < services_.term() && !unchecked) stale.push_back(key);
  }
  if (sabotaged(Rule::superseded_leader_is_refused)) return;
  for (const Key& key : stale) acknowledge(key, Errc::stale_term, "superseded term", {});
}

void Replicas::on_push(ConnectionId connection, const wire::SyncPush& push) {
  auto answer = [this, connection, request = push.request](Errc code, const std::string& message) {
    (void)services_.send(connection, wire::ReplicateAck{request, services_.term(), services_.self, code, message, {}});
  };
  if (!accepts(push.term, push.from)) return answer(Errc::stale_term, "superseded term");
  if (push.entries.empty()) return answer(Errc::ok, "");
  struct Batch {
    std::size_t left = 0;
    Error failure;
  };
  auto batch = std::make_shared<Batch>();
  batch->left = push.entries.size();
  for (const wire::Entry& entry : push.entries) {
    auto done = [this, batch, answer, term = push.term](Result<CatalogEntry> held) {
      if (!held.ok()) batch->failure = held.error();
      if (--batch->left > 0) return;
      if (batch->failure) return answer(batch->failure.code, batch->failure.message);
      answer(services_.term() == term ? Errc::ok : Errc::stale_term, "");
    };
    services_.record(CatalogChange{entry.record, std::nullopt}, std::move(done));
  }
}

}  // namespace cloudp2p::core
