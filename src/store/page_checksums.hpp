// Checksums on the pages of a SQLite file, because SQLite has none: a flipped bit would be read as data.
//
// Purpose:   the last 8 bytes of every page, which SQLite leaves to us (its "reserved bytes"), hold a checksum of the
//            rest. It is made when a page is written to the database file, and checked when one is read from there. The
//            write-ahead log has SQLite's own. The format is that of SQLite's extension `cksumvfs`, which can check it.
// Thread:    any.
// Errors:    a page that does not match is SQLITE_IOERR_DATA to SQLite. Files without reserved bytes are not checked.
#pragma once

#include <cloudp2p/types.hpp>

#include <optional>
#include <string>

namespace cloudp2p::store {

inline constexpr int kPageChecksumBytes = 8;

/// SQLite's checksum: two running sums, each feeding the other, so that the order counts. Zeros give zeros: a page that
/// was never written is right.
struct PageSums {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  /// Of a multiple of 8 bytes.
  void add(ByteView bytes, bool big_endian_words = false) noexcept;
};

/// The name of a VFS that does so on top of the one named `below` (empty: the system's), registered when it is first
/// asked for; nullopt: there is no such VFS.
[[nodiscard]] std::optional<std::string> checksummed_vfs(const std::string& below);

/// The page size of a database file that has checksums, by its first 100 bytes; nullopt: it has none.
[[nodiscard]] std::optional<std::size_t> checksummed_page_size(ByteView header);
[[nodiscard]] bool page_matches(ByteView page);

}  // namespace cloudp2p::store
