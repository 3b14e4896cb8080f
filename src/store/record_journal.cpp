#include "store/record_journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace cloudp2p::store {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
/// A journal this short is never too long.
constexpr std::uint64_t kEntriesMin = 1'000;
constexpr std::size_t kRecordsAtOnce = 400;
constexpr std::size_t kBucketsAtOnce = 256;

Fd open_file(const std::string& path, int flags) { return Fd(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0644)); }

}  // namespace

RecordJournal::~RecordJournal() {
  sync();
  if (rewriting()) ::unlink(next_path().c_str());
}

Result<std::uint64_t> RecordJournal::read(JournalReader& reader) {
  const Fd file = open_file(options_.path, O_RDONLY);
  if (!file.valid()) return posix_error(errno, "cannot open " + options_.path);
  std::vector<std::byte> block(kReadBytes);
  std::uint64_t offset = 0;
  for (;;) {
    const auto got = read_at(file.get(), block, offset);
    if (!got) return Error{got.code(), options_.path + ": " + got.error().message};
    offset += *got;
    reader.feed(ByteView(block).first(*got));
    if (*got == block.size()) continue;
    reader.end();
    return offset;
  }
}

Result<std::uint64_t> RecordJournal::replay(RecordTable& table) {
  Status merged;
  JournalReader reader([&](const JournalEntry& entry) {
    const CatalogChange change{entry.record, std::nullopt, entry.forgotten, entry.forgotten};
    if (!merged.ok() || !RecordTable::check(change).ok()) return;
    if (const Result<MergeOutcome> outcome = table.merge(change); !outcome.ok()) merged = outcome.error();
  });
  const Result<std::uint64_t> bytes = read(reader);
  if (bytes.code() == Errc::not_found) return 0;
  if (!bytes.ok()) return bytes.error();
  if (!merged.ok()) return merged.error();
  if (!reader.known_version() && *bytes > 0) {
    const std::string aside = options_.path + ".other";
    log_.log_event(LogLevel::error, "journal_foreign", options_.path + " is no journal that this program reads: kept as " + aside);
    if (std::rename(options_.path.c_str(), aside.c_str()) != 0) return posix_error(errno, "cannot rename " + options_.path);
  }
  if (reader.damaged() > 0) {
    log_.log_event(LogLevel::error, "journal_damaged", options_.path + " is damaged in " + std::to_string(reader.damaged()) + " places, which are left out");
  }
  return reader.entries();
}

void RecordJournal::begin(const Tally& tally) {
  for (const std::uint64_t bucket : tally.buckets()) sum_ += bucket;
  records_ = tally.summary().images + tally.summary().tombstones;
  JournalReader reader([](const JournalEntry&) {});
  const Result<std::uint64_t> bytes = read(reader);
  const bool whole = bytes.ok() && reader.known_version() && reader.damaged() == 0 && reader.mark() == sum_;
  if (!whole) {
    log_.log_event(LogLevel::debug, "journal_rewritten", options_.path + " is written anew from the catalog");
    return start_rewriting();
  }
  file_ = File{open_file(options_.path, O_WRONLY), *bytes, reader.entries()};
  if (!file_.fd.valid()) give_up(errno, "cannot write " + options_.path);
}

void RecordJournal::add(const JournalEntry& entry, const TallyChange& change) {
  if (broken_) return;
  sum_ += change.hash;
  records_ += change.images + change.tombstones;
  ++added_entries_;
  append_entry(added_, entry);
}

void RecordJournal::flush() {
  if (added_entries_ == 0) return;
  append_mark(added_, sum_);
  bool written = true;
  for (File* const file : {&file_, &next_}) {
    if (!file->fd.valid()) continue;
    written = written && append(*file, added_);
    file->entries += added_entries_;
  }
  added_.clear();
  added_entries_ = 0;
  const bool long_enough = file_.entries > kEntriesMin && file_.entries > 2 * records_;
  if (written && !rewriting() && long_enough) start_rewriting();
}

void RecordJournal::sync() {
  flush();
  if (!file_.fd.valid()) return;
  if (const int error = options_.disk->sync_data(file_.fd.get()); error != 0) give_up(error, "cannot sync " + options_.path);
}

void RecordJournal::start_rewriting() {
  next_ = File{open_file(next_path(), O_WRONLY | O_CREAT | O_TRUNC), 0, 0};
  next_bucket_ = 0;
  if (!next_.fd.valid()) return give_up(errno, "cannot create " + next_path());
  JournalBytes head;
  append_head(head);
  (void)append(next_, head);
}

void RecordJournal::rewrite_some(RecordTable& table) {
  if (records_ == 0) next_bucket_ = limits::kBuckets;
  JournalBytes bytes;
  std::uint64_t entries = 0;
  const std::size_t end = std::min(next_bucket_ + kBucketsAtOnce, limits::kBuckets);
  while (next_bucket_ < end && entries < kRecordsAtOnce) {
    for (Digest after;;) {
      const auto page = table.bucket(next_bucket_, after, limits::kListPageMax);
      if (!page.ok()) return give_up(EIO, page.error().text());
      for (const CatalogEntry& held : *page) append_entry(bytes, {held.record, false});
      entries += page->size();
      if (page->size() < limits::kListPageMax) break;
      after = page->back().record.digest;
    }
    ++next_bucket_;
  }
  next_.entries += entries;
  const bool written = append(next_, bytes);
  // Written back as it grows, so that the sync at its end has little to wait for. Only a hint.
  if (written) ::sync_file_range(next_.fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  if (written && next_bucket_ == limits::kBuckets) finish_rewriting();
}

void RecordJournal::finish_rewriting() {
  JournalBytes mark;
  append_mark(mark, sum_);
  if (!append(next_, mark)) return;
  int error = options_.disk->sync_data(next_.fd.get());
  if (error == 0 && std::rename(next_path().c_str(), options_.path.c_str()) != 0) error = errno;
  if (error != 0) return give_up(error, "cannot replace " + options_.path);
  file_ = std::exchange(next_, File{});
  const Fd folder = open_file(std::filesystem::path(options_.path).parent_path().string(), O_RDONLY | O_DIRECTORY);
  if (folder.valid()) (void)options_.disk->sync_directory(folder.get());
}

bool RecordJournal::append(File& file, ByteView bytes) {
  if (const int error = options_.disk->write_all(file.fd.get(), bytes, file.bytes); error != 0) {
    give_up(error, "cannot write " + options_.path);
    return false;
  }
  file.bytes += bytes.size();
  return true;
}

void RecordJournal::give_up(int error_number, const std::string& what) {
  if (std::exchange(broken_, true)) return;
  log_.log_event(LogLevel::warning, "journal_write_failed", posix_error(error_number, what).message + "; records are noted there again after a restart");
  if (rewriting()) ::unlink(next_path().c_str());
  file_ = File{};
  next_ = File{};
}

}  // namespace cloudp2p::store
