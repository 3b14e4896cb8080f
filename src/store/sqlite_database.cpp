#include "store/sqlite_database.hpp"

#include "store/log_damage.hpp"
#include "store/page_checksums.hpp"
#include "store/posix_file.hpp"

#include <sqlite3.h>

#include <bit>
#include <cerrno>

#include <fcntl.h>

namespace cloudp2p::store {
namespace {

constexpr std::size_t kCheckedBytes = std::size_t{1} << 18;  // A multiple of every page size.

Errc errc_of(int code, int system_error) {
  if (code == SQLITE_IOERR_DATA) return Errc::format;
  switch (code & 0xff) {
    case SQLITE_FULL: return Errc::full;
    case SQLITE_READONLY:
    case SQLITE_PERM: return Errc::read_only;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Errc::format;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Errc::locked;
    case SQLITE_CANTOPEN:
      if (system_error == ENOSPC || system_error == EDQUOT) return Errc::full;
      if (system_error == EACCES || system_error == EPERM || system_error == EROFS) return Errc::read_only;
      return Errc::io;
    default: return Errc::io;
  }
}

const char* advice(Errc code) {
  switch (code) {
    case Errc::format: return "; move it away, it can be rebuilt from the images";
    case Errc::locked: return "; is another node running on this directory?";
    case Errc::full: return "; free some space";
    case Errc::read_only: return "; check the permissions and how the disk is mounted";
    default: return "; check the disk and its directory";
  }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* raw) const noexcept {
  sqlite3_finalize(raw);
}

Query::~Query() {
  sqlite3_reset(raw_);
  sqlite3_clear_bindings(raw_);
}

void Query::note(int code) {
  if (bind_error_ == SQLITE_OK) bind_error_ = code;
}

Query& Query::integer(std::int64_t value) {
  note(sqlite3_bind_int64(raw_, next_parameter_++, value));
  return *this;
}

Query& Query::bits(std::uint64_t value) {
  return integer(std::bit_cast<std::int64_t>(value));
}

Query& Query::blob(ByteView value) {
  note(sqlite3_bind_blob64(raw_, next_parameter_++, value.data(), value.size(), SQLITE_STATIC));
  return *this;
}

Query& Query::text(std::string_view value) {
  // A null pointer would bind NULL.
  const char* data = value.empty() ? "" : value.data();
  note(sqlite3_bind_text64(raw_, next_parameter_++, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Result<bool> Query::step() {
  if (bind_error_ != SQLITE_OK) return database_.error(bind_error_);
  const int code = sqlite3_step(raw_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_.error(code);
}

Status Query::finish() {
  const Result<bool> row = step();
  return row.ok() ? Status() : Status(row.error());
}

std::int64_t Query::integer_at(int column) const {
  return sqlite3_column_int64(raw_, column);
}

std::uint64_t Query::bits_at(int column) const {
  return std::bit_cast<std::uint64_t>(integer_at(column));
}

ByteView Query::blob_at(int column) const {
  const void* data = sqlite3_column_blob(raw_, column);
  const int size = sqlite3_column_bytes(raw_, column);
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

std::string Query::text_at(int column) const {
  const ByteView bytes = blob_at(column);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<std::unique_ptr<Database>> Database::open(std::string path, const Options& options) {
  std::unique_ptr<Database> database(new Database(std::move(path)));
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                    SQLITE_OPEN_EXRESCODE;
  const std::optional<std::string> vfs = checksummed_vfs(options.vfs);
  if (!vfs) return Error{Errc::invalid_argument, "SQLite has no file system \"" + options.vfs + "\""};
  const auto rotten = damage_in_log(database->path_ + "-wal");
  if (!rotten.ok()) return rotten.error();
  if (*rotten) return database->damaged("its log has rotted at byte " + std::to_string(**rotten));
  const int code = sqlite3_open_v2(database->path_.c_str(), &database->raw_, flags, vfs->c_str());
  if (code != SQLITE_OK) return database->error(code);
  if (const Status status = database->configure(options); !status.ok()) return status.error();
  if (const Status status = database->check_pages(); !status.ok()) return status.error();
  return database;
}

Database::~Database() {
  // The last connection that closes checkpoints and removes the log; what fails here is recovered by the next open.
  sqlite3_close(raw_);
}

Status Database::configure(const Options& options) {
  sqlite3_db_config(raw_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  int reserved = kPageChecksumBytes;  // Of a new file, or of one that is vacuumed.
  sqlite3_file_control(raw_, nullptr, SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  // Exclusive before the first access to the log: its index then lives in our heap and there is no -shm file.
  const std::string pragmas =
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
      "PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF; PRAGMA cache_size=-" +
      std::to_string(options.cache_kib);
  if (Status status = execute(pragmas.c_str()); !status.ok()) return status;

  Result<Statement> wal = prepare("PRAGMA journal_mode=WAL");
  if (!wal.ok()) return wal.error();
  Query query(*wal);
  const Result<bool> row = query.step();
  if (!row.ok()) return row.error();
  if (!*row || query.text_at(0) != "wal") {
    return Error{Errc::read_only,
                 "catalog " + path_ + ": cannot keep a write-ahead log here" + advice(Errc::read_only)};
  }
  sqlite3_wal_hook(raw_, &Database::on_wal_commit, this);  // replaces SQLite's own checkpoints
  return execute("PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216");
}

/// All of them: an index that nobody asks today must not be found damaged under load, or hide a record.
Status Database::check_pages() {
  // A page may be torn in the file while the log has all of it.
  Status written = checkpoint();
  if (written.code() == Errc::full) return {};  // Then each as it is read.
  if (!written.ok()) return written;
  check_fd_ = Fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!check_fd_.valid()) return posix_error(errno, "catalog " + path_ + ": cannot be opened");
  ::posix_fadvise(check_fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  std::vector<std::byte> block(kCheckedBytes);
  std::optional<std::size_t> page_bytes;
  for (std::uint64_t at = 0;; at += block.size()) {
    const Result<std::size_t> got = read_at(check_fd_.get(), block, at);
    if (!got.ok()) return Error{got.code(), "catalog " + path_ + ": " + got.error().message};
    const ByteView bytes = ByteView(block).first(*got);
    if (at == 0) page_bytes = checksummed_page_size(bytes);
    has_checksums_ = page_bytes.has_value();
    if (!page_bytes || bytes.empty()) return {};
    for (std::size_t in = 0; in < bytes.size(); in += *page_bytes) {
      if (*page_bytes < 512 || bytes.size() - in < *page_bytes || !page_matches(bytes.subspan(in, *page_bytes))) {
        return damaged("the page at byte " + std::to_string(at + in) + " does not match its checksum");
      }
    }
  }
}

Status Database::add_checksums() {
  if (Status status = execute("PRAGMA journal_mode=DELETE; VACUUM; PRAGMA journal_mode=WAL"); !status.ok()) return status;
  return check_pages();
}

int Database::on_wal_commit(void* self, sqlite3*, const char*, int pages) {
  static_cast<Database*>(self)->wal_pages_ = static_cast<std::size_t>(pages);
  return SQLITE_OK;
}

Status Database::execute(const char* sql) {
  const int code = sqlite3_exec(raw_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : Status(error(code));
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(raw_, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return error(code);
  return Statement(*this, raw);
}

Result<std::int64_t> Database::number(const char* sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement.ok()) return statement.error();
  Query query(*statement);
  const Result<bool> row = query.step();
  if (!row.ok()) return row.error();
  return *row ? query.integer_at(0) : 0;
}

void Database::roll_back() noexcept {
  if (sqlite3_get_autocommit(raw_) == 0) sqlite3_exec(raw_, "ROLLBACK", nullptr, nullptr, nullptr);
}

std::int64_t Database::rows_written() const noexcept {
  return sqlite3_total_changes64(raw_);
}

Status Database::checkpoint() {
  const int code = sqlite3_wal_checkpoint_v2(raw_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  wal_pages_ = 0;
  return {};
}

void Database::leave_log_for_recovery() noexcept {
  sqlite3_db_config(raw_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Error Database::error(int code) const {
  const Errc ours = errc_of(code, raw_ != nullptr ? sqlite3_system_errno(raw_) : 0);
  const char* words = raw_ != nullptr ? sqlite3_errmsg(raw_) : sqlite3_errstr(code);
  if (code == SQLITE_IOERR_DATA) words = "a page does not match its checksum";
  return {ours, "catalog " + path_ + ": " + words + " (SQLite " + std::to_string(code) + ")" + advice(ours)};
}

Error Database::damaged(const std::string& how) const {
  return {Errc::format, "catalog " + path_ + ": " + how + advice(Errc::format)};
}

}  // namespace cloudp2p::store
