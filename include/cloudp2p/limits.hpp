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
inline constexpr std::size_t kHeadBytesMax = 64 * 1024;        ///< Message part of a frame.
inline constexpr std::size_t kPayloadBytesMax = 256 * 1024;    ///< Image bytes in one frame.
inline constexpr std::size_t kChunkBytesDefault = 256 * 1024;  ///< What senders put into one chunk.
inline constexpr std::size_t kNoiseMessageBytesMax = 65'535;   ///< One sealed unit, tag included.

// Names and files.
inline constexpr std::size_t kNameBytesMax = 200;  ///< Of an image's name, and of a client identity's.
inline constexpr std::uint64_t kImageBytesMaxDefault = std::uint64_t{1} << 30;  ///< 1 GiB
inline constexpr std::size_t kPrefixDigitsMin = 4;  ///< Fewer digits of an id are refused: they would match too much.
inline constexpr std::size_t kConfigFileBytesMax = 1024 * 1024;  ///< A configuration file; larger ones are refused.

// Cluster.
inline constexpr std::size_t kMembersMax = 15;           ///< Peers in a configuration, members of a cluster.
inline constexpr std::size_t kBuckets = 4096;            ///< Anti-entropy hash buckets of the catalog.
inline constexpr std::size_t kListPageMax = 200;         ///< Records in one answer; longer lists page by cursor.
inline constexpr std::size_t kSyncRecordsPerPage = 200;  ///< Records in one SyncRecords message.
inline constexpr auto kTombstoneAge = 7 * 24h;           ///< Then it may be forgotten, if every member holds it.

// Connections.
inline constexpr std::size_t kHalfOpenMax = 64;           ///< Connections at a time that have not authenticated yet.
inline constexpr std::size_t kHalfOpenPerAddressMax = 8;  ///< The same from one address; on loopback kHalfOpenMax alone counts.
inline constexpr auto kHandshakeTimeout = 5s;             ///< Then a connection that has not authenticated is dropped.
inline constexpr std::size_t kHandshakeBytesMax = 1024;   ///< The most that a stranger may send before it has proved its key.
inline constexpr std::size_t kConnectionsMax = 256;       ///< Accepted ones; twice kMembersMax of them are kept for nodes.
inline constexpr std::uint64_t kRekeyMessages = 65'536;   ///< Sealed units each way between two keys.
inline constexpr auto kSessionAgeMax = 24h;               ///< Then the connection is closed, and made anew under new keys.
inline constexpr auto kIdleTimeout = 90s;                 ///< A connection on which nothing moved for so long is closed.
/// Waiting to be sent on a control connection; more is Errc::queue_full.
inline constexpr std::size_t kControlQueueBytesMax = 1024 * 1024;
inline constexpr std::size_t kBulkQueueBytesMax = 4 * 1024 * 1024;  ///< The same on a bulk connection.

// Memory of a node: image bytes in flight, over all uploads and reads (the budget of 64 MiB less code, tables, SQLite).
/// Shared by all transfers; each gets a window between the next two.
inline constexpr std::size_t kInFlightBytesMax = 20 * 1024 * 1024;
/// What a sender may send unasked, and what each transfer gets however many there are.
inline constexpr std::size_t kUploadWindowBytesMin = 128 * 1024;
inline constexpr std::size_t kUploadWindowBytesMax = 1024 * 1024;  ///< What one transfer gets at most.
inline constexpr std::size_t kUploadsMax = 256;                    ///< Concurrent uploads; more are answered busy.
inline constexpr std::size_t kParkedPutsMax = 64;                  ///< Interrupted uploads kept for a resume.
inline constexpr auto kParkedPutAge = 60s;                         ///< Then such an upload is forgotten, and begins anew.

}  // namespace cloudp2p::limits
