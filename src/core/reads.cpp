#include "core/reads.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

wire::Entry shown(const CatalogEntry& entry) { return wire::Entry{entry.record, entry.present, entry.verified_ms}; }

}  // namespace

void Reads::confirmed(ConnectionId connection, wire::RequestId request, bool stale, std::function<void()> answer) {
  if (stale) return answer();
  if (!services_.serving || services_.view().role != ElectionRole::leader) {
    const Errc code = services_.view().role == ElectionRole::leader ? Errc::no_leader : Errc::not_leader;
    return services_.send_error(connection, request, code, "this node does not lead");
  }
  if (sabotaged(Rule::read_is_confirmed)) return answer();
  waiting_.push_back(Waiting{kNoRound, connection, request, std::move(answer)});
  begin_round();
}

void Reads::begin_round() {
  const bool any = !waiting_.empty() && waiting_.back().round == kNoRound;
  if (!any || (round_in_flight_ != 0 && !sabotaged(Rule::round_begins_after_read))) return;
  if (round_in_flight_ == 0) round_in_flight_ = begin_round_();
  if (round_in_flight_ == 0) return;  // It leads no more; the word comes in a moment.
  for (Waiting& read : waiting_) {
    if (read.round == kNoRound) read.round = round_in_flight_;
  }
  answer_ready();
}

void Reads::on_round_confirmed(std::uint64_t round) {
  confirmed_round_ = std::max(confirmed_round_, round);
  answer_ready();
}

void Reads::answer_ready() {
  if (round_in_flight_ <= confirmed_round_) round_in_flight_ = 0;
  std::vector<Waiting> ready;
  while (!waiting_.empty() && waiting_.front().round <= confirmed_round_) {
    ready.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  if (!ready.empty() && services_.extras.observer != nullptr) services_.extras.observer->on_confirmed_read(services_.term());
  for (const Waiting& read : ready) read.answer();
  begin_round();
}

void Reads::on_stepped_down() {
  std::deque<Waiting> waiting;
  waiting.swap(waiting_);
  round_in_flight_ = confirmed_round_ = 0;
  for (const Waiting& read : waiting) {
    services_.send_error(read.connection, read.request, Errc::no_leader, "the leader stepped down");
  }
  if (sabotaged(Rule::read_is_confirmed)) return;
  std::set<Key> asking;
  asking.swap(asking_);  // The catalog may hang.
  for (const auto& [connection, request] : asking) {
    services_.send_error(connection, request, Errc::no_leader, "the leader stepped down");
  }
}

/// What is not on a majority yet is known while this node leads only: what the catalog says later may not be shown.
bool Reads::may_answer(ConnectionId connection, wire::RequestId request, Term term) {
  if (asking_.erase({connection, request}) == 0) return false;  // told already that this node stepped down
  if (services_.leads(term) || sabotaged(Rule::read_is_confirmed)) return true;
  services_.send_error(connection, request, Errc::no_leader, "the leader stepped down");
  return false;
}

bool Reads::shows(const CatalogEntry& entry) const {
  return !unstable_(entry.record.digest) || sabotaged(Rule::unstable_is_hidden);
}

void Reads::on_list(ConnectionId connection, const wire::List& ask) {
  confirmed(connection, ask.request, ask.stale, [this, connection, ask] { answer_list(connection, ask); });
}

void Reads::answer_list(ConnectionId connection, const wire::List& ask) {
  const std::size_t limit = std::clamp<std::size_t>(ask.limit, 1, limits::kListPageMax);
  auto listed = [this, connection, request = ask.request, stale = ask.stale, term = services_.term()](Result<ListPage> page) {
    if (!stale && !may_answer(connection, request, term)) return;
    if (!page.ok()) return services_.send_error(connection, request, page.code(), page.error().message);
    wire::ListResult result{request, {}, std::move(page->next)};
    for (const CatalogEntry& entry : page->entries) {
      if (shows(entry)) result.entries.push_back(shown(entry));
    }
    (void)services_.send(connection, result);
  };
  if (!ask.stale) asking_.insert({connection, ask.request});
  services_.catalog.list(ListQuery{limit, ask.after, ask.since_ms}, std::move(listed));
}

void Reads::on_info(ConnectionId connection, const wire::Info& ask) {
  confirmed(connection, ask.request, ask.stale, [this, connection, ask] { answer_info(connection, ask); });
}

void Reads::answer_info(ConnectionId connection, const wire::Info& ask) {
  auto found = [this, connection, ask, term = services_.term()](Result<std::vector<CatalogEntry>> entries) {
    if (!ask.stale && !may_answer(connection, ask.request, term)) return;
    if (!entries.ok()) return services_.send_error(connection, ask.request, entries.code(), entries.error().message);
    entries->erase(std::remove_if(entries->begin(), entries->end(),
                                  [&](const CatalogEntry& entry) { return !shows(entry); }),
                   entries->end());
    if (entries->empty()) {
      return services_.send_error(connection, ask.request, Errc::not_found, "no image has the id " + ask.prefix);
    }
    if (entries->size() > 1) {
      return services_.send_error(connection, ask.request, Errc::ambiguous, "several images begin with " + ask.prefix);
    }
    (void)services_.send(connection, wire::InfoResult{ask.request, shown(entries->front())});
  };
  if (!ask.stale) asking_.insert({connection, ask.request});
  // Three, so that one unstable match does not hide an ambiguity.
  services_.catalog.find(ask.prefix, 3, std::move(found));
}

void Reads::on_fetch(ConnectionId connection, const wire::Fetch& ask) {
  const Key key{connection, ask.request};
  if (fetches_.size() >= limits::kUploadsMax) {
    (void)services_.send(connection, wire::FetchEnd{ask.request, Errc::busy, "too many reads at once"});
    return;
  }
  fetches_[key].next = ask.offset;
  fetches_[key].reading = true;
  auto found = [this, key](Result<std::optional<CatalogEntry>> entry) {
    const auto at = fetches_.find(key);
    if (at == fetches_.end()) return;
    const bool elsewhere = entry.code() == Errc::not_leader;  // the store is shared, and not open here
    if (!entry.ok() && !elsewhere) return end_fetch(key, entry.code(), entry.error().message);
    if (elsewhere || !entry->has_value() || !(*entry)->present || (*entry)->record.tombstone) {
      return end_fetch(key, Errc::not_found, fmt::format("node {} does not hold the bytes", value(services_.self)));
    }
    Serving& serving = at->second;
    serving.entry = std::move(**entry);
    serving.reading = false;
    if (serving.next > serving.entry.record.size_bytes) return end_fetch(key, Errc::protocol, "offset beyond the end");
    ++services_.counters.reads;
    (void)services_.send(key.first, wire::FetchBegin{key.second, serving.entry.record.size_bytes});
    serve(key);
  };
  services_.catalog.get(ask.digest, std::move(found));
}

void Reads::on_credit(ConnectionId connection, const wire::Credit& credit) {
  const auto at = fetches_.find({connection, credit.request});
  if (at == fetches_.end()) return;
  at->second.limit = std::max(at->second.limit, credit.limit);
  serve(at->first);
}

void Reads::serve(const Key& key) {
  const auto at = fetches_.find(key);
  if (at == fetches_.end() || at->second.reading) return;
  Serving& serving = at->second;
  const std::uint64_t size = serving.entry.record.size_bytes;
  if (size == 0) return;  // the catalog has not answered yet
  if (serving.next == size) return end_fetch(key, Errc::ok, "");
  if (serving.next >= serving.limit) return;
  serving.reading = true;
  const std::uint64_t offset = serving.next;
  const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(services_.extras.chunk_bytes, size - offset));
  services_.ports.images->read(serving.entry.file_name, ReadRange{offset, count},
                               services_.guard([this, key, offset](Result<Buffer> bytes) {
                                 send_read(key, offset, std::move(bytes));
                               }));
}

void Reads::send_read(const Key& key, std::uint64_t offset, Result<Buffer> bytes) {
  const auto at = fetches_.find(key);
  if (at == fetches_.end()) return;
  Serving& serving = at->second;
  serving.reading = false;
  const bool shorter = bytes.ok() && bytes->empty();
  if (!bytes.ok() || shorter) {
    const Error error = shorter ? Error{Errc::integrity, "the stored file is too short"} : bytes.error();
    copies_.lost(serving.entry, error);
    return end_fetch(key, error.code, error.message);
  }
  const std::size_t count = bytes->size();
  const Status sent = services_.send(key.first, wire::Chunk{key.second, offset}, std::move(*bytes));
  if (sent.code() == Errc::queue_full) return services_.ports.transport->watch_drain(key.first);
  if (!sent.ok()) return on_cancel(key.first, key.second);
  serving.next = offset + count;
  serve(key);
}

void Reads::end_fetch(const Key& key, Errc code, const std::string& message) {
  (void)services_.send(key.first, wire::FetchEnd{key.second, code, message});
  fetches_.erase(key);
}

void Reads::on_drained(ConnectionId connection) {
  std::vector<Key> keys;
  for (auto at = fetches_.lower_bound({connection, 0}); at != fetches_.end() && at->first.first == connection; ++at) {
    keys.push_back(at->first);
  }
  for (const Key& key : keys) serve(key);
}

void Reads::on_connection_closed(ConnectionId connection) {
  asking_.erase(asking_.lower_bound({connection, 0}), asking_.upper_bound({connection, ~wire::RequestId{0}}));
  while (true) {
    const auto at = fetches_.lower_bound({connection, 0});
    if (at == fetches_.end() || at->first.first != connection) break;
    fetches_.erase(at);
  }
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(),
                                [&](const Waiting& read) { return read.connection == connection; }),
                 waiting_.end());
}

void Reads::on_verify(ConnectionId connection, const wire::Verify& ask) {
  const Key key{connection, ask.request};
  auto found = [this, key](Result<std::optional<CatalogEntry>> entry) {
    if (!entry.ok() || !entry->has_value() || !(*entry)->present || (*entry)->record.tombstone) {
      const Errc code = entry.ok() ? Errc::not_found : entry.code();
      const std::string text = entry.ok() ? "no copy here" : entry.error().message;
      (void)services_.send(key.first, wire::VerifyResult{key.second, services_.self, code, text, ""});
      return;
    }
    copies_.check(**entry, services_.guard([this, key, file = (*entry)->file_name](const Status& status) {
      (void)services_.send(key.first, wire::VerifyResult{key.second, services_.self, status.code(),
                                                         status.ok() ? "" : status.error().message, file});
    }));
  };
  services_.catalog.get(ask.digest, std::move(found));
}

}  // namespace cloudp2p::core
