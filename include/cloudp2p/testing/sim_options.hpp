// SimOptions: what a simulated cluster is made of.
//
// Purpose:   the knobs of SimCluster; everything has a default under which a cluster is healthy and quick.
// Units:     virtual time as chrono types, sizes in bytes.
// Thread:    plain values.
// Errors:    SimCluster refuses what makes no sense: fewer than one node, or more than limits::kMembersMax.
#pragma once

#include <cloudp2p/node.hpp>

namespace cloudp2p::testing {

/// Of one simulated disk. Each operation takes between half and one and a half of its time, times the slowness.
struct DiskProfile {
  Duration write = std::chrono::microseconds(30);  ///< A call that writes.
  Duration read = std::chrono::microseconds(60);   ///< A call that reads.
  Duration sync = std::chrono::microseconds(800);  ///< A call that makes durable; a commit of an image takes two.
  std::int64_t nanoseconds_per_kib = 1'000;        ///< About 1 GB/s.
};

/// Of every path between two machines.
struct NetworkProfile {
  Duration delay_min = std::chrono::microseconds(80);      ///< The fastest frame.
  Duration delay_max = std::chrono::microseconds(400);     ///< The slowest one, but for stragglers.
  unsigned straggler_percent = 0;                          ///< This share of the frames takes up to `straggler_max` instead.
  Duration straggler_max = std::chrono::milliseconds(50);  ///< Likewise, of a straggler.
  std::int64_t nanoseconds_per_kib = 8'000;                ///< About 125 MB/s.
};

/// Everything that makes one simulated cluster.
struct SimOptions {
  std::size_t nodes = 3;                 ///< Their ids are 1 to `nodes`.
  std::uint64_t seed = 1;                ///< The same seed and the same calls give the same run, event by event.
  std::size_t clients = 2;               ///< Each on a machine of its own.
  DiskProfile disk;                      ///< Of every machine.
  NetworkProfile network;                ///< Of every path; SimCluster::network changes it.
  ElectionTiming timing;                 ///< As Config::timing, for nodes and clients.
  Takeover takeover = Takeover::polite;  ///< As Config::takeover, for all nodes.
  Quorum quorum = Quorum::majority;  ///< As Config::quorum, for all nodes. Without one only I2, I3, I5 to I8, I11, I13 and I17 are promised.
  bool shared = false;  ///< As Config::shared: all nodes mount one disk. Nothing but a node's state may then be lost.
  std::chrono::milliseconds client_timeout{3'000};  ///< As Config::timeout.
  unsigned client_retries = 8;                      ///< As Config::retries.
  std::size_t chunk_bytes = 4 * 1024;               ///< As NodeExtras::chunk_bytes: small, so that small images take several.
  std::uint64_t repair_bytes_per_second = 0;        ///< As Config::repair_bytes_per_second.
  std::chrono::seconds scrub_interval{0};           ///< As Config::scrub_interval; 0: no scrub in the background.
  Duration tombstone_age = limits::kTombstoneAge;   ///< As NodeExtras::tombstone_age.
  std::size_t log_lines_max = 400;                  ///< Kept for `report`.
  std::string watched_image;        ///< First hex digits of a digest: all that happens to that image is logged too.
};

/// Which way a cut loses messages, seen from the node that is cut off.
enum class Direction : std::uint8_t { kBoth, kOutgoing, kIncoming };

/// What the path between two nodes is like beyond the network's profile, both ways.
struct LinkProfile {
  Duration delay{};                      ///< Added to every frame.
  std::int64_t nanoseconds_per_kib = 0;  ///< Frames of one connection wait for each other at this rate; 0: they do not.
  bool takes_dials = true;               ///< Otherwise what is connected stays so, and nothing new connects.
  friend bool operator==(const LinkProfile&, const LinkProfile&) = default;
};

/// What a disk can refuse to do, each by itself.
enum class DiskCall : std::uint8_t {
  kAppend,
  kCommit,
  kRead,
  kErase,
  kRecord,
  kLookUp,
  kLookUpSome,  ///< Look-ups that meet one eighth of all digests, drawn when it begins: a page of the catalog is bad.
  kSaveState,
};

/// What the disk of a machine that does not run can lose for good.
enum class Loss : std::uint8_t {
  kState,         ///< The state file is gone.
  kStateDamaged,  ///< Both of its slots are damaged.
  kCatalog,       ///< The journal beside it is left.
  kImages,        ///< All image files.
  kEverything,
  kSinceBackup,  ///< Images and journal are those of the last `back_up`; there is neither catalog nor state file.
  kIndex,        ///< Catalog and journal: the image files are all there is.
};

/// Something that happens on a node, at which a fault may strike.
enum class Moment : std::uint8_t {
  kLeading,
  kServing,
  kSteppedDown,
  kStamped,
  kAcknowledged,
  kStateSaved,
  kRecorded,
  kBytesStored,
};

/// How a node ends.
enum class Crash : std::uint8_t {
  kKill,       ///< The process ends; the kernel closes its connections, the disk finishes what it was given.
  kPowerLoss,  ///< Nobody is told; what was not synced may be lost.
};

}  // namespace cloudp2p::testing
