#include "sqlite_catalog_fixture.hpp"
#include "store/page_checksums.hpp"

#include <fstream>
#include <random>

#include <sqlite3.h>

using namespace cloudp2p;
using namespace cloudp2p::catalog_conformance;
using cloudp2p::testing::HandLoop;
using cloudp2p::testing::LinesOf;
using cloudp2p::testing::SqliteUnderTest;
using store::SqliteCatalog;

namespace {

void write_over(const std::string& path, std::streamoff at, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file << bytes;
  REQUIRE(file.good());
}

void write_new(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void fill(SqliteUnderTest& t, std::uint64_t count, std::uint64_t first = 0) {
  std::uint64_t answered = 0;
  for (std::uint64_t i = first; i < first + count; ++i) {
    t.catalog().put(here(live(digest_number(i), stamp(1, i), static_cast<std::int64_t>(i))),
                    [&](Result<CatalogEntry> held) { answered += held.ok() ? 1 : 0; });
  }
  t.run_until([&] { return answered == count; });
}

/// As another version of the program would.
void alter(const std::string& path, const char* sql) {
  const auto database = store::Database::open(path, {"", 1024});
  REQUIRE(database.ok());
  REQUIRE((*database)->execute(sql).ok());
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The same records in a file as the first builds wrote it.
void without_checksums(const std::string& path) {
  const std::string plain = path + ".plain";
  sqlite3* raw = nullptr;
  REQUIRE(sqlite3_open(plain.c_str(), &raw) == SQLITE_OK);
  std::string schema;
  const auto collect = [](void* out, int, char** columns, char**) {
    *static_cast<std::string*>(out) += std::string(columns[0]) + ";";
    return 0;
  };
  CHECK(sqlite3_exec(raw, ("ATTACH '" + path + "' AS old").c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(sqlite3_exec(raw, "SELECT sql FROM old.sqlite_schema WHERE sql NOT NULL", collect, &schema, nullptr) == SQLITE_OK);
  const std::string sql = schema + "INSERT INTO main.record SELECT * FROM old.record;"
                                   "PRAGMA main.application_id = 1668297328; PRAGMA main.user_version = 1";
  CHECK(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_close(raw) == SQLITE_OK);
  std::filesystem::rename(plain, path);
  const std::string text = read_all(path);
  REQUIRE_FALSE(store::checksummed_page_size(std::as_bytes(std::span(text))).has_value());
}

}  // namespace

TEST_CASE("the SQLite catalog keeps the contract of catalogs") {
  for (const Case& one : cases()) {
    INFO(one.name);
    SqliteUnderTest fresh;
    one.run(fresh);
  }
}

TEST_CASE("a catalog is the same after it was closed and opened") {
  SqliteUnderTest t;
  fill(t, 50);
  REQUIRE(put(t, deleted(digest_number(3), stamp(2, 1))).ok());
  REQUIRE(put(t, absent(live(digest_number(4), stamp(1, 4)))).ok());
  const CatalogSummary before = t.catalog().summary();
  const BucketHashes hashes = t.catalog().buckets();
  const ListPage page = *list(t, {});
  REQUIRE(t.reopen().ok());
  CHECK(t.catalog().summary().root == before.root);
  CHECK(t.catalog().summary().newest == stamp(2, 1));
  CHECK(t.catalog().summary().images == 49);
  CHECK(t.catalog().summary().tombstones == 1);
  CHECK(t.catalog().summary().missing == 1);
  CHECK(t.catalog().summary().image_bytes == before.image_bytes);
  CHECK(t.catalog().summary().transactions == 0);
  CHECK(t.catalog().buckets() == hashes);
  CHECK(list(t, {})->entries == page.entries);
  for (const CatalogEntry& entry : page.entries)
    CHECK(t.catalog().may_hold(entry.record.digest));
}

TEST_CASE("a catalog of an earlier build gets the index of verifications that it lacks") {
  SqliteUnderTest t;
  fill(t, 20);
  t.close();
  alter(t.path(), "DROP INDEX record_verified");
  REQUIRE(t.reopen().ok());
  CHECK(stalest(t, 5'000)->size() == 20);
}

TEST_CASE("a catalog keeps its owner; one of an earlier build has none, and can be claimed") {
  SqliteUnderTest t;
  Incarnation owner;
  owner.bytes.fill(std::byte{7});
  REQUIRE(claim(t, owner).ok());
  REQUIRE(t.reopen().ok());
  CHECK(t.catalog().owner() == owner);
  t.close();
  alter(t.path(), "DROP TABLE owner");
  REQUIRE(t.reopen().ok());
  CHECK(t.catalog().owner() == std::nullopt);
  REQUIRE(claim(t, owner).ok());
  REQUIRE(t.reopen().ok());
  CHECK(t.catalog().owner() == owner);
  t.close();
  alter(t.path(), "UPDATE owner SET incarnation = x'07'");
  CHECK(t.reopen().code() == Errc::format);
}

TEST_CASE("nearly all digests that a catalog does not hold are known to be absent without a look") {
  SqliteUnderTest t;
  fill(t, 50);
  std::mt19937 random(1);
  int doubtful = 0;
  for (int i = 0; i < 1000; ++i) {
    Digest digest;
    for (std::byte& byte : digest.bytes)
      byte = static_cast<std::byte>(random());
    doubtful += t.catalog().may_hold(digest) ? 1 : 0;
  }
  CHECK(doubtful < 10);
}

TEST_CASE("changes that wait together share few transactions") {
  SqliteUnderTest t;
  fill(t, 400);
  CHECK(t.catalog().summary().changes == 400);
  CHECK(t.catalog().summary().transactions <= 50);
  CHECK(t.catalog().summary().images == 400);
}

TEST_CASE("a change that changes nothing costs no transaction") {
  SqliteUnderTest t;
  const CatalogChange change = here(live(digest_of("ab"), stamp(1, 1)));
  REQUIRE(put(t, change).ok());
  for (int i = 0; i < 5; ++i)
    CHECK(put(t, change)->present);
  CHECK(t.catalog().summary().transactions == 1);
  CHECK(t.catalog().summary().changes == 1);
}

TEST_CASE("a record that cannot be stored is refused alone, not with its neighbours") {
  SqliteUnderTest t;
  CatalogChange long_name = live(digest_of("aa"), stamp(1, 1));
  long_name.record.name.assign(limits::kNameBytesMax + 1, 'x');
  std::vector<Errc> codes;
  const auto note = [&codes](Result<CatalogEntry> held) { codes.push_back(held.code()); };
  t.catalog().put(live(digest_of("ab"), stamp(1, 2)), note);
  t.catalog().put(long_name, note);
  t.catalog().put(live(digest_of("ac"), stamp(~Term{0}, 3)), note);
  t.catalog().put(live(digest_of("ae"), Stamp{}), note);
  t.catalog().put(live(digest_of("ad"), stamp(1, 4)), note);
  t.run_until([&] { return codes.size() == 5; });
  CHECK(codes == std::vector{Errc::ok, Errc::invalid_argument, Errc::invalid_argument, Errc::invalid_argument, Errc::ok});
  CHECK(t.catalog().summary().images == 2);
}

TEST_CASE("destroying a catalog answers everything that waits, once, and keeps what it said") {
  SqliteUnderTest t;
  std::map<std::uint64_t, std::vector<Errc>> answers;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    t.catalog().put(live(digest_number(i), stamp(1, i)),
                    [&answers, i](Result<CatalogEntry> held) { answers[i].push_back(held.code()); });
  }
  t.close();
  CHECK(answers.empty());
  t.loop().run_what_is_posted();
  CHECK(answers.size() == 3000);
  CHECK(answers[2999] == std::vector{Errc::cancelled});
  REQUIRE(t.reopen().ok());
  for (const auto& [number, codes] : answers) {
    REQUIRE(codes.size() == 1);
    CHECK(get(t, digest_number(number))->has_value() == (codes.front() == Errc::ok));
  }
}

TEST_CASE("a catalog that is not open says so") {
  HandLoop loop;
  LinesOf log;
  SqliteCatalog catalog("/nowhere/catalog.sqlite", loop, log);
  std::vector<Errc> codes;
  catalog.put(live(digest_of("ab"), stamp(1, 1)), [&](Result<CatalogEntry> held) { codes.push_back(held.code()); });
  catalog.get(digest_of("ab"), [&](Result<std::optional<CatalogEntry>> held) { codes.push_back(held.code()); });
  CHECK(codes.empty());
  loop.run_what_is_posted();
  CHECK(codes == std::vector{Errc::closed, Errc::closed});
  const Status status = catalog.open();
  CHECK(status.code() == Errc::io);
  CHECK(status.error().message.find("/nowhere/catalog.sqlite") != std::string::npos);
}

TEST_CASE("a queue that is full refuses, and answers every call once") {
  store::SqliteCatalogOptions options;
  options.queue_max = 8;
  SqliteUnderTest t(options);
  std::size_t stored = 0, refused = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    t.catalog().put(live(digest_number(i), stamp(1, i)),
                    [&](Result<CatalogEntry> held) { ++(held.ok() ? stored : refused); });
  }
  t.run_until([&] { return stored + refused == 2000; });
  CHECK(refused > 0);
  CHECK(stored == t.catalog().summary().images);
}

TEST_CASE("what is not a catalog is refused with its path") {
  SqliteUnderTest t;
  t.close();
  std::ofstream(t.path()) << "these are my holiday notes, not a database, and they are longer than a header of one";
  const Status garbage = t.reopen();
  CHECK(garbage.code() == Errc::format);
  CHECK(garbage.error().message.find(t.path()) != std::string::npos);

  t.close();
  std::filesystem::remove(t.path());
  alter(t.path(), "CREATE TABLE recipes (soup TEXT)");
  CHECK(t.reopen().code() == Errc::format);
}

TEST_CASE("a damaged catalog is refused, and opens again once it was moved away") {
  SqliteUnderTest t;
  fill(t, 400);
  t.close();
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(t.path()));
  REQUIRE(size >= 16 * 4096);
  for (std::streamoff at = 4096; at + 4096 <= size; at += 4096)
    write_over(t.path(), at, std::string(64, '\x5a'));
  const Status damaged = t.reopen();
  CHECK(damaged.code() == Errc::format);
  CHECK(damaged.error().message.find(t.path()) != std::string::npos);
  std::filesystem::rename(t.path(), t.path() + ".damaged");
  REQUIRE(t.reopen().ok());
  CHECK(t.catalog().summary().images == 0);
}

TEST_CASE("a catalog cut short is refused") {
  SqliteUnderTest t;
  fill(t, 400);
  t.close();
  std::filesystem::resize_file(t.path(), 8 * 4096);
  CHECK(t.reopen().code() == Errc::format);
}

TEST_CASE("a bit that flipped anywhere in a catalog is noticed when it is opened") {
  SqliteUnderTest t;
  fill(t, 400);
  t.close();
  const std::string whole = read_all(t.path());
  std::mt19937 random(7);
  std::vector<std::size_t> bits;
  for (std::size_t bit = 0; bit < 100 * 8; ++bit) bits.push_back(bit);  // The header of the file has rules of its own.
  for (int i = 0; i < 1'000; ++i) bits.push_back(random() % (whole.size() * 8));
  for (const std::size_t bit : bits) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    write_over(t.path(), 0, damaged);
    CHECK_MESSAGE(t.reopen().code() == Errc::format, "bit " << bit);
    t.close();
    std::filesystem::remove(t.path() + "-wal");
  }
  write_over(t.path(), 0, whole);
  REQUIRE(t.reopen().ok());
  CHECK(t.catalog().summary().images == 400);
}

TEST_CASE("a bit that flipped in the log of a catalog is noticed, but in its last transaction") {
  SqliteUnderTest t;
  for (std::uint64_t first = 0; first < 200; first += 50) fill(t, 50, first);
  const std::string log = read_all(t.path() + "-wal");
  const std::string file = read_all(t.path());
  REQUIRE(log.size() > 10 * 4096);
  t.close();
  std::mt19937 random(11);
  std::size_t noticed = 0;
  for (int i = 0; i < 300; ++i) {
    std::string damaged = log;
    const std::size_t bit = random() % (log.size() * 8);
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    std::filesystem::remove(t.path());
    write_new(t.path(), file);
    write_new(t.path() + "-wal", damaged);
    const Status opened = t.reopen();
    noticed += opened.code() == Errc::format ? 1 : 0;
    CHECK_MESSAGE((opened.code() == Errc::format || t.catalog().summary().images >= 150), "bit " << bit);
    t.close();
    std::filesystem::remove(t.path() + "-wal");
  }
  CHECK(noticed > 150);
}

TEST_CASE("a catalog of a program that knew no checksums gets them") {
  SqliteUnderTest t;
  fill(t, 100);
  t.close();
  without_checksums(t.path());
  REQUIRE(t.reopen().ok());
  CHECK(t.catalog().summary().images == 100);
  t.close();
  const std::string text = read_all(t.path());
  CHECK(store::checksummed_page_size(std::as_bytes(std::span(text))) == 4096);
  REQUIRE(t.reopen().ok());
  CHECK(t.catalog().summary().images == 100);
}

TEST_CASE("a catalog of a newer program is refused and left as it is") {
  SqliteUnderTest t;
  fill(t, 3);
  t.close();
  alter(t.path(), "PRAGMA user_version = 3");
  const Status newer = t.reopen();
  CHECK(newer.code() == Errc::mismatch);
  CHECK(newer.error().message.find("format 3") != std::string::npos);
  t.close();
  alter(t.path(), "PRAGMA user_version = 2");
  REQUIRE(t.reopen().ok());
  CHECK(t.catalog().summary().images == 3);
}

TEST_CASE("one catalog file has one owner") {
  SqliteUnderTest t;
  fill(t, 1);
  SqliteCatalog second(t.path(), t.loop(), t.log());
  CHECK(second.open().code() == Errc::locked);
  CHECK(t.reopen().ok());
  CHECK(t.catalog().open().code() == Errc::invalid_argument);
}
