// The compact copy of the records: what it survives, and what comes back from it.
#include "sqlite_catalog_fixture.hpp"
#include "store/journal_codec.hpp"

#include <fstream>
#include <iterator>

using namespace cloudp2p;
using namespace cloudp2p::catalog_conformance;
using cloudp2p::testing::HandLoop;
using cloudp2p::testing::LinesOf;
using cloudp2p::testing::ScratchFolder;
using store::JournalBytes;
using store::JournalEntry;
using store::JournalReader;

namespace {

JournalEntry entry_of(std::uint64_t number) {
  JournalEntry out{live(digest_number(number), stamp(number, number + 1), static_cast<std::int64_t>(number)).record};
  out.record.name = "holiday " + std::to_string(number) + ".jpg";
  out.record.tombstone = number % 3 == 1;
  return out;
}

struct Seen {
  std::vector<JournalEntry> entries;
  std::uint64_t damaged = 0;
  bool known_version = false;
  std::optional<std::uint64_t> mark;
};
Seen read_all(const JournalBytes& bytes, std::size_t piece = 7) {
  Seen out;
  JournalReader reader([&](const JournalEntry& entry) { out.entries.push_back(entry); });
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    reader.feed(ByteView(bytes).subspan(at, std::min(piece, bytes.size() - at)));
  reader.end();
  out.damaged = reader.damaged();
  out.known_version = reader.known_version();
  out.mark = reader.mark();
  return out;
}

JournalBytes journal_of(std::uint64_t entries) {
  JournalBytes out;
  store::append_head(out);
  for (std::uint64_t i = 0; i < entries; ++i) store::append_entry(out, entry_of(i));
  store::append_mark(out, 77);
  return out;
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// A catalog with a journal, which can lose either.
struct JournalledCatalog {
  ScratchFolder folder;
  HandLoop loop;
  LinesOf log;
  std::unique_ptr<store::SqliteCatalog> catalog;

  JournalledCatalog() { open(); }
  [[nodiscard]] std::string catalog_path() const { return folder.file("catalog.sqlite"); }
  [[nodiscard]] std::string journal_path() const { return folder.file("journal"); }
  [[nodiscard]] std::uintmax_t journal_bytes() const { return std::filesystem::file_size(journal_path()); }

  void open() {
    store::SqliteCatalogOptions options;
    options.journal.path = journal_path();
    catalog = std::make_unique<store::SqliteCatalog>(catalog_path(), loop, log, options);
    REQUIRE(catalog->open().ok());
  }
  void close() {
    catalog.reset();
    loop.run_what_is_posted();
  }
  void lose_catalog() {
    close();
    for (const char* end : {"", "-wal"}) std::filesystem::remove(catalog_path() + end);
    open();
  }
  void put(const CatalogChange& change) {
    bool done = false;
    catalog->put(change, [&](const Result<CatalogEntry>& held) {
      CHECK(held.ok());
      done = true;
    });
    loop.run_until([&] { return done; });
  }
  [[nodiscard]] std::optional<CatalogEntry> get(const Digest& digest) {
    std::optional<CatalogEntry> out;
    bool done = false;
    catalog->get(digest, [&](const Result<std::optional<CatalogEntry>>& held) {
      REQUIRE(held.ok());
      out = *held;
      done = true;
    });
    loop.run_until([&] { return done; });
    return out;
  }
  /// Until the journal is there and is not being written anew.
  void settle() {
    while (!std::filesystem::exists(journal_path()) || std::filesystem::exists(journal_path() + ".new")) (void)get(Digest{});
  }
};

}  // namespace

TEST_CASE("a journal reads back as it was written, in pieces of any size") {
  for (const std::size_t piece : {1, 3, 17, 100'000}) {
    const Seen seen = read_all(journal_of(20), piece);
    CHECK(seen.known_version);
    CHECK(seen.damaged == 0);
    CHECK(seen.mark == 77);
    REQUIRE(seen.entries.size() == 20);
    for (std::uint64_t i = 0; i < 20; ++i) CHECK(seen.entries[i] == entry_of(i));
  }
}

TEST_CASE("a record takes little more than its digest and its name") {
  CHECK(journal_of(1'000).size() < 1'000 * (Digest::kSize + 12 + 32));
}

TEST_CASE("a journal that is cut anywhere keeps every entry before the cut") {
  const JournalBytes whole = journal_of(5);
  std::size_t most = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Seen seen = read_all(JournalBytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    CHECK(seen.entries.size() >= most);
    most = seen.entries.size();
    for (std::uint64_t i = 0; i < most; ++i) CHECK(seen.entries[i] == entry_of(i));
    CHECK_FALSE(seen.mark.has_value());
  }
  CHECK(most == 5);
}

TEST_CASE("a flipped bit costs one entry, and is noticed") {
  const JournalBytes whole = journal_of(5);
  for (std::size_t at = store::kJournalHeadBytes; at < whole.size(); ++at) {
    JournalBytes flipped = whole;
    flipped[at] ^= static_cast<std::byte>(1U << (at % 8));
    const Seen seen = read_all(flipped);
    CHECK(seen.entries.size() >= 4);
    CHECK(seen.damaged == 1);
    for (const JournalEntry& entry : seen.entries) {
      CHECK(entry == entry_of(static_cast<std::uint64_t>(entry.record.time_ms)));
    }
  }
}

TEST_CASE("a journal of another version is not read") {
  JournalBytes other = journal_of(3);
  other[store::kJournalHead.size()] = std::byte{'2'};
  const Seen seen = read_all(other);
  CHECK_FALSE(seen.known_version);
  CHECK(seen.entries.empty());
  CHECK_FALSE(read_all({}).known_version);
}

TEST_CASE("a catalog that was lost comes back from its journal: records and tombstones, no bytes") {
  JournalledCatalog t;
  for (std::uint64_t i = 0; i < 30; ++i) t.put(here(live(digest_number(i), stamp(5, i + 1), 1'000)));
  t.put(deleted(digest_number(4), stamp(6, 1)));
  CatalogChange forgotten = live(digest_number(5), stamp(5, 6));
  forgotten.only_this = forgotten.forget = true;
  t.put(forgotten);
  const std::uint64_t root = t.catalog->summary().root;
  t.lose_catalog();
  CHECK(t.catalog->summary().root == root);
  CHECK(t.catalog->summary().images == 28);
  CHECK(t.catalog->summary().missing == 28);
  CHECK(t.catalog->summary().tombstones == 1);
  const std::optional<CatalogEntry> back = t.get(digest_number(3));
  REQUIRE(back);
  CHECK(back->record == live(digest_number(3), stamp(5, 4), 1'000).record);
  CHECK_FALSE(back->present);
  CHECK(t.get(digest_number(4))->record.tombstone);
  CHECK_FALSE(t.get(digest_number(5)).has_value());
}

TEST_CASE("a journal does not fill a catalog that is somebody's") {
  JournalledCatalog t;
  t.settle();
  t.put(live(digest_number(1), stamp(1, 1)));
  t.close();
  const std::string stale = content_of(t.journal_path());
  t.open();
  bool claimed = false;
  Incarnation owner;
  owner.bytes.fill(std::byte{7});
  t.catalog->claim(owner, [&](const Status& status) { claimed = status.ok(); });
  t.loop.run_until([&] { return claimed; });
  CatalogChange forgotten = live(digest_number(1), stamp(1, 1));
  forgotten.only_this = forgotten.forget = true;
  t.put(forgotten);
  t.close();
  write_file(t.journal_path(), stale);
  t.open();
  CHECK(t.catalog->summary().images == 0);
}

TEST_CASE("a journal that is missing, torn or damaged is written anew from the catalog") {
  JournalledCatalog t;
  for (std::uint64_t i = 0; i < 30; ++i) t.put(live(digest_number(i), stamp(5, i + 1)));
  t.settle();
  t.close();
  const std::string good = content_of(t.journal_path());
  std::string flipped = good;
  flipped[good.size() / 2] ^= 4;
  for (const std::string& bad : {std::string(), good.substr(0, good.size() - 30), flipped, "another thing" + good}) {
    write_file(t.journal_path(), bad);
    t.open();
    t.settle();
    t.close();
    t.lose_catalog();
    CHECK(t.catalog->summary().images == 30);
    t.settle();
    t.close();
  }
}

TEST_CASE("a journal stays below twice its records, and changes while it is rewritten are in it") {
  JournalledCatalog t;
  t.settle();
  std::uintmax_t largest = 0;
  for (std::uint64_t i = 0; i < 6'000; ++i) {
    t.put(live(digest_number(i % 400), stamp(1, i + 1)));
    largest = std::max(largest, t.journal_bytes());
  }
  // A mark of 17 bytes goes with each group, here of one change.
  CHECK(largest < 2'500 * 100);
  const std::uint64_t root = t.catalog->summary().root;
  t.lose_catalog();
  CHECK(t.catalog->summary().root == root);
  CHECK(t.catalog->summary().images == 400);
}

TEST_CASE("a journal of another version is kept beside when a catalog is lost") {
  JournalledCatalog t;
  t.put(live(digest_number(1), stamp(1, 1)));
  t.close();
  write_file(t.journal_path(), "cloudp2p journal9\nwhatever");
  std::filesystem::remove(t.catalog_path());
  t.open();
  CHECK(t.catalog->summary().images == 0);
  CHECK(content_of(t.journal_path() + ".other") == "cloudp2p journal9\nwhatever");
  CHECK(t.log.errors().find("no journal that this program reads") != std::string::npos);
}
