#include "store/sqlite_records.hpp"

#include <limits>

namespace cloudp2p::store {
namespace {

constexpr std::int64_t kSchemaVersion = 2;  // 2: as 1, with checksums on the pages.
constexpr std::int64_t kApplicationId = 0x63703270;  // "cp2p"

constexpr const char* kCreate = R"(
  BEGIN IMMEDIATE;
  CREATE TABLE record (
    digest      BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    term        INTEGER NOT NULL,
    leader      INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    tombstone   INTEGER NOT NULL,
    present     INTEGER NOT NULL,
    size_bytes  INTEGER NOT NULL,
    type        INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL,
    verified_ms INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    file_name   TEXT    NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX record_by_time ON record (time_ms DESC, digest) WHERE tombstone = 0;
  CREATE INDEX record_missing ON record (digest) WHERE tombstone = 0 AND present = 0;
  CREATE TABLE owner (only INTEGER PRIMARY KEY CHECK (only = 1), incarnation BLOB NOT NULL) STRICT;
  INSERT INTO owner VALUES (1, zeroblob(16));
  PRAGMA application_id = 1668297328;
  PRAGMA user_version = 2;
  COMMIT;)";
// Younger than the table. Older builds keep the indices up to date without knowing what they are for.
constexpr const char* kCreateLater =
    "CREATE TABLE IF NOT EXISTS owner (only INTEGER PRIMARY KEY CHECK (only = 1), incarnation BLOB NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS record_verified ON record (verified_ms, digest) WHERE tombstone = 0 AND present = 1;"
    "CREATE INDEX IF NOT EXISTS record_unburied ON record (digest) WHERE tombstone = 1 AND present = 1;"
    "CREATE INDEX IF NOT EXISTS record_deleted ON record (time_ms) WHERE tombstone = 1";
static_assert(kApplicationId == 1668297328 && kSchemaVersion == 2);

// The columns, in the order in which `read_entry` takes them and `store` binds them.
#define CLOUDP2P_RECORD_COLUMNS \
  "digest, term, leader, sequence, tombstone, present, size_bytes, type, time_ms, verified_ms, name, file_name"
#define CLOUDP2P_SELECT_RECORDS "SELECT " CLOUDP2P_RECORD_COLUMNS " FROM record "

constexpr const char* kGet = CLOUDP2P_SELECT_RECORDS "WHERE digest = ?1";
constexpr const char* kPut =
    "INSERT INTO record (" CLOUDP2P_RECORD_COLUMNS
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) "
    "ON CONFLICT (digest) DO UPDATE SET term = ?2, leader = ?3, sequence = ?4, tombstone = ?5, present = ?6, "
    "size_bytes = ?7, type = ?8, time_ms = ?9, verified_ms = ?10, name = ?11, file_name = ?12";
constexpr const char* kFind =
    CLOUDP2P_SELECT_RECORDS "WHERE digest BETWEEN ?1 AND ?2 AND tombstone = 0 ORDER BY digest LIMIT ?3";
constexpr const char* kBucket = CLOUDP2P_SELECT_RECORDS "WHERE digest BETWEEN ?1 AND ?2 ORDER BY digest LIMIT ?3";
constexpr const char* kMissing = CLOUDP2P_SELECT_RECORDS
    "INDEXED BY record_missing WHERE tombstone = 0 AND present = 0 AND digest >= ?1 ORDER BY digest LIMIT ?2";
constexpr const char* kUnburied = CLOUDP2P_SELECT_RECORDS
    "INDEXED BY record_unburied WHERE tombstone = 1 AND present = 1 AND digest >= ?1 ORDER BY digest LIMIT ?2";
constexpr const char* kTombstones = CLOUDP2P_SELECT_RECORDS
    "INDEXED BY record_deleted WHERE tombstone = 1 AND time_ms < ?1 ORDER BY time_ms LIMIT ?2";
constexpr const char* kForget = "DELETE FROM record WHERE digest = ?1";
// A page is a rest of records of one time, then older ones: each a range of the index, however many share a time.
constexpr const char* kListSameTime = CLOUDP2P_SELECT_RECORDS
    "INDEXED BY record_by_time WHERE tombstone = 0 AND time_ms = ?1 AND digest >= ?2 ORDER BY digest LIMIT ?3";
constexpr const char* kListOlder = CLOUDP2P_SELECT_RECORDS
    "INDEXED BY record_by_time WHERE tombstone = 0 AND time_ms BETWEEN ?1 AND ?2 "
    "ORDER BY time_ms DESC, digest LIMIT ?3";
constexpr const char* kVerifiedAfter = CLOUDP2P_SELECT_RECORDS
    "INDEXED BY record_verified WHERE tombstone = 0 AND present = 1 AND verified_ms > ?1 "
    "ORDER BY verified_ms, digest LIMIT ?2";
constexpr const char* kVerifiedUntil = CLOUDP2P_SELECT_RECORDS
    "INDEXED BY record_verified WHERE tombstone = 0 AND present = 1 AND verified_ms <= ?1 "
    "ORDER BY verified_ms, digest LIMIT ?2";
constexpr const char* kCount =
    "SELECT digest, term, leader, sequence, tombstone, present, size_bytes FROM record ORDER BY digest";

#undef CLOUDP2P_SELECT_RECORDS
#undef CLOUDP2P_RECORD_COLUMNS

/// The columns that the sums are made of. False when this cannot be a row of ours.
bool read_counted(const Query& row, CatalogEntry& out) {
  const ByteView digest = row.blob_at(0);
  if (digest.size() != Digest::kSize) return false;
  std::copy(digest.begin(), digest.end(), out.record.digest.bytes.begin());
  out.record.stamp.term = row.bits_at(1);
  out.record.stamp.leader = NodeId{static_cast<std::uint32_t>(row.bits_at(2))};
  out.record.stamp.sequence = row.bits_at(3);
  out.record.tombstone = row.integer_at(4) != 0;
  out.present = row.integer_at(5) != 0;
  out.record.size_bytes = row.bits_at(6);
  return true;
}

bool read_entry(const Query& row, CatalogEntry& out) {
  const std::int64_t type = row.integer_at(7);
  if (type < 0 || type > static_cast<std::int64_t>(ImageType::bmp) || !read_counted(row, out)) return false;
  out.record.type = static_cast<ImageType>(type);
  out.record.time_ms = row.integer_at(8);
  out.verified_ms = row.integer_at(9);
  out.record.name = row.text_at(10);
  out.file_name = row.text_at(11);
  return true;
}

/// The smallest digest above this one; none above the last.
std::optional<Digest> next_after(Digest digest) {
  for (auto byte = digest.bytes.rbegin(); byte != digest.bytes.rend(); ++byte) {
    *byte = static_cast<std::byte>(static_cast<unsigned>(*byte) + 1);
    if (*byte != std::byte{0}) return digest;
  }
  return std::nullopt;
}

struct DigestRange {
  Digest first, last;
};

/// All digests whose hex form begins so.
std::optional<DigestRange> range_of(std::string_view hex_prefix) {
  constexpr std::size_t kDigits = 2 * Digest::kSize;
  if (hex_prefix.size() > kDigits) return std::nullopt;
  std::string padded(hex_prefix);
  for (char& digit : padded)
    digit = digit >= 'A' && digit <= 'F' ? static_cast<char>(digit - 'A' + 'a') : digit;
  const auto first = Digest::from(padded + std::string(kDigits - padded.size(), '0'));
  const auto last = Digest::from(padded + std::string(kDigits - padded.size(), 'f'));
  if (!first || !last) return std::nullopt;
  return DigestRange{*first, *last};
}

DigestRange range_of_bucket(std::size_t bucket) {
  DigestRange range;
  range.last.bytes.fill(std::byte{0xff});
  range.first.bytes[0] = range.last.bytes[0] = static_cast<std::byte>(bucket >> 4);
  range.first.bytes[1] = static_cast<std::byte>((bucket & 0xf) << 4);
  range.last.bytes[1] = range.first.bytes[1] | std::byte{0xf};
  return range;
}

/// Where a page ended: time, then digest, big-endian in hex.
struct Cursor {
  std::int64_t time_ms;
  Digest digest;
};

std::string to_text(const Cursor& cursor) {
  std::array<std::byte, 8> time{};
  for (std::size_t i = 0; i < time.size(); ++i) {
    time[i] = static_cast<std::byte>(static_cast<std::uint64_t>(cursor.time_ms) >> (56 - 8 * i));
  }
  return to_hex(time) + cursor.digest.hex();
}

std::optional<Cursor> parse_cursor(std::string_view text) {
  std::array<std::byte, 8 + Digest::kSize> raw{};
  if (!from_hex(text, raw)) return std::nullopt;
  std::uint64_t time = 0;
  for (std::size_t i = 0; i < 8; ++i)
    time = (time << 8) | static_cast<std::uint64_t>(raw[i]);
  Cursor out{static_cast<std::int64_t>(time), {}};
  std::copy(raw.begin() + 8, raw.end(), out.digest.bytes.begin());
  return out;
}

std::int64_t page_size(std::size_t limit) {
  return static_cast<std::int64_t>(std::min(limit, limits::kListPageMax));
}

}  // namespace

Result<std::unique_ptr<RecordTable>> RecordTable::open(Database& database) {
  const Result<std::int64_t> version = database.number("PRAGMA user_version");
  const Result<std::int64_t> application = database.number("PRAGMA application_id");
  const Result<std::int64_t> objects = database.number("SELECT count(*) FROM sqlite_schema");
  for (const auto* known : {&version, &application, &objects}) {
    if (!known->ok()) return known->error();
  }
  if (*version == 0 && *application == 0 && *objects == 0) {
    if (const Status status = database.execute(kCreate); !status.ok()) return status.error();
  } else if (*application != kApplicationId) {
    return database.damaged("this is some other program's database");
  } else if (*version == 1) {
    if (Status status = database.add_checksums(); !status.ok()) return status.error();
    if (Status status = database.execute("PRAGMA user_version = 2"); !status.ok()) return status.error();
  } else if (*version != kSchemaVersion) {
    return Error{Errc::mismatch, "catalog " + database.path() + ": written in format " + std::to_string(*version) +
                                   ", this program reads " + std::to_string(kSchemaVersion) +
                                   "; run the newer program, or move the file away"};
  }
  if (const Status status = database.execute(kCreateLater); !status.ok()) return status.error();
  if (*version == kSchemaVersion && !database.has_checksums()) return database.damaged("it lost its checksums");
  std::unique_ptr<RecordTable> table(new RecordTable(database));
  if (const Status status = table->prepare(); !status.ok()) return status.error();
  return table;
}

Status RecordTable::prepare() {
  const std::pair<Statement*, const char*> all[] = {{&get_, kGet},
                                                    {&put_, kPut},
                                                    {&find_, kFind},
                                                    {&bucket_, kBucket},
                                                    {&missing_, kMissing},
                                                    {&unburied_, kUnburied},
                                                    {&tombstones_, kTombstones},
                                                    {&forget_, kForget},
                                                    {&list_same_time_, kListSameTime},
                                                    {&list_older_, kListOlder},
                                                    {&verified_after_, kVerifiedAfter},
                                                    {&verified_until_, kVerifiedUntil}};
  for (const auto& [statement, sql] : all) {
    Result<Statement> prepared = database_.prepare(sql);
    if (!prepared.ok()) return prepared.error();
    *statement = std::move(*prepared);
  }
  return {};
}

Status RecordTable::count(Tally& tally, DigestFilter& filter) {
  Result<Statement> statement = database_.prepare(kCount);
  if (!statement.ok()) return statement.error();
  Query rows(*statement);
  CatalogEntry entry;
  for (;;) {
    const Result<bool> row = rows.step();
    if (!row.ok()) return row.error();
    if (!*row) return {};
    if (!read_counted(rows, entry)) return database_.damaged("a record is damaged");
    tally.apply(TallyChange::of(nullptr, entry));
    filter.insert(entry.record.digest);
  }
}

Status RecordTable::check(const CatalogChange& change) {
  const ImageRecord& record = change.record;
  if (record.stamp == Stamp{}) {
    return Error{Errc::invalid_argument, "record " + short_id(record.digest) + ": nobody has stamped it"};
  }
  if (record.stamp.term > static_cast<Term>(std::numeric_limits<std::int64_t>::max())) {
    return Error{Errc::invalid_argument, "record " + short_id(record.digest) + ": no election reaches term " +
                                             std::to_string(record.stamp.term)};
  }
  if (record.name.size() > limits::kNameBytesMax) {
    return Error{Errc::invalid_argument, "record " + short_id(record.digest) + ": its name has " +
                                             std::to_string(record.name.size()) + " bytes, the most is " +
                                             std::to_string(limits::kNameBytesMax)};
  }
  return {};
}

Result<MergeOutcome> RecordTable::merge(const CatalogChange& change) {
  const Result<std::optional<CatalogEntry>> before = get(change.record.digest);
  if (!before.ok()) return before.error();
  const CatalogEntry* held = before->has_value() ? &**before : nullptr;
  MergeOutcome out{merged(held, change), std::nullopt};
  const CatalogEntry nothing;
  if (out.held == (held != nullptr ? *held : nothing)) return out;
  const Status status = out.held == nothing ? forget(change.record.digest) : store(out.held);
  if (!status.ok()) return status.error();
  out.written = TallyChange::of(held, out.held);
  return out;
}

Status RecordTable::store(const CatalogEntry& entry) {
  const ImageRecord& record = entry.record;
  Query put(put_);
  put.blob(record.digest.bytes)
      .bits(record.stamp.term)
      .bits(value(record.stamp.leader))
      .bits(record.stamp.sequence)
      .integer(record.tombstone ? 1 : 0)
      .integer(entry.present ? 1 : 0)
      .bits(record.size_bytes)
      .integer(static_cast<std::int64_t>(record.type))
      .integer(record.time_ms)
      .integer(entry.verified_ms)
      .text(record.name)
      .text(entry.file_name);
  return put.finish();
}

Status RecordTable::forget(const Digest& digest) {
  Query query(forget_);
  query.blob(digest.bytes);
  return query.finish();
}

Status RecordTable::read_rows(Query& query, std::vector<CatalogEntry>& out) const {
  for (;;) {
    const Result<bool> row = query.step();
    if (!row.ok()) return row.error();
    if (!*row) return {};
    if (!read_entry(query, out.emplace_back())) return database_.damaged("a record is damaged");
  }
}

Result<std::vector<CatalogEntry>> RecordTable::rows_of(Query& query) const {
  std::vector<CatalogEntry> out;
  if (const Status status = read_rows(query, out); !status.ok()) return status.error();
  return out;
}

Result<std::optional<CatalogEntry>> RecordTable::get(const Digest& digest) {
  Query query(get_);
  query.blob(digest.bytes);
  Result<std::vector<CatalogEntry>> rows = rows_of(query);
  if (!rows.ok()) return rows.error();
  if (rows->empty()) return std::optional<CatalogEntry>();
  return std::optional<CatalogEntry>(std::move(rows->front()));
}

Result<std::vector<CatalogEntry>> RecordTable::find(std::string_view hex_prefix, std::size_t limit) {
  const std::optional<DigestRange> range = range_of(hex_prefix);
  if (!range) {
    return Error{Errc::invalid_argument, "an image id is 4 to 64 hex digits, not \"" +
                                             std::string(hex_prefix.substr(0, 2 * Digest::kSize)) + "\""};
  }
  Query query(find_);
  query.blob(range->first.bytes).blob(range->last.bytes).integer(page_size(limit));
  return rows_of(query);
}

Result<std::vector<CatalogEntry>> RecordTable::bucket(std::size_t bucket, const Digest& after, std::size_t limit) {
  if (bucket >= limits::kBuckets) {
    return Error{Errc::invalid_argument, "there is no bucket " + std::to_string(bucket)};
  }
  const std::optional<Digest> first = next_after(after);
  if (!first) return std::vector<CatalogEntry>();
  DigestRange range = range_of_bucket(bucket);
  range.first = std::max(range.first, *first);
  Query query(bucket_);
  query.blob(range.first.bytes).blob(range.last.bytes).integer(page_size(limit));
  return rows_of(query);
}

Result<std::vector<CatalogEntry>> RecordTable::missing(const Digest& after, std::size_t limit) {
  return above(missing_, after, limit);
}

Result<std::vector<CatalogEntry>> RecordTable::unburied(const Digest& after, std::size_t limit) {
  return above(unburied_, after, limit);
}

Result<std::vector<CatalogEntry>> RecordTable::tombstones(std::int64_t before_ms, std::size_t limit) {
  Query query(tombstones_);
  query.integer(before_ms).integer(page_size(limit));
  return rows_of(query);
}

Result<std::vector<CatalogEntry>> RecordTable::above(Statement& statement, const Digest& after, std::size_t limit) {
  const std::optional<Digest> first = next_after(after);
  if (!first) return std::vector<CatalogEntry>();
  Query query(statement);
  query.blob(first->bytes).integer(page_size(limit));
  return rows_of(query);
}

Result<std::vector<CatalogEntry>> RecordTable::stalest(std::int64_t now_ms, std::size_t limit) {
  std::vector<CatalogEntry> out;
  for (Statement* const statement : {&verified_after_, &verified_until_}) {
    const std::int64_t left = page_size(limit) - static_cast<std::int64_t>(out.size());
    if (left == 0) break;
    Query query(*statement);
    query.integer(now_ms).integer(left);
    if (const Status status = read_rows(query, out); !status.ok()) return status.error();
  }
  return out;
}

Result<ListPage> RecordTable::list(const ListQuery& query) {
  ListPage page;
  const std::size_t limit = std::min(query.limit, limits::kListPageMax);
  if (limit == 0) return page;
  // One more than fits tells whether there is a next page.
  const auto wanted = [&] { return static_cast<std::int64_t>(limit + 1 - page.entries.size()); };
  std::int64_t newest = std::numeric_limits<std::int64_t>::max();
  bool older_exist = true;
  if (!query.after.empty()) {
    const std::optional<Cursor> cursor = parse_cursor(query.after);
    if (!cursor) return Error{Errc::invalid_argument, "this is not a cursor that a list gave"};
    const std::optional<Digest> first = next_after(cursor->digest);
    if (first && cursor->time_ms >= query.since_ms) {
      Query same_time(list_same_time_);
      same_time.integer(cursor->time_ms).blob(first->bytes).integer(wanted());
      if (const Status status = read_rows(same_time, page.entries); !status.ok()) return status.error();
    }
    older_exist = cursor->time_ms > query.since_ms;
    if (older_exist) newest = cursor->time_ms - 1;
  }
  if (wanted() > 0 && older_exist) {
    Query older(list_older_);
    older.integer(query.since_ms).integer(newest).integer(wanted());
    if (const Status status = read_rows(older, page.entries); !status.ok()) return status.error();
  }
  if (page.entries.size() > limit) {
    page.entries.pop_back();
    const ImageRecord& last = page.entries.back().record;
    page.next = to_text({last.time_ms, last.digest});
  }
  return page;
}

}  // namespace cloudp2p::store
