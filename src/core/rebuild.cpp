#include "core/rebuild.hpp"

#include "core/reconcile.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr std::size_t kFilesAtOnce = 16;
constexpr auto kProgressPause = std::chrono::seconds(5);

class Rebuild : public std::enable_shared_from_this<Rebuild> {
  /// Lives as long as something is under way, and does nothing once the node is gone.
  template <class F>
  auto bound(F work) {
    return services_.guard([self = shared_from_this(), work = std::move(work)](auto&&... args) mutable {
      work(std::forward<decltype(args)>(args)...);
    });
  }

 public:
  Rebuild(Services& services, Callback<void(const Status&)> done) : services_(services), done_(std::move(done)) {}

  void begin() {
    services_.ports.images->list(bound([this](Result<std::vector<StoredImage>> files) {
      if (!files.ok()) return end(files.error());
      files_ = std::move(*files);
      said_at_ = services_.now();
      if (!files_.empty()) {
        services_.log(LogLevel::warning, "catalog_rebuild_started", fmt::format("the catalog is rebuilt from {} image files", files_.size()));
      }
      go_on();
    }));
  }

 private:
  void go_on() {
    while (!failed_ && under_way_ < kFilesAtOnce && next_ < files_.size()) {
      ++under_way_;
      const std::size_t at = next_++;
      if (has_twin(at)) {
        twins_ = true;
        identify(files_[at]);
      } else {
        look_up(files_[at]);
      }
    }
    if (under_way_ > 0) return;
    if (failed_ || !services_.extras.store_is_copy) return finish();
    forget_watermark();
  }

  /// Files of one image stand beside each other. Which of them is good only their bytes tell.
  bool has_twin(std::size_t at) const {
    const auto same = [this, at](std::size_t other) { return files_[other].digest == files_[at].digest; };
    return (at > 0 && same(at - 1)) || (at + 1 < files_.size() && same(at + 1));
  }

  /// Also when an earlier start was interrupted after it had entered this file.
  static bool fits(const CatalogEntry& entry, const StoredImage& file) {
    const bool free = !entry.present || entry.file_name == file.file_name;
    return free && entry.record.size_bytes == file.size_bytes;
  }

  void look_up(const StoredImage& file) {
    const std::string prefix = file.digest.hex().substr(0, 2 * file.digest_bytes);
    if (prefix.size() < limits::kPrefixDigitsMin) return identify(file);
    services_.ports.catalog->find(prefix, 2, bound([this, &file](const Result<std::vector<CatalogEntry>>& found) {
      if (!found.ok()) return fail(found.error());
      if (found->size() != 1 || !fits(found->front(), file)) return identify(file);
      ++known_;
      enter(found->front().record, file);
    }));
  }

  void identify(const StoredImage& file) {
    services_.ports.images->identify(file.file_name, bound([this, &file](const Result<ImageRecord>& found) {
      const Errc code = found.code();
      if (code == Errc::not_found) return looked_at();
      if (code == Errc::integrity || code == Errc::io || code == Errc::permission) return put_aside(file, found.error());
      if (!found.ok()) return fail(found.error());
      ++identified_;
      ImageRecord record = *found;
      record.stamp = Stamp{0, services_.self, ++last_sequence_};
      enter(record, file);
    }));
  }

  /// Not dated: nobody has read it lately, so that the scrub begins with it.
  void enter(const ImageRecord& record, const StoredImage& file) {
    services_.record(CatalogChange{record, CatalogChange::Presence{true, file.file_name, 0, {}}},
                     bound([this](const Result<CatalogEntry>& held) {
                       if (!held.ok()) return fail(held.error());
                       looked_at();
                     }));
  }

  void put_aside(const StoredImage& file, const Error& why) {
    ++damaged_;
    services_.log(LogLevel::error, "image_damaged", fmt::format("{}; moved to the quarantine", why.text()));
    services_.ports.images->quarantine(file.file_name, bound([this](const Status&) { looked_at(); }));
  }

  void looked_at() {
    --under_way_;
    if (services_.now() - said_at_ >= kProgressPause) {
      said_at_ = services_.now();
      services_.log(LogLevel::info, "catalog_rebuild_progress", fmt::format("rebuilding the catalog: {} of {} files", next_, files_.size()));
    }
    go_on();
  }

  void fail(const Error& error) {
    failed_ = error;
    looked_at();
  }

  // What a backup says of deletes that were forgotten since, and of files that left while it was made, is about another
  // time: here it would bar what other nodes restore, and list what nobody has.
  void forget_watermark() {
    services_.catalog.look_up(kWatermark, bound([this](const Result<std::optional<CatalogEntry>>& held) {
      if (!held.ok()) failed_ = held.error();
      if (held.ok() && held->has_value()) forget(**held);
      forget_missing(Digest{});
    }));
  }

  void forget_missing(const Digest& after) {
    auto listed = bound([this](const Result<std::vector<CatalogEntry>>& missing) {
      if (!missing.ok()) failed_ = missing.error();
      if (!missing.ok() || missing->empty()) return finish();
      for (const CatalogEntry& entry : *missing) forget(entry);
      forget_missing(missing->back().record.digest);
    });
    services_.ports.catalog->missing(after, limits::kListPageMax, std::move(listed));
  }

  void forget(const CatalogEntry& entry) {
    services_.record(CatalogChange{entry.record, std::nullopt, true, true}, bound([this](const Result<CatalogEntry>& after) {
      if (!after.ok()) failed_ = after.error();
    }));
  }

  void finish() {
    if (!files_.empty() && !failed_) {
      services_.log(LogLevel::warning, "catalog_rebuilt",
                    fmt::format("the catalog is rebuilt: {} files by their records, {} by their bytes, {} damaged", known_,
                                identified_, damaged_));
    }
    // Of two good files of one image the catalog names one: the other is put aside as at any start.
    if (twins_ && !failed_) return reconcile(services_, bound([this] { end({}); }));
    end(failed_ ? Status(failed_) : Status());
  }

  void end(const Status& status) { std::exchange(done_, nullptr)(status); }

  Services& services_;
  Callback<void(const Status&)> done_;
  std::vector<StoredImage> files_;  ///< Stays as it is while they are looked at.
  std::size_t next_ = 0;
  std::size_t under_way_ = 0;
  std::size_t known_ = 0;
  std::size_t identified_ = 0;
  std::size_t damaged_ = 0;
  bool twins_ = false;  ///< Some image has two files.
  std::uint64_t last_sequence_ = 0;
  TimePoint said_at_{};
  Error failed_;
};

}  // namespace

void rebuild(Services& services, Callback<void(const Status&)> done) {
  std::make_shared<Rebuild>(services, std::move(done))->begin();
}

}  // namespace cloudp2p::core
