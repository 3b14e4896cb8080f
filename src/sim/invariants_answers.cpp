// What clients are told, held against what there is.
#include "sim/invariants.hpp"

#include <fmt/format.h>

namespace cloudp2p::sim {
namespace {

template <class T>
std::string answer(History::Call call, const Result<T>& result) {
  return fmt::format("call {} is answered: {}", call, result.ok() ? "yes" : result.error().text());
}

}  // namespace

void Invariants::judge(bool explained, const Digest& digest, const char* answer) {
  if (explained || of_programs_.contains(digest) || !by_majority()) return;
  violated("I18 (the calls on one image are linearizable)",
           fmt::format("no order of the calls on {} explains the answer \"{}\"", short_id(digest), answer));
  log_.note(whereabouts(digest));
}

void Invariants::offered_by_program(const Digest& digest, std::uint64_t size_bytes) {
  offered(digest, size_bytes);
  if (!of_programs_.insert(digest).second) return;
  for (const History::Act act : {History::Act::put, History::Act::remove}) (void)begins(digest, act);
}

History::Call Invariants::begins(const Digest& digest, History::Act act) {
  static constexpr const char* kActs[] = {"put", "remove", "read"};
  const History::Call call = histories_[digest].begins(act, scheduler_.now());
  tell(digest, nullptr, fmt::format("call {}: {}", call, kActs[static_cast<std::size_t>(act)]));
  return call;
}

void Invariants::remove_answered(const Digest& digest, History::Call call, const Result<ImageRecord>& removed) {
  tell(digest, nullptr, answer(call, removed));
  History& history = histories_.at(digest);
  if (removed.ok()) return judge(history.removed(call, scheduler_.now()), digest, "deleted");
  if (removed.code() == Errc::not_found) return judge(history.found(call, false, scheduler_.now()), digest, "nothing to delete");
  history.lost(call, scheduler_.now());
}

Invariants::ListCalls Invariants::list_begins() {
  ListCalls out;
  for (auto& [digest, history] : histories_)
    out.emplace(digest, history.begins(History::Act::read, scheduler_.now()));
  return out;
}

void Invariants::upload_answered(const Digest& digest, History::Call call, const Result<UploadOutcome>& outcome) {
  tell(digest, nullptr, answer(call, outcome));
  History& history = histories_.at(digest);
  if (outcome.ok()) {
    judge(history.put_succeeded(call, scheduler_.now()), digest, "stored");
  } else {
    history.lost(call, scheduler_.now());
  }
  if (outcome.ok() && !ever_acknowledged_.contains(digest)) {
    violated("I5 (acknowledged is durable on a majority)",
             fmt::format("a client was told that {} is stored, but no leader acknowledged it", short_id(digest)));
  }
}

void Invariants::becomes_known(const Digest& digest, const Stamp& stamp) {
  std::vector<Known>& history = known_stamps_[digest];
  if (history.empty() || history.back().stamp < stamp) history.push_back(Known{++known_, stamp});
}

Stamp Invariants::due(const Digest& digest, std::uint64_t mark) const {
  const auto at = known_stamps_.find(digest);
  Stamp out;
  if (at == known_stamps_.end() || !by_majority()) return out;
  for (const Known& known : at->second) {
    if (known.since <= mark) out = known.stamp;
  }
  return out;
}

void Invariants::info_answered(const Digest& digest, History::Call call, std::uint64_t mark,
                               const Result<ImageInfo>& info) {
  tell(digest, nullptr, answer(call, info));
  History& history = histories_.at(digest);
  if (!info.ok() && info.code() != Errc::not_found) return history.lost(call, scheduler_.now());
  const Stamp expected = due(digest, mark);
  const bool lacks = !info.ok() && !history.has_removes();
  if (expected != Stamp{} && (lacks || (info.ok() && info->record.stamp < expected))) {
    violated("I12 (a confirmed read is not stale)",
             fmt::format("info of {} answered {} although {} had been acknowledged or shown before", short_id(digest),
                         info.ok() ? text(info->record.stamp) : "not found", text(expected)));
  }
  if (info.ok()) becomes_known(digest, info->record.stamp);
  judge(history.found(call, info.ok(), scheduler_.now()), digest, info.ok() ? "it is there" : "it is not there");
}

void Invariants::list_answered(const ListCalls& calls, std::uint64_t mark, const Result<ListPage>& page) {
  std::map<Digest, Stamp> listed;
  if (!page.ok()) {
    for (const auto& [digest, call] : calls)
      histories_.at(digest).lost(call, scheduler_.now());
    return;
  }
  for (const CatalogEntry& entry : page->entries) {
    listed.emplace(entry.record.digest, entry.record.stamp);
    if (!offered_.contains(entry.record.digest)) {
      violated("I11 (nothing that nobody uploaded)", "listed: " + short_id(entry.record.digest));
    }
  }
  for (const auto& [digest, history] : known_stamps_) {
    const Stamp expected = due(digest, mark);
    const auto at = listed.find(digest);
    const bool beyond_page = at == listed.end() && (!page->next.empty() || histories_.at(digest).has_removes());
    if (expected == Stamp{} || beyond_page || (at != listed.end() && at->second >= expected)) continue;
    violated("I12 (a confirmed read is not stale)",
             fmt::format("a list shows {} as {} although {} had been acknowledged or shown before", short_id(digest),
                         at == listed.end() ? "absent" : text(at->second), text(expected)));
    log_.note(whereabouts(digest));
    break;
  }
  for (const auto& [digest, stamp] : listed)
    becomes_known(digest, stamp);
  for (const auto& [digest, call] : calls) {
    History& history = histories_.at(digest);
    const bool there = listed.contains(digest);
    if (!there && !page->next.empty()) {
      history.lost(call, scheduler_.now());
    } else {
      judge(history.found(call, there, scheduler_.now()), digest, there ? "listed" : "not listed");
    }
  }
}

void Invariants::bytes_answered(const Digest& asked, const Digest& received) {
  if (asked == received) return;
  violated("I8 (returned bytes match the digest)",
           fmt::format("asked for {}, got {}", short_id(asked), short_id(received)));
}

}  // namespace cloudp2p::sim
