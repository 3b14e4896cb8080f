// RecordJournal: a compact copy of the records beside the catalog, from which a lost catalog comes back.
//
// Purpose:   one short entry for each change of a record, appended after its commit; rewritten from the catalog when it
//            does not end as the catalog does, is damaged, or has twice as many entries as there are records. A
//            convenience: nothing is refused or held up on its account.
// Thread:    that of the catalog.
// Durability: written, not synced, with each group of changes; synced when it was rewritten, by `sync` and at the end. What
//            a loss of power takes of its end is written again at the next start.
// Errors:    a write that fails is logged once; then nothing more is noted until the next start, which rewrites it all.
// Limits:    rewriting goes on by `rewrite_some`, a few hundred records a call.
#pragma once

#include "store/journal_codec.hpp"
#include "store/posix_file.hpp"
#include "store/sqlite_records.hpp"

#include <cloudp2p/log_sink.hpp>

namespace cloudp2p::store {

struct JournalOptions {
  std::string path;  ///< Empty: there is none.
  std::shared_ptr<DiskCalls> disk = std::make_shared<DiskCalls>();
};

class RecordJournal {
 public:
  RecordJournal(JournalOptions options, LogSink& log) : options_(std::move(options)), log_(log) {}
  ~RecordJournal();
  RecordJournal(const RecordJournal&) = delete;
  RecordJournal& operator=(const RecordJournal&) = delete;

  /// Into a table that holds nothing, in the transaction of the caller. The number of entries; 0 when there is no journal,
  /// or one of another version, which is then kept beside.
  [[nodiscard]] Result<std::uint64_t> replay(RecordTable& table);

  /// Once, before anything is added: does the file say what these sums were made of?
  void begin(const Tally& tally);
  void add(const JournalEntry& entry, const TallyChange& change);
  /// Writes what was added; after its transaction is durable.
  void flush();
  void sync();
  [[nodiscard]] bool rewriting() const noexcept { return next_.fd.valid(); }
  void rewrite_some(RecordTable& table);

 private:
  struct File {
    Fd fd;
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;
  };
  /// Reads all of it; the size of the file, or nothing when there is none.
  [[nodiscard]] Result<std::uint64_t> read(JournalReader& reader);
  void start_rewriting();
  void finish_rewriting();
  [[nodiscard]] bool append(File& file, ByteView bytes);
  void give_up(int error_number, const std::string& what);
  [[nodiscard]] std::string next_path() const { return options_.path + ".new"; }

  const JournalOptions options_;
  LogSink& log_;
  File file_;          ///< What the next start would read.
  File next_;          ///< Takes its place when it is complete; gets every change too.
  std::size_t next_bucket_ = 0;
  JournalBytes added_;
  std::uint64_t added_entries_ = 0;
  std::uint64_t sum_ = 0;      ///< Of the hashes of all records.
  std::uint64_t records_ = 0;  ///< Tombstones included.
  bool broken_ = false;
};

}  // namespace cloudp2p::store
