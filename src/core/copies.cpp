#include "core/copies.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr auto kUnreadablePatience = std::chrono::seconds(60);
constexpr std::size_t kUnreadableMax = 1'024;

bool same_copy(const CatalogEntry& a, const CatalogEntry& b) {
  return a.present && b.present && a.file_name == b.file_name && a.verified_ms == b.verified_ms;
}

}  // namespace

void Copies::check(const CatalogEntry& entry, Callback<void(const Status&)> done) {
  const auto [at, added] = under_way_.try_emplace(entry.record.digest);
  if (done) at->second.waiting.push_back(std::move(done));
  if (!added) return;
  at->second.entry = entry;
  verify(entry.record.digest);
}

void Copies::lost(const CatalogEntry& entry, const Error& error) {
  if (error.code != Errc::not_found && error.code != Errc::integrity) return;
  const auto [at, added] = under_way_.try_emplace(entry.record.digest);
  if (!added) return;
  at->second.entry = entry;
  bad(entry, error);
}

void Copies::verify(const Digest& digest) {
  services_.ports.images->verify(digest, under_way_.at(digest).entry.file_name,
                                 services_.guard([this, digest](const Status& status) { verified(digest, status); }));
}

void Copies::verified(const Digest& digest, const Status& status) {
  UnderWay& check = under_way_.at(digest);
  if (status.ok() || sabotaged(Rule::damage_is_not_dated)) return good(check.entry);
  if (status.code() == Errc::io && unreadable_for_long(digest)) {
    return bad(check.entry, Error{Errc::integrity, status.error().text()});
  }
  const bool is_bad = status.code() == Errc::integrity || status.code() == Errc::not_found;
  if (!is_bad) return finish(digest, status);
  bad(check.entry, status.error());
}

bool Copies::unreadable_for_long(const Digest& digest) {
  if (unreadable_since_.size() >= kUnreadableMax) unreadable_since_.clear();
  const auto [since, added] = unreadable_since_.try_emplace(digest, services_.now());
  return !added && services_.now() - since->second >= kUnreadablePatience;
}

void Copies::good(const CatalogEntry& entry) {
  ++services_.counters.copies_verified;
  unreadable_since_.erase(entry.record.digest);
  CatalogChange::Presence presence{true, entry.file_name, services_.ports.timers->wall_ms(), entry.file_name};
  services_.record(CatalogChange{entry.record, std::move(presence)},
                   [this, digest = entry.record.digest](const Result<CatalogEntry>& held) {
                     finish(digest, held.ok() ? Status() : Status(held.error()));
                   });
}

/// What was read may be another file than the one that bears the name now: the image was deleted and stored again.
void Copies::bad(const CatalogEntry& entry, const Error& error) {
  auto looked = [this, entry, error](const Result<std::optional<CatalogEntry>>& held) {
    if (!held.ok()) return finish(entry.record.digest, held.error());
    if (!held->has_value() || !same_copy(entry, **held)) {
      return finish(entry.record.digest, Error{Errc::busy, "the copy was replaced meanwhile"});
    }
    ++services_.counters.copies_damaged;
    unreadable_since_.erase(entry.record.digest);
    if (error.code == Errc::not_found) return forget(entry, error);
    put_aside(entry, error);
  };
  services_.catalog.get(entry.record.digest, std::move(looked));
}

void Copies::put_aside(const CatalogEntry& entry, const Error& error) {
  auto moved = [this, entry, error](const Status& status) {
    if (status.ok() || status.code() == Errc::not_found) return forget(entry, error);
    services_.log(LogLevel::error, "image_damaged", fmt::format("image {}: {}; the file can not be put aside: {}",
                                               short_id(entry.record.digest), error.text(), status.error().text()));
    finish(entry.record.digest, error);
  };
  services_.ports.images->quarantine(entry.file_name, services_.guard(std::move(moved)));
}

void Copies::forget(const CatalogEntry& entry, const Error& error) {
  const Digest digest = entry.record.digest;
  if (sabotaged(Rule::damage_is_recorded)) return finish(digest, error);
  auto noted = [this, digest, error](const Result<CatalogEntry>& held) {
    if (held.ok() && held->record.stamp != Stamp{} && !held->present && !held->record.tombstone) {
      services_.log(LogLevel::error, "image_damaged", fmt::format("image {}: {}; {}", short_id(digest), error.text(),
                                                 services_.shared() ? "there is no other copy: store the image again"
                                                                    : "it will be fetched again from another node"));
    }
    finish(digest, error);
  };
  services_.record(CatalogChange{entry.record, CatalogChange::Presence{false, "", 0, entry.file_name}}, std::move(noted));
}

void Copies::finish(const Digest& digest, const Status& status) {
  const auto at = under_way_.find(digest);
  const std::vector<Callback<void(const Status&)>> waiting = std::move(at->second.waiting);
  under_way_.erase(at);
  for (const auto& done : waiting) done(status);
}

}  // namespace cloudp2p::core
