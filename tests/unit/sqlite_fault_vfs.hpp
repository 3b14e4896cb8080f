// A SQLite file system that counts syncs and fails on demand; everything else is the system's own.
#pragma once

#include <atomic>

#include <sqlite3.h>

namespace cloudp2p::testing {

struct SqliteFaults {
  std::atomic<int> sync_result{SQLITE_OK};   ///< What every sync of the log answers.
  std::atomic<int> write_result{SQLITE_OK};  ///< What every write to the log answers.
  std::atomic<int> log_syncs{0};
  std::atomic<int> other_syncs{0};

  void heal() {
    sync_result = SQLITE_OK;
    write_result = SQLITE_OK;
  }
};

namespace fault_vfs {

inline constexpr const char* kName = "cloudp2p-faults";

inline SqliteFaults& faults() {
  static SqliteFaults instance;
  return instance;
}

struct File {
  sqlite3_file base;
  bool is_log;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
inline File* as_file(sqlite3_file* file) {
  return reinterpret_cast<File*>(file);
}
inline sqlite3_file* real_of(sqlite3_file* file) {
  return as_file(file)->real();
}

inline int close(sqlite3_file* f) {
  return real_of(f)->pMethods->xClose(real_of(f));
}
inline int read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  return real_of(f)->pMethods->xRead(real_of(f), to, size, at);
}
inline int write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  if (as_file(f)->is_log && faults().write_result != SQLITE_OK) return faults().write_result;
  return real_of(f)->pMethods->xWrite(real_of(f), from, size, at);
}
inline int truncate(sqlite3_file* f, sqlite3_int64 size) {
  return real_of(f)->pMethods->xTruncate(real_of(f), size);
}
inline int sync(sqlite3_file* f, int flags) {
  ++(as_file(f)->is_log ? faults().log_syncs : faults().other_syncs);
  if (as_file(f)->is_log && faults().sync_result != SQLITE_OK) return faults().sync_result;
  return real_of(f)->pMethods->xSync(real_of(f), flags);
}
inline int file_size(sqlite3_file* f, sqlite3_int64* size) {
  return real_of(f)->pMethods->xFileSize(real_of(f), size);
}
inline int lock(sqlite3_file* f, int level) {
  return real_of(f)->pMethods->xLock(real_of(f), level);
}
inline int unlock(sqlite3_file* f, int level) {
  return real_of(f)->pMethods->xUnlock(real_of(f), level);
}
inline int check_lock(sqlite3_file* f, int* out) {
  return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}
inline int control(sqlite3_file* f, int operation, void* argument) {
  return real_of(f)->pMethods->xFileControl(real_of(f), operation, argument);
}
inline int sector_size(sqlite3_file* f) {
  return real_of(f)->pMethods->xSectorSize(real_of(f));
}
inline int traits(sqlite3_file* f) {
  return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

inline int open(sqlite3_vfs* self, const char* name, sqlite3_file* f, int flags, int* flags_out) {
  static const sqlite3_io_methods methods = [] {
    sqlite3_io_methods m{};
    m.iVersion = 1;
    m.xClose = close, m.xRead = read, m.xWrite = write, m.xTruncate = truncate, m.xSync = sync;
    m.xFileSize = file_size, m.xLock = lock, m.xUnlock = unlock, m.xCheckReservedLock = check_lock;
    m.xFileControl = control, m.xSectorSize = sector_size, m.xDeviceCharacteristics = traits;
    return m;
  }();
  sqlite3_vfs* system = static_cast<sqlite3_vfs*>(self->pAppData);
  as_file(f)->is_log = (flags & SQLITE_OPEN_WAL) != 0;
  const int code = system->xOpen(system, name, real_of(f), flags, flags_out);
  f->pMethods = code == SQLITE_OK ? &methods : nullptr;
  return code;
}

/// Registers it beside the default; returns its name.
inline const char* install() {
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
    sqlite3_vfs v = *system;
    v.zName = kName;
    v.szOsFile = static_cast<int>(sizeof(File)) + system->szOsFile;
    v.pAppData = system;
    v.xOpen = open;
    return v;
  }();
  sqlite3_vfs_register(&vfs, 0);
  faults().heal();
  return kName;
}

}  // namespace fault_vfs
}  // namespace cloudp2p::testing
