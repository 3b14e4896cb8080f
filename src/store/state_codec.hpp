// One slot of the state file: DurableState as bytes that can tell whether they are whole.
//
// Purpose:   a versioned encoding with a generation number and a CRC-64 over all of it.
// Thread:    pure functions.
// Errors:    decode: nothing unless magic, version, lengths and checksum are right.
#pragma once

#include <cloudp2p/state_store.hpp>

namespace cloudp2p::store {

/// A slot is a unit of writing of its own: a torn write never reaches into the other one. What it says is in its first
/// sector, which a disk writes whole or not at all: so a slot that is neither blank nor right has rotted.
inline constexpr std::size_t kSlotBytes = 4096;
inline constexpr std::size_t kSectorBytes = 512;
using Slot = std::array<std::byte, kSlotBytes>;

struct SlotContent {
  std::uint64_t generation = 0;  ///< The larger of two valid slots is the present state.
  DurableState state;
};

/// Errc::invalid_argument for a membership above limits::kMembersMax.
[[nodiscard]] Result<Slot> encode_slot(const SlotContent& content);
[[nodiscard]] std::optional<SlotContent> decode_slot(const Slot& slot);
/// CRC-64/XZ.
[[nodiscard]] std::uint64_t crc64(ByteView bytes) noexcept;

}  // namespace cloudp2p::store
