#include "core/landing.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr std::size_t kOrphansMax = 64;

CatalogChange here(const ImageRecord& record, const StoredImage& stored, std::int64_t now_ms) {
  return CatalogChange{record, CatalogChange::Presence{true, stored.file_name, now_ms, {}}};
}

}  // namespace

void Landing::over(const Digest& digest, const std::string& claimed_file) {
  const auto at = under_way_.find(digest);
  if (at->second.doomed_file == claimed_file) at->second.doomed_file.clear();
  if (--at->second.count > 0) return;
  const std::string doomed = std::move(at->second.doomed_file);
  under_way_.erase(at);
  if (!doomed.empty()) bury(digest, doomed);
}

void Landing::on_recorded(const CatalogEntry& held) {
  if (const std::optional<StoredImage> orphan = take_orphan(held.record.digest)) settle(*orphan, held);
}

void Landing::settle(const StoredImage& orphan, const CatalogEntry& held) {
  if (held.present) return;
  if (held.record.tombstone) return bury(orphan.digest, orphan.file_name);
  ++under_way_[orphan.digest].count;
  put_record(orphan, held.record, std::nullopt, [](const Result<CatalogEntry>&) {});
}

void Landing::bury(const Digest& digest, const std::string& file_name) {
  const auto at = under_way_.find(digest);
  if (at != under_way_.end() && !sabotaged(Rule::landing_keeps_its_file)) {
    at->second.doomed_file = file_name;
    return;
  }
  // What is remembered may be this very file: nobody may adopt it any more.
  static_cast<void>(take_orphan(digest));
  services_.ports.images->erase(file_name, services_.guard([this, file_name](const Status& status) {
    if (status.ok() || status.code() == Errc::not_found || status.code() == Errc::cancelled) return;
    services_.log(LogLevel::warning, "erase_failed", fmt::format("{} of a deleted image stays until the next start: {}", file_name,
                                                 status.error().text()));
  }));
}

void Landing::land(std::unique_ptr<LocalPut> put, const ImageRecord& record, Term term, Done done) {
  ++under_way_[record.digest].count;
  auto committed = [this, record, term, done = std::move(done)](Result<StoredImage> stored) mutable {
    if (!stored.ok()) {
      over(record.digest, "");
      return done(stored.error());
    }
    if (services_.superseded(term)) {
      remember(std::move(*stored));
      over(record.digest, "");
      return done(Errc::stale_term);
    }
    put_record(*stored, record, term, std::move(done));
  };
  put->commit(services_.guard(std::move(committed)));
}

void Landing::adopt(const StoredImage& stored, const ImageRecord& record, Term term, Done done) {
  ++under_way_[record.digest].count;
  put_record(stored, record, term, std::move(done));
}

void Landing::put_record(const StoredImage& stored, const ImageRecord& record, std::optional<Term> term, Done done) {
  auto looked = [this, stored, record, term, done = std::move(done)](const Result<std::optional<CatalogEntry>>& held) mutable {
    // What a takeover has asked the catalog by now is behind the question, and would be before the record. And where the
    // answer is an error, this file would stay beside the one that is recorded, or that one would.
    const bool late = term && services_.superseded(*term);
    if (late || !held.ok()) {
      remember(stored);
      over(stored.digest, "");
      return done(late ? Error{Errc::stale_term, ""} : held.error());
    }
    std::string former;
    if (held->has_value() && (*held)->file_name != stored.file_name) former = (*held)->file_name;
    auto recorded = [this, stored, term, former, done = std::move(done)](Result<CatalogEntry> entry) mutable {
      const bool claimed = entry.ok() && entry->present;
      if (claimed && !former.empty() && entry->file_name == stored.file_name) put_aside(stored.digest, former);
      over(stored.digest, claimed ? stored.file_name : "");
      if (entry.ok() && term && services_.superseded(*term)) return done(Errc::stale_term);
      done(std::move(entry));
    };
    services_.record(here(record, stored, services_.ports.timers->wall_ms()), std::move(recorded));
  };
  services_.catalog.look_up(record.digest, std::move(looked));
}

/// A commit keeps a good file of the same content. One that is left under another name is none.
void Landing::put_aside(const Digest& digest, const std::string& file_name) {
  services_.ports.images->quarantine(file_name, services_.guard([this, digest, file_name](const Status& status) {
    if (status.code() == Errc::not_found || status.code() == Errc::cancelled) return;
    if (status.ok()) ++services_.counters.copies_damaged;
    services_.log(LogLevel::error, "image_damaged", fmt::format("image {}: stored again beside {}, which does not match its digest{}",
                                               short_id(digest), file_name,
                                               status.ok() ? "" : "; the file can not be put aside: " + status.error().text()));
  }));
}

void Landing::land_repair(std::unique_ptr<LocalPut> put, const ImageRecord& record, Done done) {
  ++under_way_[record.digest].count;
  auto committed = [this, record, done = std::move(done)](Result<StoredImage> stored) mutable {
    if (stored.ok()) return put_record(*stored, record, std::nullopt, std::move(done));
    over(record.digest, "");
    done(stored.error());
  };
  put->commit(services_.guard(std::move(committed)));
}

void Landing::ask_for_record(const Digest& digest) {
  services_.catalog.look_up(digest, [this](const Result<std::optional<CatalogEntry>>& held) {
    if (!held.ok()) unread_ = held.code() != Errc::cancelled;
    if (held.ok() && held->has_value()) on_recorded(**held);
  });
}

void Landing::tick() {
  if (!std::exchange(unread_, false)) return;
  std::vector<Digest> digests;
  for (const StoredImage& orphan : orphans_) digests.push_back(orphan.digest);
  for (const Digest& digest : digests) ask_for_record(digest);
}

void Landing::remember(StoredImage stored) {
  const Digest digest = stored.digest;
  // Once for each image: what is left behind after the first was taken would name a file that may have gone.
  static_cast<void>(take_orphan(digest));
  orphans_.push_back(std::move(stored));
  ask_for_record(digest);
  if (orphans_.size() <= kOrphansMax) return;
  const StoredImage oldest = std::move(orphans_.front());
  orphans_.pop_front();
  services_.catalog.look_up(oldest.digest, [this, oldest](const Result<std::optional<CatalogEntry>>& held) {
    if (!held.ok() || sabotaged(Rule::late_landings_leave)) return;
    held->has_value() ? settle(oldest, **held) : bury(oldest.digest, oldest.file_name);
  });
}

std::optional<StoredImage> Landing::take_orphan(const Digest& digest) {
  for (auto at = orphans_.begin(); at != orphans_.end(); ++at) {
    if (at->digest != digest) continue;
    StoredImage out = std::move(*at);
    orphans_.erase(at);
    return out;
  }
  return std::nullopt;
}

}  // namespace cloudp2p::core
