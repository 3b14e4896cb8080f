#include "store/log_damage.hpp"

#include "store/page_checksums.hpp"
#include "store/posix_file.hpp"

#include <fcntl.h>

#include <cerrno>

namespace cloudp2p::store {
namespace {

// https://www.sqlite.org/fileformat2.html#walformat
constexpr std::size_t kLogHeaderBytes = 32;
constexpr std::size_t kHeaderChecksumAt = 24;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::uint32_t kMagic = 0x377f0682;  // The last bit: checksums over big-endian words.

std::uint32_t big_endian(ByteView bytes, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  return out;
}

struct Log {
  bool big_endian_words = false;
  std::size_t page_bytes = 0;
  std::uint32_t salt[2] = {};
  PageSums sums;  ///< Of all that was right so far.
};

bool says(ByteView bytes, std::size_t at, const PageSums& sums) {
  return big_endian(bytes, at) == sums.a && big_endian(bytes, at + 4) == sums.b;
}

/// False: this is no header of a log.
bool read_header(ByteView header, Log& log) {
  if ((big_endian(header, 0) & ~1U) != kMagic) return false;
  log.big_endian_words = (big_endian(header, 0) & 1) != 0;
  log.page_bytes = big_endian(header, 8);
  log.salt[0] = big_endian(header, 16);
  log.salt[1] = big_endian(header, 20);
  log.sums.add(header.first(kHeaderChecksumAt), log.big_endian_words);
  return says(header, kHeaderChecksumAt, log.sums) && log.page_bytes >= 512 && log.page_bytes <= 65536;
}

bool is_of(const Log& log, ByteView frame) {
  return big_endian(frame, 8) == log.salt[0] && big_endian(frame, 12) == log.salt[1];
}

bool ends_transaction(ByteView frame) {
  return big_endian(frame, 4) != 0;
}

bool follows(Log& log, ByteView frame) {
  log.sums.add(frame.first(8), log.big_endian_words);
  log.sums.add(frame.subspan(kFrameHeaderBytes), log.big_endian_words);
  return is_of(log, frame) && says(frame, 16, log.sums);
}

}  // namespace

Result<std::optional<std::uint64_t>> damage_in_log(const std::string& path) {
  const std::optional<std::uint64_t> none;
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return errno == ENOENT ? Result(none) : Result<std::optional<std::uint64_t>>(posix_error(errno, path));
  std::vector<std::byte> bytes(kLogHeaderBytes);
  Result<std::size_t> got = read_at(file.get(), bytes, 0);
  if (!got.ok()) return got.error();
  const bool blank = std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
  if (*got < kLogHeaderBytes || blank) return none;
  Log log;
  if (!read_header(bytes, log)) return std::optional<std::uint64_t>(0);  // One sector: never torn.

  std::optional<std::uint64_t> wrong;
  bool transaction_behind = false;
  bytes.resize(kFrameHeaderBytes + log.page_bytes);
  for (std::uint64_t at = kLogHeaderBytes;; at += bytes.size()) {
    got = read_at(file.get(), bytes, at);
    if (!got.ok()) return got.error();
    if (*got < bytes.size()) return none;
    if (!wrong && !follows(log, bytes)) wrong = at;
    if (!wrong || !is_of(log, bytes)) continue;
    if (transaction_behind) return wrong;
    transaction_behind = ends_transaction(bytes);
  }
}

}  // namespace cloudp2p::store
