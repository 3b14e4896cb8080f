// What each message is made of. Types and tags are part of the protocol: never reused, never renumbered.
#pragma once

#include "core/wire.hpp"
#include "core/wire_codec.hpp"

#include <cloudp2p/limits.hpp>

namespace cloudp2p::wire {

inline constexpr std::size_t kSentenceBytesMax = 1024;  ///< Error messages; longer ones are cut by the sender.
inline constexpr std::size_t kAddressBytesMax = 264;    ///< A DNS name, brackets and a port.
inline constexpr std::size_t kBuildBytesMax = 128;
inline constexpr std::size_t kCursorBytesMax = 256;
inline constexpr std::size_t kFileNameBytesMax = 255;

template <>
struct EnumLast<Errc> : std::integral_constant<Errc, Errc::conflict> {};
template <>
struct EnumLast<Lane> : std::integral_constant<Lane, Lane::bulk> {};
template <>
struct EnumLast<ImageType> : std::integral_constant<ImageType, ImageType::bmp> {};
template <>
struct EnumLast<PreVoteVerdict> : std::integral_constant<PreVoteVerdict, PreVoteVerdict::no> {};

// The parts of messages.
template <>
struct Shape<Stamp> {
  static constexpr std::tuple fields{Field{1, "term", &Stamp::term}, Field{2, "leader", &Stamp::leader},
                                     Field{3, "sequence", &Stamp::sequence}};
};
template <>
struct Shape<ImageRecord> {
  static constexpr std::tuple fields{
      Field{1, "digest", &ImageRecord::digest},       Field{2, "stamp", &ImageRecord::stamp},
      Field{3, "tombstone", &ImageRecord::tombstone}, Field{4, "size", &ImageRecord::size_bytes},
      Field{5, "type", &ImageRecord::type},           Field{6, "name", &ImageRecord::name, limits::kNameBytesMax},
      Field{7, "time", &ImageRecord::time_ms}};
};
template <>
struct Shape<Member> {
  static constexpr std::tuple fields{Field{1, "id", &Member::id}, Field{2, "incarnation", &Member::incarnation}};
};
template <>
struct Shape<Membership> {
  static constexpr std::tuple fields{Field{1, "term", &Membership::term}, Field{2, "version", &Membership::version},
                                     Field{3, "members", &Membership::members, limits::kMembersMax}};
};
template <>
struct Shape<MemberReport> {
  static constexpr std::tuple fields{
      Field{1, "catalog_root", &MemberReport::catalog_root}, Field{2, "images", &MemberReport::images},
      Field{3, "missing", &MemberReport::missing}, Field{4, "free_bytes", &MemberReport::free_bytes},
      Field{5, "health", &MemberReport::health}, Field{6, "oldest_verified", &MemberReport::oldest_verified_ms},
      Field{7, "damaged", &MemberReport::damaged},        Field{8, "peers_digest", &MemberReport::peers_digest},
      Field{9, "reaches", &MemberReport::reaches, limits::kMembersMax}};
};
template <>
struct Shape<Entry> {
  static constexpr std::tuple fields{Field{1, "record", &Entry::record}, Field{2, "present", &Entry::present},
                                     Field{3, "verified", &Entry::verified_ms}};
};
template <>
struct Shape<MemberRow> {
  static constexpr std::tuple fields{Field{1, "id", &MemberRow::id},
                                     Field{2, "address", &MemberRow::address, kAddressBytesMax},
                                     Field{3, "reachable", &MemberRow::reachable},
                                     Field{4, "voter", &MemberRow::voter},
                                     Field{5, "report", &MemberRow::report},
                                     Field{7, "member", &MemberRow::member},  // 6 was the age of the last report
                                     Field{8, "other_file", &MemberRow::other_file},
                                     Field{9, "unreported", &MemberRow::unreported},
                                     Field{10, "silence_ms", &MemberRow::silence_ms}};
};

/// A message: its number on the wire and its name in logs.
template <std::uint8_t Type>
struct MessageType {
  static constexpr std::uint8_t type = Type;
};

template <>
struct Shape<Hello> : MessageType<1> {
  static constexpr const char* name = "Hello";
  static constexpr std::tuple fields{Field{1, "protocol_min", &Hello::protocol_min},
                                     Field{2, "protocol_max", &Hello::protocol_max},
                                     Field{3, "reply", &Hello::reply},
                                     Field{4, "node", &Hello::node},
                                     Field{5, "incarnation", &Hello::incarnation},
                                     Field{6, "cluster", &Hello::cluster},
                                     Field{7, "founded", &Hello::founded},
                                     Field{8, "lane", &Hello::lane},
                                     Field{9, "build", &Hello::build, kBuildBytesMax, Text::sentence},
                                     Field{10, "config_digest", &Hello::config_digest},
                                     Field{11, "address", &Hello::address, kAddressBytesMax},
                                     Field{12, "quorum_none", &Hello::quorum_none}};
};
template <>
struct Shape<ErrorReply> : MessageType<2> {
  static constexpr const char* name = "ErrorReply";
  static constexpr std::tuple fields{Field{1, "request", &ErrorReply::request}, Field{2, "code", &ErrorReply::code},
                                     Field{3, "message", &ErrorReply::message, kSentenceBytesMax, Text::sentence},
                                     Field{4, "leader", &ErrorReply::leader}};
};
template <>
struct Shape<PreVote> : MessageType<3> {
  static constexpr const char* name = "PreVote";
  static constexpr std::tuple fields{Field{1, "term", &PreVote::term}, Field{2, "next_term", &PreVote::next_term},
                                     Field{3, "from", &PreVote::from}, Field{4, "insist", &PreVote::insist},
                                     Field{5, "takeover", &PreVote::takeover}, Field{6, "binds", &PreVote::binds}};
};
template <>
struct Shape<PreVoteAnswer> : MessageType<4> {
  static constexpr const char* name = "PreVoteAnswer";
  static constexpr std::tuple fields{
      Field{1, "term", &PreVoteAnswer::term}, Field{2, "next_term", &PreVoteAnswer::next_term},
      Field{3, "from", &PreVoteAnswer::from}, Field{4, "verdict", &PreVoteAnswer::verdict},
      Field{5, "leader", &PreVoteAnswer::leader}};
};
template <>
struct Shape<VoteRequest> : MessageType<5> {
  static constexpr const char* name = "VoteRequest";
  static constexpr std::tuple fields{
      Field{1, "term", &VoteRequest::term}, Field{2, "candidate", &VoteRequest::candidate},
      Field{3, "incarnation", &VoteRequest::incarnation}, Field{4, "transfer", &VoteRequest::transfer},
      Field{5, "binds", &VoteRequest::binds}};
};
template <>
struct Shape<Vote> : MessageType<6> {
  static constexpr const char* name = "Vote";
  static constexpr std::tuple fields{Field{1, "term", &Vote::term},
                                     Field{2, "from", &Vote::from},
                                     Field{3, "incarnation", &Vote::incarnation},
                                     Field{4, "granted", &Vote::granted},
                                     Field{5, "cluster", &Vote::cluster},
                                     Field{6, "founded", &Vote::founded},
                                     Field{7, "membership", &Vote::membership}};
};
template <>
struct Shape<Coordinator> : MessageType<7> {
  static constexpr const char* name = "Coordinator";
  static constexpr std::tuple fields{Field{1, "term", &Coordinator::term}, Field{2, "leader", &Coordinator::leader}};
};
template <>
struct Shape<Transfer> : MessageType<8> {
  static constexpr const char* name = "Transfer";
  static constexpr std::tuple fields{Field{1, "term", &Transfer::term}, Field{2, "to", &Transfer::to}};
};
template <>
struct Shape<Heartbeat> : MessageType<9> {
  static constexpr const char* name = "Heartbeat";
  static constexpr std::tuple fields{Field{1, "term", &Heartbeat::term},
                                     Field{2, "leader", &Heartbeat::leader},
                                     Field{3, "round", &Heartbeat::round},
                                     Field{4, "catalog_root", &Heartbeat::catalog_root},
                                     Field{5, "under_replicated", &Heartbeat::under_replicated},
                                     Field{6, "cluster", &Heartbeat::cluster},
                                     Field{7, "founded", &Heartbeat::founded},
                                     Field{8, "membership", &Heartbeat::membership},
                                     Field{9, "committed", &Heartbeat::committed}};
};
template <>
struct Shape<HeartbeatAck> : MessageType<10> {
  static constexpr const char* name = "HeartbeatAck";
  static constexpr std::tuple fields{Field{1, "term", &HeartbeatAck::term},
                                     Field{2, "from", &HeartbeatAck::from},
                                     Field{3, "incarnation", &HeartbeatAck::incarnation},
                                     Field{4, "round", &HeartbeatAck::round},
                                     Field{5, "membership_term", &HeartbeatAck::membership_term},
                                     Field{6, "membership_version", &HeartbeatAck::membership_version},
                                     Field{7, "report", &HeartbeatAck::report}};
};
template <>
struct Shape<QueryLeader> : MessageType<11> {
  static constexpr const char* name = "QueryLeader";
  static constexpr std::tuple fields{Field{1, "request", &QueryLeader::request}};
};
template <>
struct Shape<LeaderInfo> : MessageType<12> {
  static constexpr const char* name = "LeaderInfo";
  static constexpr std::tuple fields{Field{1, "request", &LeaderInfo::request},
                                     Field{2, "from", &LeaderInfo::from},
                                     Field{3, "leader", &LeaderInfo::leader},
                                     Field{4, "term", &LeaderInfo::term},
                                     Field{5, "serving", &LeaderInfo::serving},
                                     Field{6, "reachable", &LeaderInfo::reachable},
                                     Field{7, "members", &LeaderInfo::members},
                                     Field{8, "state", &LeaderInfo::state},
                                     Field{9, "leader_address", &LeaderInfo::leader_address, kAddressBytesMax},
                                     Field{10, "quorum_none", &LeaderInfo::quorum_none}};
};
template <>
struct Shape<Ping> : MessageType<13> {
  static constexpr const char* name = "Ping";
  static constexpr std::tuple fields{Field{1, "request", &Ping::request}};
};
template <>
struct Shape<Pong> : MessageType<14> {
  static constexpr const char* name = "Pong";
  static constexpr std::tuple fields{Field{1, "request", &Pong::request}, Field{2, "from", &Pong::from},
                                     Field{3, "leader", &Pong::leader}, Field{4, "term", &Pong::term}};
};
template <>
struct Shape<Upload> : MessageType<15> {
  static constexpr const char* name = "Upload";
  static constexpr std::tuple fields{Field{1, "request", &Upload::request},
                                     Field{2, "upload", &Upload::upload},
                                     Field{3, "digest", &Upload::digest},
                                     Field{4, "size", &Upload::size_bytes},
                                     Field{5, "name", &Upload::name, limits::kNameBytesMax},
                                     Field{6, "resume", &Upload::resume},
                                     Field{7, "time", &Upload::time_ms}};
};
template <>
struct Shape<Credit> : MessageType<16> {
  static constexpr const char* name = "Credit";
  static constexpr std::tuple fields{Field{1, "request", &Credit::request}, Field{2, "held", &Credit::held},
                                     Field{3, "limit", &Credit::limit}};
};
template <>
struct Shape<Chunk> : MessageType<17> {
  static constexpr const char* name = "Chunk";
  static constexpr std::tuple fields{Field{1, "request", &Chunk::request}, Field{2, "offset", &Chunk::offset}};
};
template <>
struct Shape<Cancel> : MessageType<18> {
  static constexpr const char* name = "Cancel";
  static constexpr std::tuple fields{Field{1, "request", &Cancel::request}};
};
template <>
struct Shape<UploadResult> : MessageType<19> {
  static constexpr const char* name = "UploadResult";
  static constexpr std::tuple fields{
      Field{1, "request", &UploadResult::request}, Field{2, "digest", &UploadResult::digest},
      Field{3, "size", &UploadResult::size_bytes}, Field{4, "stamp", &UploadResult::stamp},
      Field{5, "leader", &UploadResult::leader},   Field{6, "copies", &UploadResult::copies},
      Field{7, "members", &UploadResult::members}, Field{8, "already_stored", &UploadResult::already_stored}};
};
template <>
struct Shape<Replicate> : MessageType<20> {
  static constexpr const char* name = "Replicate";
  static constexpr std::tuple fields{
      Field{1, "request", &Replicate::request}, Field{2, "term", &Replicate::term},
      Field{3, "leader", &Replicate::leader},   Field{4, "upload", &Replicate::upload},
      Field{5, "record", &Replicate::record},   Field{6, "metadata_only", &Replicate::metadata_only},
      Field{7, "resume", &Replicate::resume}};
};
template <>
struct Shape<ReplicateAck> : MessageType<21> {
  static constexpr const char* name = "ReplicateAck";
  static constexpr std::tuple fields{Field{1, "request", &ReplicateAck::request},
                                     Field{2, "term", &ReplicateAck::term},
                                     Field{3, "from", &ReplicateAck::from},
                                     Field{4, "code", &ReplicateAck::code},
                                     Field{5, "message", &ReplicateAck::message, kSentenceBytesMax, Text::sentence},
                                     Field{6, "held", &ReplicateAck::held}};
};
template <>
struct Shape<Fetch> : MessageType<22> {
  static constexpr const char* name = "Fetch";
  static constexpr std::tuple fields{Field{1, "request", &Fetch::request}, Field{2, "digest", &Fetch::digest},
                                     Field{3, "offset", &Fetch::offset}};
};
template <>
struct Shape<FetchBegin> : MessageType<23> {
  static constexpr const char* name = "FetchBegin";
  static constexpr std::tuple fields{Field{1, "request", &FetchBegin::request},
                                     Field{2, "size", &FetchBegin::size_bytes}};
};
template <>
struct Shape<FetchEnd> : MessageType<24> {
  static constexpr const char* name = "FetchEnd";
  static constexpr std::tuple fields{Field{1, "request", &FetchEnd::request}, Field{2, "code", &FetchEnd::code},
                                     Field{3, "message", &FetchEnd::message, kSentenceBytesMax, Text::sentence}};
};
template <>
struct Shape<List> : MessageType<25> {
  static constexpr const char* name = "List";
  static constexpr std::tuple fields{Field{1, "request", &List::request}, Field{2, "limit", &List::limit},
                                     Field{3, "after", &List::after, kCursorBytesMax},
                                     Field{4, "since", &List::since_ms}, Field{5, "stale", &List::stale}};
};
template <>
struct Shape<ListResult> : MessageType<26> {
  static constexpr const char* name = "ListResult";
  static constexpr std::tuple fields{Field{1, "request", &ListResult::request},
                                     Field{2, "entries", &ListResult::entries, limits::kListPageMax},
                                     Field{3, "next", &ListResult::next, kCursorBytesMax}};
};
template <>
struct Shape<Info> : MessageType<27> {
  static constexpr const char* name = "Info";
  static constexpr std::tuple fields{Field{1, "request", &Info::request},
                                     Field{2, "prefix", &Info::prefix, 2 * Digest::kSize},
                                     Field{3, "stale", &Info::stale}};
};
template <>
struct Shape<InfoResult> : MessageType<28> {
  static constexpr const char* name = "InfoResult";
  static constexpr std::tuple fields{Field{1, "request", &InfoResult::request}, Field{2, "entry", &InfoResult::entry}};
};
template <>
struct Shape<Verify> : MessageType<29> {
  static constexpr const char* name = "Verify";
  static constexpr std::tuple fields{Field{1, "request", &Verify::request}, Field{2, "digest", &Verify::digest}};
};
template <>
struct Shape<VerifyResult> : MessageType<30> {
  static constexpr const char* name = "VerifyResult";
  static constexpr std::tuple fields{Field{1, "request", &VerifyResult::request}, Field{2, "from", &VerifyResult::from},
                                     Field{3, "code", &VerifyResult::code},
                                     Field{4, "message", &VerifyResult::message, kSentenceBytesMax, Text::sentence},
                                     Field{5, "file_name", &VerifyResult::file_name, kFileNameBytesMax}};
};
template <>
struct Shape<QueryMembers> : MessageType<31> {
  static constexpr const char* name = "QueryMembers";
  static constexpr std::tuple fields{Field{1, "request", &QueryMembers::request}};
};
template <>
struct Shape<MembersResult> : MessageType<32> {
  static constexpr const char* name = "MembersResult";
  static constexpr std::tuple fields{Field{1, "request", &MembersResult::request},
                                     Field{2, "from", &MembersResult::from},
                                     Field{3, "leader", &MembersResult::leader},
                                     Field{4, "term", &MembersResult::term},
                                     Field{5, "cluster", &MembersResult::cluster},
                                     Field{6, "under_replicated", &MembersResult::under_replicated},
                                     Field{7, "quorum_none", &MembersResult::quorum_none},
                                     Field{8, "rows", &MembersResult::rows, 2 * limits::kMembersMax},
                                     Field{9, "change", &MembersResult::change, kSentenceBytesMax, Text::sentence},
                                     Field{10, "shared", &MembersResult::shared},
                                     Field{11, "waits", &MembersResult::waits}};
};
template <>
struct Shape<SyncHashes> : MessageType<33> {
  static constexpr const char* name = "SyncHashes";
  static constexpr std::tuple fields{Field{1, "request", &SyncHashes::request}, Field{2, "term", &SyncHashes::term}};
};
template <>
struct Shape<SyncHashesResult> : MessageType<34> {
  static constexpr const char* name = "SyncHashesResult";
  static constexpr std::tuple fields{Field{1, "request", &SyncHashesResult::request},
                                     Field{2, "term", &SyncHashesResult::term},
                                     Field{3, "settled", &SyncHashesResult::settled}};
};
template <>
struct Shape<Forget> : MessageType<48> {
  static constexpr const char* name = "Forget";
  static constexpr std::tuple fields{Field{1, "term", &Forget::term}, Field{2, "from", &Forget::from},
                                     Field{3, "entries", &Forget::entries, limits::kSyncRecordsPerPage}};
};
template <>
struct Shape<SyncBucket> : MessageType<35> {
  static constexpr const char* name = "SyncBucket";
  static constexpr std::tuple fields{Field{1, "request", &SyncBucket::request}, Field{2, "term", &SyncBucket::term},
                                     Field{3, "bucket", &SyncBucket::bucket}, Field{4, "after", &SyncBucket::after}};
};
template <>
struct Shape<SyncBucketResult> : MessageType<36> {
  static constexpr const char* name = "SyncBucketResult";
  static constexpr std::tuple fields{Field{1, "request", &SyncBucketResult::request},
                                     Field{2, "term", &SyncBucketResult::term},
                                     Field{3, "bucket", &SyncBucketResult::bucket},
                                     Field{4, "entries", &SyncBucketResult::entries, limits::kSyncRecordsPerPage},
                                     Field{5, "more", &SyncBucketResult::more},
                                     Field{6, "compared", &SyncBucketResult::compared}};
};
template <>
struct Shape<SyncPush> : MessageType<37> {
  static constexpr const char* name = "SyncPush";
  static constexpr std::tuple fields{Field{1, "request", &SyncPush::request}, Field{2, "term", &SyncPush::term},
                                     Field{3, "from", &SyncPush::from},
                                     Field{4, "entries", &SyncPush::entries, limits::kSyncRecordsPerPage},
                                     Field{5, "offered", &SyncPush::offered}};
};
template <>
struct Shape<Delete> : MessageType<38> {
  static constexpr const char* name = "Delete";
  static constexpr std::tuple fields{Field{1, "request", &Delete::request}, Field{2, "digest", &Delete::digest},
                                     Field{3, "expected", &Delete::expected}};
};
template <>
struct Shape<DeleteResult> : MessageType<39> {
  static constexpr const char* name = "DeleteResult";
  static constexpr std::tuple fields{Field{1, "request", &DeleteResult::request},
                                     Field{2, "stamp", &DeleteResult::stamp}};
};
template <>
struct Shape<StepDown> : MessageType<44> {
  static constexpr const char* name = "StepDown";
  static constexpr std::tuple fields{Field{1, "request", &StepDown::request}, Field{2, "term", &StepDown::term}};
};
template <>
struct Shape<StepDownResult> : MessageType<45> {
  static constexpr const char* name = "StepDownResult";
  static constexpr std::tuple fields{Field{1, "request", &StepDownResult::request},
                                     Field{2, "leader", &StepDownResult::leader}};
};

}  // namespace cloudp2p::wire

#include "core/wire_fields_scrub.hpp"
