#include "core/reconcile.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr auto kRetryPause = std::chrono::seconds(1);

/// Two passes over the catalog: one collects what should be there, as a number for each file; the other, only if something
/// is not, finds the records that it belongs to. So a million names are never in memory at once.
class Reconciliation : public std::enable_shared_from_this<Reconciliation> {
 public:
  Reconciliation(Services& services, Callback<void()> done)
      : services_(services), done_(std::move(done)), led_term_(services.led_term) {}

  void begin() {
    marks_.clear();
    const CatalogSummary& catalog = services_.ports.catalog->summary();
    marks_.reserve(catalog.images + catalog.unburied);
    for_each_present([this](const CatalogEntry& entry) { marks_.push_back(mark_of(entry)); }, [this] { compare(); });
  }

 private:
  using Visit = std::function<void(const CatalogEntry&)>;

  /// A directory that is shared may have been let go of meanwhile, and even been taken again: another reconciles it then.
  template <class F>
  auto bound(F work) {
    return services_.guard([self = shared_from_this(), work = std::move(work)](auto&&... args) mutable {
      if (!self->services_.shared() || self->services_.leads(self->led_term_)) work(std::forward<decltype(args)>(args)...);
    });
  }

  /// What can not be read now may be read soon. What was found missing until then is known already.
  void fail(const Error& error) {
    if (sabotaged(Rule::start_knows_its_files)) return done_();
    const std::string text = fmt::format("cannot read what is stored here: {}; trying again every {} s, and taking no part before",
                                         error.text(), kRetryPause.count());
    if (services_.news(text)) services_.log(LogLevel::error, "store_unreadable", text);
    services_.ports.timers->after(kRetryPause, bound([this] { begin(); }));
  }

  static std::uint64_t mark_of(const CatalogEntry& entry) { return file_mark(entry.file_name, entry.record.size_bytes); }

  /// The files of images, then those of deleted images whose tombstone is not known to be final.
  void for_each_present(Visit visit, std::function<void()> then) {
    visit_ = std::move(visit);
    then_ = std::move(then);
    visit_images("");
  }

  void visit_images(const std::string& after) {
    auto listed = [this](const Result<ListPage>& page) {
      if (!page.ok()) return fail(page.error());
      visit_page(page->entries);
      if (page->next.empty()) return visit_unburied(Digest{});
      visit_images(page->next);
    };
    services_.ports.catalog->list(ListQuery{limits::kListPageMax, after, 0}, bound(std::move(listed)));
  }

  void visit_unburied(const Digest& after) {
    auto listed = [this](const Result<std::vector<CatalogEntry>>& page) {
      if (!page.ok()) return fail(page.error());
      visit_page(*page);
      if (page->size() < limits::kListPageMax) return then_();
      visit_unburied(page->back().record.digest);
    };
    services_.ports.catalog->unburied(after, limits::kListPageMax, bound(std::move(listed)));
  }

  void visit_page(const std::vector<CatalogEntry>& entries) const {
    for (const CatalogEntry& entry : entries) {
      if (entry.present) visit_(entry);
    }
  }

  void compare() {
    std::sort(marks_.begin(), marks_.end());
    auto compared = [this](Result<StoredDifference> difference) {
      if (!difference.ok()) return fail(difference.error());
      files_ = std::move(*difference);
      if (files_.absent.empty()) return put_aside();
      for_each_present([this](const CatalogEntry& entry) { look_for(entry); }, [this] { put_aside(); });
    };
    services_.ports.images->compare(std::move(marks_), bound(std::move(compared)));
  }

  void look_for(const CatalogEntry& entry) {
    if (!std::binary_search(files_.absent.begin(), files_.absent.end(), mark_of(entry))) return;
    ++lost_;
    const auto at = std::lower_bound(files_.unexpected.begin(), files_.unexpected.end(), entry.file_name,
                                     [](const StoredImage& file, const std::string& name) { return file.file_name < name; });
    if (at != files_.unexpected.end() && at->file_name == entry.file_name) damaged_.insert(entry.file_name);
    services_.record(CatalogChange{entry.record, CatalogChange::Presence{false, "", 0, entry.file_name}});
  }

  /// Done only when the files are gone: whoever stores the same content again must not be left without them.
  void put_aside() {
    left_ = files_.unexpected.size() + 1;
    for (const StoredImage& file : files_.unexpected) {
      auto moved = bound([this](const Status&) { this->moved(); });
      if (damaged_.contains(file.file_name)) {
        services_.ports.images->quarantine(file.file_name, std::move(moved));
      } else {
        services_.ports.images->erase(file.file_name, std::move(moved));
      }
    }
    const std::size_t orphans = files_.unexpected.size() - damaged_.size();
    if (orphans + lost_ > 0) {
      services_.log(LogLevel::warning, "store_reconciled",
                    fmt::format("reconciled: {} files without a record moved to the trash, {} records whose file is gone or has another size",
                                orphans, lost_));
    }
    moved();
  }

  void moved() {
    if (--left_ == 0) done_();
  }

  Services& services_;
  Callback<void()> done_;
  const Term led_term_;
  Visit visit_;
  std::function<void()> then_;
  std::vector<std::uint64_t> marks_;
  StoredDifference files_;
  std::set<std::string> damaged_;  ///< Their records name them, under another size.
  std::size_t lost_ = 0;
  std::size_t left_ = 0;
};

}  // namespace

void reconcile(Services& services, Callback<void()> done) {
  std::make_shared<Reconciliation>(services, std::move(done))->begin();
}

}  // namespace cloudp2p::core
