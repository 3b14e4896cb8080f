// Records as rows of the catalogue, its journal, and the slots of the state file.
#include "input.hpp"
#include "store/journal_codec.hpp"
#include "store/sqlite_records.hpp"
#include "store/state_codec.hpp"

#include <filesystem>

#include <unistd.h>

using namespace cloudp2p;

namespace {

/// A catalogue in a folder that goes with the process; nothing is ever committed to it.
class Table {
 public:
  Table() {
    char folder[] = "/tmp/cloudp2p-fuzz-XXXXXX";
    fuzz::require(::mkdtemp(folder) != nullptr, "a temporary folder");
    folder_ = folder;
    database_ = std::move(store::Database::open(folder_ + "/catalog.sqlite", {})).value();
    records_ = std::move(store::RecordTable::open(*database_)).value();
    insert_ = std::move(database_->prepare("INSERT OR REPLACE INTO record VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)")).value();
  }
  ~Table() {
    insert_ = {};
    records_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  void begin() { fuzz::require(database_->execute("BEGIN IMMEDIATE").ok(), "a transaction begins"); }
  void roll_back() { database_->roll_back(); }
  store::RecordTable& records() { return *records_; }

  /// A row as another program, or a damaged disk, may have left it.
  void insert(fuzz::Input& input) {
    const std::string name = input.text(), file = input.text();
    const ByteView digest = input.bytes(Digest::kSize);
    store::Query row(insert_);
    row.blob(digest);
    for (int column = 0; column < 9; ++column) row.bits(input.number<std::uint64_t>());
    row.text(name).text(file);
    (void)row.finish();
  }

 private:
  std::string folder_;
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<store::RecordTable> records_;
  store::Statement insert_;
};

CatalogChange change_of(fuzz::Input& input) {
  CatalogChange change;
  ImageRecord& record = change.record;
  record.digest = input.opaque<Digest>();
  record.stamp = Stamp{input.number<std::uint64_t>(), NodeId{input.number<std::uint32_t>()}, input.number<std::uint64_t>()};
  const auto flags = input.number();
  record.tombstone = (flags & 1) != 0;
  record.type = static_cast<ImageType>((flags >> 1) % (static_cast<unsigned>(ImageType::bmp) + 1));
  record.size_bytes = input.number<std::uint64_t>();
  record.time_ms = input.number<std::int64_t>();
  record.name = input.text();
  if ((flags & 0x10) != 0) {
    change.presence = CatalogChange::Presence{(flags & 0x20) != 0, input.text(), input.number<std::int64_t>(), {}};
    if ((flags & 0x40) != 0) change.presence->of_file = input.text();
  }
  return change;
}

void merge(store::RecordTable& records, fuzz::Input& input) {
  const CatalogChange change = change_of(input);
  if (!store::RecordTable::check(change).ok()) return;
  const auto before = records.get(change.record.digest);
  const auto merged = records.merge(change);
  if (!before.ok() || !merged.ok()) return;
  auto after = records.get(change.record.digest);
  if (merged->held == CatalogEntry{}) {
    fuzz::require(after.ok() && !after->has_value(), "news of a file makes no record");
    return;
  }
  fuzz::require(merged->held.record.stamp >= change.record.stamp, "the larger stamp stays");
  fuzz::require(after.ok() && after->has_value(), "what was merged is there");
  fuzz::require(**after == merged->held, "as the answer said");
}

void read(store::RecordTable& records, fuzz::Input& input) {
  const auto kind = input.number();
  const auto limit = 1U + input.number() % 4U;
  switch (kind % 5) {
    case 0: (void)records.find(input.text(), limit); break;
    case 1: (void)records.list(ListQuery{limit, input.text(), input.number<std::int64_t>()}); break;
    case 2: (void)records.bucket(input.number<std::uint16_t>(), input.opaque<Digest>(), limit); break;
    case 3: (void)records.missing(input.opaque<Digest>(), limit); break;
    default: {
      // A listing goes on where its cursor says, and ends.
      ListQuery query{limit, "", 0};
      for (int pages = 0; pages < 64; ++pages) {
        const auto page = records.list(query);
        if (!page.ok() || page->next.empty()) return;
        fuzz::require(page->next != query.after, "a cursor moves on");
        query.after = page->next;
      }
      fuzz::require(false, "a listing ends");
    }
  }
}

void check_slot(ByteView bytes) {
  store::Slot slot{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), slot.size()), slot.begin());
  (void)store::decode_slot(slot);
  // And with the checksum right, which no fuzzer finds.
  constexpr std::size_t kChecked = store::kSectorBytes - 8;
  const std::uint64_t checksum = store::crc64(ByteView(slot).first(kChecked));
  for (std::size_t i = 0; i < 8; ++i) slot[kChecked + i] = static_cast<std::byte>(checksum >> (8 * i));
  const auto content = store::decode_slot(slot);
  if (!content) return;
  const Result<store::Slot> encoded = store::encode_slot(*content);
  fuzz::require(encoded.ok(), "what was decoded can be encoded");
  const auto again = store::decode_slot(*encoded);
  fuzz::require(again && again->generation == content->generation && again->state == content->state, "and is the same");
}

void check_journal(ByteView bytes) {
  std::vector<store::JournalEntry> entries;
  store::JournalBytes again;
  store::append_head(again);
  store::JournalReader reader([&](const store::JournalEntry& entry) {
    entries.push_back(entry);
    store::append_entry(again, entry);
  });
  store::JournalBytes head;
  store::append_head(head);
  reader.feed(head);
  reader.feed(bytes);
  reader.end();
  std::size_t next = 0;
  store::JournalReader second([&](const store::JournalEntry& entry) {
    fuzz::require(next < entries.size() && entry == entries[next++], "an entry reads back the same");
  });
  second.feed(again);
  second.end();
  fuzz::require(next == entries.size() && second.damaged() == 0, "and all of them do");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Table table;
  fuzz::Input input(data, size);
  const auto kind = input.number();
  if (kind == 'S' || kind == 'J') {
    kind == 'S' ? check_slot(input.rest()) : check_journal(input.rest());
    return 0;
  }
  table.begin();
  for (int steps = 0; steps < 16 && !input.empty(); ++steps) {
    switch (input.number() % 3) {
      case 0: table.insert(input); break;
      case 1: merge(table.records(), input); break;
      default: read(table.records(), input);
    }
  }
  store::Tally tally;
  static store::DigestFilter filter;  // A megabyte; what it remembers does no harm here.
  (void)table.records().count(tally, filter);
  table.roll_back();
  return 0;
}
