// Limits: every bound of the system in one place, with its unit.
//
// Purpose:   everything is bounded; whoever wonders "how many?" or "how large?" finds it here. What an operator may
//            change is in `Config`; what is here is part of the protocol or of the memory budget.
// Errors:    crossing a limit is answered (Errc::busy, queue_full, refused, protocol), counted, and never asserted on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace cloudp2p::limits {

using namespace std::chrono_literals;

// Frames.
inline constexpr std::size_t kHeadBytesMax = 64 * 1024;       ///< Message part of a frame.
inline constexpr std::size_t kPayloadBytesMax = 256 * 1024;   ///< Image bytes in one frame.
inline constexpr std::size_t kChunkBytesDefault = 256 * 1024; ///< What senders put into one chunk.
inline constexpr std::size_t kNoiseMessageBytesMax = 65'535;  ///< One sealed unit, tag included.

// Names and files.
inline constexpr std::size_t kNameBytesMax = 200;
inline constexpr std::uint64_t kImageBytesMaxDefault = std::uint64_t{1} << 30;  ///< 1 GiB
inline constexpr std::size_t kPrefixDigitsMin = 4;
inline constexpr std::size_t kConfigFileBytesMax = 1024 * 1024;

// Cluster.
inline constexpr std::size_t kMembersMax = 15;
inline constexpr std::size_t kBuckets = 4096;            ///< Anti-entropy hash buckets of the catalog.
inline constexpr std::size_t kListPageMax = 200;         ///< Records in one answer; longer lists page by cursor.
inline constexpr std::size_t kSyncRecordsPerPage = 200;  ///< Records in one SyncRecords message.
inline constexpr auto kTombstoneAge = 7 * 24h;           ///< Then it may be forgotten, if every member holds it.

// Connections.
inline constexpr std::size_t kHalfOpenMax = 64;
inline constexpr std::size_t kHalfOpenPerAddressMax = 8;
inline constexpr auto kHandshakeTimeout = 5s;
inline constexpr std::size_t kHandshakeBytesMax = 1024;
inline constexpr std::size_t kConnectionsMax = 256;
inline constexpr std::uint64_t kRekeyMessages = 65'536;
inline constexpr auto kSessionAgeMax = 24h;
inline constexpr auto kIdleTimeout = 90s;
inline constexpr std::size_t kControlQueueBytesMax = 1024 * 1024;
inline constexpr std::size_t kBulkQueueBytesMax = 4 * 1024 * 1024;

// Memory of a node: image bytes in flight, over all uploads and reads (the budget of 64 MiB less code, tables, SQLite).
inline constexpr std::size_t kInFlightBytesMax = 20 * 1024 * 1024;
inline constexpr std::size_t kUploadWindowBytesMin = 128 * 1024;
inline constexpr std::size_t kUploadWindowBytesMax = 1024 * 1024;
inline constexpr std::size_t kUploadsMax = 256;      ///< Concurrent uploads; more are answered busy.
inline constexpr std::size_t kParkedPutsMax = 64;    ///< Interrupted uploads kept for a resume.
inline constexpr auto kParkedPutAge = 60s;

}  // namespace cloudp2p::limits
