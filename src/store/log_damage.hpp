// Rot in SQLite's write-ahead log, which SQLite takes for its end.
//
// Purpose:   SQLite reads the log up to the first frame whose checksum is wrong, because a loss of power tears only what
//            was not synced. If a bit flipped, what was synced behind it is forgotten without a word. Every transaction is
//            synced before the next one begins: a wrong frame with a whole transaction and more behind it has rotted.
// Thread:    any; before SQLite opens the database.
// Limits:    rot in the last transaction can not be told from a torn write.
#pragma once

#include <cloudp2p/error.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace cloudp2p::store {

/// The first byte of the frame that has rotted; nullopt: none has, or there is no such file.
[[nodiscard]] Result<std::optional<std::uint64_t>> damage_in_log(const std::string& path);

}  // namespace cloudp2p::store
