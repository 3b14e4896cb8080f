#include "store/page_checksums.hpp"

#include <sqlite3.h>

#include <array>
#include <bit>
#include <cstring>
#include <list>
#include <mutex>

namespace cloudp2p::store {
namespace {

constexpr std::size_t kFileHeaderBytes = 100;
constexpr std::size_t kPageSizeAt = 16;
constexpr std::size_t kReservedAt = 20;
constexpr std::size_t kPageBytesMin = 512;
constexpr std::size_t kPageBytesMax = 65536;

using Checksum = std::array<std::byte, kPageChecksumBytes>;

std::uint32_t little_endian(ByteView bytes, std::size_t at) {
  std::uint32_t out = 0;
  std::memcpy(&out, bytes.data() + at, sizeof out);
  return std::endian::native == std::endian::little ? out : __builtin_bswap32(out);
}

Checksum checksum_of(ByteView page) {
  PageSums sums;
  sums.add(page.first(page.size() - kPageChecksumBytes));
  Checksum out;
  for (std::size_t i = 0; i < 4; ++i) {
    out[i] = static_cast<std::byte>(sums.a >> (8 * i));
    out[i + 4] = static_cast<std::byte>(sums.b >> (8 * i));
  }
  return out;
}

bool is_page(int size, sqlite3_int64 at) {
  const auto bytes = static_cast<std::size_t>(size);
  return bytes >= kPageBytesMin && bytes <= kPageBytesMax && (bytes & (bytes - 1)) == 0 && at % size == 0;
}

/// Followed in memory by the file of the VFS below.
struct File {
  sqlite3_file base;
  bool checked;
  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  void look_at(ByteView first_bytes) {
    if (first_bytes.size() >= kFileHeaderBytes) checked = checksummed_page_size(first_bytes).has_value();
  }
};

File* as_file(sqlite3_file* file) {
  return reinterpret_cast<File*>(file);
}
sqlite3_file* below(sqlite3_file* file) {
  return as_file(file)->below();
}
ByteView bytes_of(const void* data, int size) {
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

int read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  const int code = below(f)->pMethods->xRead(below(f), to, size, at);
  if (code != SQLITE_OK) return code;
  if (at == 0) as_file(f)->look_at(bytes_of(to, size));
  if (!as_file(f)->checked || !is_page(size, at) || page_matches(bytes_of(to, size))) return SQLITE_OK;
  return SQLITE_IOERR_DATA;
}

int write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  if (at == 0) as_file(f)->look_at(bytes_of(from, size));
  if (!as_file(f)->checked || !is_page(size, at)) return below(f)->pMethods->xWrite(below(f), from, size, at);
  std::array<std::byte, kPageBytesMax> page;
  const auto bytes = static_cast<std::size_t>(size);
  std::memcpy(page.data(), from, bytes);
  const Checksum checksum = checksum_of(ByteView(page).first(bytes));
  std::memcpy(page.data() + bytes - checksum.size(), checksum.data(), checksum.size());
  return below(f)->pMethods->xWrite(below(f), page.data(), size, at);
}

const sqlite3_io_methods* checking_methods() {
  static const sqlite3_io_methods methods = [] {
    sqlite3_io_methods m{};
    m.iVersion = 1;  // No shared memory and no maps: the one connection locks exclusively and reads pages whole.
    m.xRead = read;
    m.xWrite = write;
    m.xClose = [](sqlite3_file* f) { return below(f)->pMethods->xClose(below(f)); };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) { return below(f)->pMethods->xTruncate(below(f), size); };
    m.xSync = [](sqlite3_file* f, int flags) { return below(f)->pMethods->xSync(below(f), flags); };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) { return below(f)->pMethods->xFileSize(below(f), size); };
    m.xLock = [](sqlite3_file* f, int level) { return below(f)->pMethods->xLock(below(f), level); };
    m.xUnlock = [](sqlite3_file* f, int level) { return below(f)->pMethods->xUnlock(below(f), level); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) { return below(f)->pMethods->xCheckReservedLock(below(f), out); };
    m.xFileControl = [](sqlite3_file* f, int operation, void* argument) {
      return below(f)->pMethods->xFileControl(below(f), operation, argument);
    };
    m.xSectorSize = [](sqlite3_file* f) { return below(f)->pMethods->xSectorSize(below(f)); };
    m.xDeviceCharacteristics = [](sqlite3_file* f) { return below(f)->pMethods->xDeviceCharacteristics(below(f)); };
    return m;
  }();
  return &methods;
}

int open(sqlite3_vfs* self, const char* name, sqlite3_file* f, int flags, int* flags_out) {
  auto* const system = static_cast<sqlite3_vfs*>(self->pAppData);
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0) return system->xOpen(system, name, f, flags, flags_out);
  as_file(f)->checked = false;
  const int code = system->xOpen(system, name, below(f), flags, flags_out);
  f->pMethods = code == SQLITE_OK ? checking_methods() : nullptr;
  return code;
}

struct Registered {
  std::string below;
  std::string name;
  sqlite3_vfs vfs{};
};

}  // namespace

void PageSums::add(ByteView bytes, bool big_endian_words) noexcept {
  const auto word = [&](std::size_t at) {
    const std::uint32_t out = little_endian(bytes, at);
    return big_endian_words ? __builtin_bswap32(out) : out;
  };
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    a += word(at) + b;
    b += word(at + 4) + a;
  }
}

std::optional<std::size_t> checksummed_page_size(ByteView header) {
  if (header.size() < kFileHeaderBytes) return std::nullopt;
  if (std::to_integer<int>(header[kReservedAt]) != kPageChecksumBytes) return std::nullopt;
  // Big-endian, and 1 means 65536.
  const std::size_t size = std::to_integer<std::size_t>(header[kPageSizeAt]) << 8 |
                           std::to_integer<std::size_t>(header[kPageSizeAt + 1]);
  return size == 1 ? kPageBytesMax : size;
}

bool page_matches(ByteView page) {
  const Checksum expected = checksum_of(page);
  return std::memcmp(page.data() + page.size() - expected.size(), expected.data(), expected.size()) == 0;
}

std::optional<std::string> checksummed_vfs(const std::string& below) {
  // SQLite keeps pointers to them until the process ends.
  static std::mutex mutex;
  static auto* const registered = new std::list<Registered>;
  const std::lock_guard lock(mutex);
  for (const Registered& each : *registered) {
    if (each.below == below) return each.name;
  }
  sqlite3_vfs* const system = sqlite3_vfs_find(below.empty() ? nullptr : below.c_str());
  if (system == nullptr) return std::nullopt;
  Registered& made = registered->emplace_back(Registered{below, "cloudp2p-checksums", *system});
  if (!below.empty()) made.name += "-" + below;
  made.vfs.zName = made.name.c_str();
  made.vfs.szOsFile += static_cast<int>(sizeof(File));
  made.vfs.pAppData = system;
  made.vfs.xOpen = open;
  made.vfs.pNext = nullptr;
  if (sqlite3_vfs_register(&made.vfs, 0) != SQLITE_OK) return std::nullopt;
  return made.name;
}

}  // namespace cloudp2p::store
