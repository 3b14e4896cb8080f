// Messages between nodes and between clients and nodes, and the one codec that reads and writes them.
//
// Encoding: one type byte, then fields as tag (u8), length (varint), bytes. Unknown tags are skipped, so optional fields
// can be added; an unknown type or a malformed field is a protocol error and closes the connection.
// Image bytes travel as the frame's payload, never inside a message.
#pragma once

#include <cloudp2p/catalog.hpp>
#include <cloudp2p/election.hpp>
#include <cloudp2p/scrub.hpp>
#include <cloudp2p/transport.hpp>

#include <variant>

namespace cloudp2p::wire {

inline constexpr std::uint32_t kProtocolVersion = 1;

/// Correlates an answer with its request, on one connection. Drawn by the side that asks.
using RequestId = std::uint64_t;

struct Hello {
  std::uint32_t protocol_min = kProtocolVersion;
  std::uint32_t protocol_max = kProtocolVersion;
  bool reply = false;
  NodeId node = kNobody;  ///< kNobody: a client.
  Incarnation incarnation;
  ClusterId cluster;
  bool founded = false;
  Lane lane = Lane::bulk;
  std::string build;
  std::uint64_t config_digest = 0;
  std::string address;  ///< Where the sender, a node, is reached, as its own file says.
  bool quorum_none = false;  ///< Of a node: its cluster may have been founded in parts, each with an id of its own.
};

/// Any failed request; also how a node that does not lead redirects.
struct ErrorReply {
  RequestId request = 0;
  Errc code = Errc::ok;
  std::string message;
  NodeId leader = kNobody;
};

struct QueryLeader {
  RequestId request = 0;
};
struct LeaderInfo {
  RequestId request = 0;
  NodeId from = kNobody;
  NodeId leader = kNobody;
  Term term = 0;
  bool serving = false;  ///< The one that answers leads and has finished its takeover.
  std::uint32_t reachable = 0;
  std::uint32_t members = 0;
  Errc state = Errc::ok;  ///< no_leader, no_quorum or ok
  std::string leader_address;
  bool quorum_none = false;
};

struct Ping {
  RequestId request = 0;
};
struct Pong {
  RequestId request = 0;
  NodeId from = kNobody;
  NodeId leader = kNobody;
  Term term = 0;
};

/// Begins, or continues, an upload. The sender may send chunks up to limits::kUploadWindowBytesMin at once when
/// `resume` is false; otherwise it waits for Credit.
struct Upload {
  RequestId request = 0;
  UploadId upload;
  Digest digest;
  std::uint64_t size_bytes = 0;
  std::string name;
  bool resume = false;
  std::int64_t time_ms = 0;  ///< When it was stored first, if it comes from a backup; 0: now.
};
/// The receiver of chunks holds everything below `held` and takes everything below `limit`. Both are offsets.
struct Credit {
  RequestId request = 0;
  std::uint64_t held = 0;
  std::uint64_t limit = 0;
};
struct Chunk {
  RequestId request = 0;
  std::uint64_t offset = 0;
};
/// The sender gives up; the receiver may keep what it holds for a resume.
struct Cancel {
  RequestId request = 0;
};
struct UploadResult {
  RequestId request = 0;
  Digest digest;
  std::uint64_t size_bytes = 0;
  Stamp stamp;
  NodeId leader = kNobody;
  std::uint32_t copies = 0;  ///< Durable copies at the moment of the acknowledgement.
  std::uint32_t members = 0;
  bool already_stored = false;
};

/// Leader to follower: make this record durable under my term; image bytes follow as chunks unless `metadata_only`.
struct Replicate {
  RequestId request = 0;
  Term term = 0;
  NodeId leader = kNobody;
  UploadId upload;
  ImageRecord record;
  bool metadata_only = false;
  bool resume = false;  ///< Answer first with what is held; chunks follow from there. Otherwise up to
                        ///< limits::kUploadWindowBytesMin follow at once.
};
struct ReplicateAck {
  RequestId request = 0;
  Term term = 0;  ///< The follower's, checked again after the sync.
  NodeId from = kNobody;
  Errc code = Errc::ok;  ///< ok: durable. stale_term, full, io, read_only, integrity, not_found (bytes wanted), busy.
  std::string message;
  Stamp held;  ///< Of the record that the follower holds now.
};

/// Bytes of one image, by digest, from any holder. The asker grants Credit; chunks follow, then FetchEnd.
struct Fetch {
  RequestId request = 0;
  Digest digest;
  std::uint64_t offset = 0;
};
struct FetchBegin {
  RequestId request = 0;
  std::uint64_t size_bytes = 0;
};
struct FetchEnd {
  RequestId request = 0;
  Errc code = Errc::ok;
  std::string message;
};

struct Entry {
  ImageRecord record;
  bool present = false;
  std::int64_t verified_ms = 0;
};
struct List {
  RequestId request = 0;
  std::uint32_t limit = 0;
  std::string after;
  std::int64_t since_ms = 0;
  bool stale = false;  ///< Answer from here, without asking a majority.
};
struct ListResult {
  RequestId request = 0;
  std::vector<Entry> entries;
  std::string next;
};
struct Info {
  RequestId request = 0;
  std::string prefix;  ///< Hex digits.
  bool stale = false;
};
struct InfoResult {
  RequestId request = 0;
  Entry entry;
};
/// Delete the image, if its record still has this stamp. So a request that comes late, or twice, does nothing.
struct Delete {
  RequestId request = 0;
  Digest digest;
  Stamp expected;
};
struct DeleteResult {
  RequestId request = 0;
  Stamp stamp;  ///< Of the tombstone.
};
/// Hand the lead of this term over to the best follower. Asked of a later term, it has happened already.
struct StepDown {
  RequestId request = 0;
  Term term = 0;
};
/// The asked node does not lead that term any more.
struct StepDownResult {
  RequestId request = 0;
  NodeId leader = kNobody;  ///< Who leads now, if known yet.
};
/// Re-hash this node's own copy.
struct Verify {
  RequestId request = 0;
  Digest digest;
};
struct VerifyResult {
  RequestId request = 0;
  NodeId from = kNobody;
  Errc code = Errc::ok;  ///< ok, integrity, not_found, io
  std::string message;
  std::string file_name;
};

struct QueryMembers {
  RequestId request = 0;
};
struct MemberRow {
  NodeId id = kNobody;
  std::string address;
  bool reachable = false;
  bool voter = false;
  MemberReport report;
  std::uint64_t silence_ms = 0;  ///< Since the leader heard of it; 0: it did of late, or another node answers.
  bool member = false;          ///< In the adopted membership.
  bool other_file = false;      ///< Its configuration lists other nodes than the members.
  bool unreported = false;      ///< `report` is nothing, because it said nothing to the one that answers.
};
struct MembersResult {
  RequestId request = 0;
  NodeId from = kNobody;
  NodeId leader = kNobody;
  Term term = 0;
  ClusterId cluster;
  std::uint64_t under_replicated = 0;
  bool quorum_none = false;
  std::vector<MemberRow> rows;
  std::string change;  ///< What the one that answers says of members and files; empty when they agree.
  bool shared = false;   ///< One directory for all nodes.
  bool waits = false;    ///< The one that answers leads, and takes no uploads yet.
};

// Anti-entropy and takeover.
struct SyncHashes {
  RequestId request = 0;
  Term term = 0;
};
/// The payload of the frame holds limits::kBuckets little-endian 64-bit hashes.
struct SyncHashesResult {
  RequestId request = 0;
  Term term = 0;
  bool settled = false;  ///< Of a leader that serves: what it holds is final, but for uploads and deletes under way.
};
/// The leader's: records, with exactly these stamps, that nobody needs any more. No answer.
struct Forget {
  Term term = 0;
  NodeId from = kNobody;
  std::vector<Entry> entries;
};
/// With a payload of record hashes, of what the asker holds in the bucket, the answer leaves those records out.
struct SyncBucket {
  RequestId request = 0;
  Term term = 0;
  std::uint32_t bucket = 0;
  Digest after;
};
struct SyncBucketResult {
  RequestId request = 0;
  Term term = 0;
  std::uint32_t bucket = 0;
  std::vector<Entry> entries;
  bool more = false;
  bool compared = false;  ///< `entries` are what the asker does not hold; the payload has the hashes of what only it holds.
};
/// Leader to follower: records to hold. Follower to leader, `offered`: what the leader lacks or holds with a smaller stamp.
struct SyncPush {
  RequestId request = 0;
  Term term = 0;
  NodeId from = kNobody;
  std::vector<Entry> entries;
  bool offered = false;
};

/// About the pass over all copies of the node that is asked.
struct Scrub {
  RequestId request = 0;
  ScrubAction action = ScrubAction::look;
};
struct ScrubResult {
  RequestId request = 0;
  NodeId from = kNobody;
  ScrubPass pass;
};

using Message =
    std::variant<Hello, ErrorReply, PreVote, PreVoteAnswer, VoteRequest, Vote, Coordinator, Transfer, Heartbeat, HeartbeatAck,
                 QueryLeader, LeaderInfo, Ping, Pong, Upload, Credit, Chunk, Cancel, UploadResult, Replicate, ReplicateAck, Fetch,
                 FetchBegin, FetchEnd, List, ListResult, Info, InfoResult, Verify, VerifyResult, QueryMembers, MembersResult,
                 SyncHashes, SyncHashesResult, SyncBucket, SyncBucketResult, SyncPush, Forget, Delete, DeleteResult, StepDown,
                 StepDownResult, Scrub, ScrubResult>;

// Visible in a shared library for cloudp2p::testing, and for nobody else.
[[nodiscard]] CLOUDP2P_API Frame encode(const Message& message, Buffer payload = {});
/// Errc::protocol when malformed; the message names the field.
[[nodiscard]] CLOUDP2P_API Result<Message> decode(ByteView head);
/// For logs and counters: "Heartbeat".
[[nodiscard]] const char* type_name(const Message& message) noexcept;

}  // namespace cloudp2p::wire
