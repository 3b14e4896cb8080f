#include "core/reconcile.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

struct Pass {
  std::vector<StoredImage> files;  ///< Sorted by name.
  enum class Use : std::uint8_t { none, claimed, damaged };
  std::vector<Use> uses;
  std::size_t lost = 0;
  Callback<void(const Status&)> done;
};

/// Done only when the files are gone: whoever stores the same content again must not be left without them.
void trash_unclaimed(Services& services, const std::shared_ptr<Pass>& pass) {
  std::size_t orphans = 0;
  auto left = std::make_shared<std::size_t>(1);
  auto trashed = [pass, left] {
    if (--*left == 0) pass->done({});
  };
  for (std::size_t i = 0; i < pass->files.size(); ++i) {
    if (pass->uses[i] == Pass::Use::claimed) continue;
    ++*left;
    auto moved = services.guard([trashed](const Status&) { trashed(); });
    if (pass->uses[i] == Pass::Use::damaged) {
      services.ports.images->quarantine(pass->files[i].file_name, std::move(moved));
    } else {
      ++orphans;
      services.ports.images->erase(pass->files[i].file_name, std::move(moved));
    }
  }
  if (orphans + pass->lost > 0) {
    services.log(LogLevel::warning,
                 fmt::format("reconciled: {} files without a record moved to the trash, {} records whose file is gone or has another size",
                             orphans, pass->lost));
  }
  trashed();
}

void claim(Services& services, Pass& pass, const CatalogEntry& entry) {
  if (!entry.present) return;
  const auto at = std::lower_bound(pass.files.begin(), pass.files.end(), entry.file_name,
                                   [](const StoredImage& file, const std::string& name) { return file.file_name < name; });
  if (at != pass.files.end() && at->file_name == entry.file_name) {
    const bool whole = at->size_bytes == entry.record.size_bytes;
    pass.uses[static_cast<std::size_t>(at - pass.files.begin())] = whole ? Pass::Use::claimed : Pass::Use::damaged;
    if (whole) return;
  }
  ++pass.lost;
  services.record(CatalogChange{entry.record, CatalogChange::Presence{false, "", 0, entry.file_name}});
}

/// The files of deleted images whose tombstone is not known to be final.
void claim_unburied(Services& services, const std::shared_ptr<Pass>& pass, const Digest& after) {
  auto listed = [&services, pass](const Result<std::vector<CatalogEntry>>& page) {
    if (!page.ok()) return pass->done(page.error());
    for (const CatalogEntry& entry : *page) claim(services, *pass, entry);
    if (page->size() < limits::kListPageMax) return trash_unclaimed(services, pass);
    claim_unburied(services, pass, page->back().record.digest);
  };
  services.ports.catalog->unburied(after, limits::kListPageMax, services.guard(std::move(listed)));
}

void claim_page(Services& services, const std::shared_ptr<Pass>& pass, const std::string& after) {
  auto listed = [&services, pass](Result<ListPage> page) {
    if (!page.ok()) return pass->done(page.error());
    for (const CatalogEntry& entry : page->entries) claim(services, *pass, entry);
    if (page->next.empty()) return claim_unburied(services, pass, Digest{});
    claim_page(services, pass, page->next);
  };
  services.ports.catalog->list(ListQuery{limits::kListPageMax, after, 0}, services.guard(std::move(listed)));
}

}  // namespace

void reconcile(Services& services, Callback<void(const Status&)> done) {
  auto pass = std::make_shared<Pass>();
  pass->done = std::move(done);
  services.ports.images->list(services.guard([&services, pass](Result<std::vector<StoredImage>> files) {
    if (!files.ok()) return pass->done(files.error());
    pass->files = std::move(*files);
    pass->uses.assign(pass->files.size(), Pass::Use::none);
    claim_page(services, pass, "");
  }));
}

}  // namespace cloudp2p::core
