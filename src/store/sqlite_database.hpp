// Database, Statement, Query: one SQLite connection as values that cannot leak and errors that name the file.
//
// Purpose:   the only place that speaks SQLite's C interface.
// Thread:    opened without SQLite's own mutexes: one thread at a time, handed over by starting or joining a thread.
// Ownership: statements must be destroyed before their Database. A Query borrows what is bound to it until it ends.
// Errors:    full, io, read_only, locked, format (damage that a checksum or SQLite noticed); the message carries the path and SQLite's own words.
#pragma once

#include "store/fd.hpp"

#include <cloudp2p/error.hpp>
#include <cloudp2p/types.hpp>

#include <memory>

struct sqlite3;
struct sqlite3_stmt;

namespace cloudp2p::store {

class Database;

/// SQL that is compiled once. Run it with a Query.
class Statement {
 public:
  Statement() = default;

 private:
  friend class Database;
  friend class Query;
  struct Finalize {
    void operator()(sqlite3_stmt* raw) const noexcept;
  };
  Statement(const Database& database, sqlite3_stmt* raw) : database_(&database), raw_(raw) {}

  const Database* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> raw_;
};

/// One run of a statement: bind from left to right, step until there is no row. Its end releases SQLite's snapshot,
/// which would otherwise keep the write-ahead log from being reused.
class Query {
 public:
  explicit Query(Statement& statement) : database_(*statement.database_), raw_(statement.raw_.get()) {}
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& integer(std::int64_t value);
  /// Bit-cast to SQLite's signed integers and back; what is compared as unsigned is compared outside of SQL.
  Query& bits(std::uint64_t value);
  Query& blob(ByteView value);
  Query& text(std::string_view value);

  /// True: a row can be read. False: there is none (left).
  [[nodiscard]] Result<bool> step();
  /// For statements that yield nothing.
  [[nodiscard]] Status finish();

  [[nodiscard]] std::int64_t integer_at(int column) const;
  [[nodiscard]] std::uint64_t bits_at(int column) const;
  [[nodiscard]] ByteView blob_at(int column) const;  ///< Valid until the next step.
  [[nodiscard]] std::string text_at(int column) const;

 private:
  void note(int code);

  const Database& database_;
  sqlite3_stmt* raw_;
  int next_parameter_ = 1;
  int bind_error_ = 0;
};

class Database {
 public:
  struct Options {
    std::string vfs;             ///< Empty: the default file system.
    std::int64_t cache_kib = 0;  ///< Page cache.
  };
  /// Creates the file when there is none. Alone on it from now on: Errc::locked when another process has it. Reads all
  /// of it once, to check its pages.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(std::string path, const Options& options);
  /// Moves the write-ahead log into the file, unless told to leave it.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] Status execute(const char* sql);
  [[nodiscard]] Result<Statement> prepare(const char* sql);
  /// The single integer that a PRAGMA or SELECT yields.
  [[nodiscard]] Result<std::int64_t> number(const char* sql);

  /// Ends an open transaction, if any, without its changes.
  void roll_back() noexcept;
  /// Rows written since `open`, rolled-back ones included.
  [[nodiscard]] std::int64_t rows_written() const noexcept;
  /// Pages in the write-ahead log after the last commit that wrote.
  [[nodiscard]] std::size_t wal_pages() const noexcept { return wal_pages_; }
  /// Copies the log into the file, so that the next commit overwrites the log from its start.
  [[nodiscard]] Status checkpoint();
  /// After a fault: closing must not touch the file again.
  void leave_log_for_recovery() noexcept;

  /// False: it was made by a program that knew no checksums of pages.
  [[nodiscard]] bool has_checksums() const noexcept { return has_checksums_; }
  /// Writes the file anew, with them. Power loss leaves it without, or with all.
  [[nodiscard]] Status add_checksums();

  /// What went wrong, in our terms.
  [[nodiscard]] Error error(int code) const;
  [[nodiscard]] Error damaged(const std::string& how) const;

 private:
  explicit Database(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Status configure(const Options& options);
  [[nodiscard]] Status check_pages();
  static int on_wal_commit(void* self, sqlite3* raw, const char* schema, int pages);

  std::string path_;
  // Closing any descriptor of a file drops this process's locks on it: this one is closed after SQLite's own.
  Fd check_fd_;
  bool has_checksums_ = false;
  sqlite3* raw_ = nullptr;
  std::size_t wal_pages_ = 0;
};

}  // namespace cloudp2p::store
