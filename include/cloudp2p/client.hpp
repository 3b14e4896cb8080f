// Client: finds the leader, sends and reads images, and retries through leader changes under one upload id.
//
// Purpose:   what a program that is not a member uses. Written against ports only: the same code runs on sockets and in
//            the simulator. `ClientHost` (host.hpp) wires the real ports and offers blocking calls.
// Thread:    every call and every callback on the client's thread, that of ClientPorts::executor; callbacks never inline,
//            exactly once as long as the executor runs, with Errc::cancelled when the client is destroyed first.
// Ownership: sources and sinks are shared until their operation's callback has been called.
// Durability: an UploadOutcome means: fsynced on a majority of the nodes. Never earlier.
// Errors:    after the configured retries: no_leader, no_quorum, unreachable, timed_out with what each node answered;
//            at once: refused, not_found, ambiguous, permission, bad_key, integrity.
// Unknown:   an upload that ends in timed_out or outcome_unknown may still surface; repeating it is safe and cheap. A
//            delete may still happen after these, and after no_leader, no_quorum and unreachable, which tell of the last
//            attempt only. Until an upload is answered it may take effect more than once: an image that somebody deletes
//            in mid-upload may come back.
// Limits:    one connection to the leader, one more to each node that is asked; memory of one upload window each.
#pragma once

#include <cloudp2p/catalog.hpp>
#include <cloudp2p/config.hpp>
#include <cloudp2p/election.hpp>
#include <cloudp2p/entropy.hpp>
#include <cloudp2p/export.hpp>
#include <cloudp2p/image_store.hpp>
#include <cloudp2p/log_sink.hpp>
#include <cloudp2p/scrub.hpp>
#include <cloudp2p/timers.hpp>
#include <cloudp2p/transport.hpp>

#include <memory>

namespace cloudp2p {

/// The bytes of an upload. Readable any number of times, at any offset: a retry may begin again.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;  ///< As shown and stored; data, not a path.
  /// Size and digest of the content; may read all of it.
  struct Content {
    std::uint64_t size_bytes = 0;  ///< Empty images are refused.
    Digest digest;                 ///< Of all the bytes. Every node hashes what it got and refuses what does not match.
  };
  /// Asked once for each upload, before any `read`. May call back at once or later, on the client's thread.
  virtual void identify(Callback<void(Result<Content>)> done) = 0;
  /// The bytes of this range, all of them: fewer, and the upload ends with Errc::integrity, since the content must have
  /// changed. May call back at once or later, on the client's thread. Two reads may be under way at a time.
  virtual void read(ReadRange range, Callback<void(Result<Buffer>)> done) = 0;
  /// When the image was stored first, for one that comes back from a backup: the record then says so. 0, and whatever the
  /// leader's clock has not reached: now.
  [[nodiscard]] virtual std::int64_t stored_ms() const { return 0; }
};

/// Whom a `get` asks for the bytes first. What is stored, the leader says in any case.
enum class ReadFrom : std::uint8_t { leader, followers };

/// Takes the bytes of a `get`. Nothing may become visible before `finish` succeeded.
class ImageSink {
 public:
  virtual ~ImageSink() = default;
  /// Forget what was written: another holder begins again from the first byte.
  virtual void restart() = 0;
  /// The next bytes of the image; called again only after `done`, which may come at once or later, on the client's
  /// thread.
  virtual void write(Buffer bytes, Callback<void(Status)> done) = 0;
  /// Check the digest of everything written and make it visible. Errc::integrity when it does not match.
  virtual void finish(const ImageRecord& record, Callback<void(Status)> done) = 0;
};

/// Who leads, as the node that was asked sees it.
struct LeaderView {
  NodeId leader = kNobody;  ///< kNobody only in what `ping` answers: that node follows nobody at the moment.
  Term term = 0;            ///< Of the leader; in what `ping` answers, of the node that answered.
  std::string address;  ///< "host:port" as the client knows it from its configuration or from the nodes; empty when it does not.
  /// The leader acknowledges without a majority (Quorum::none). Not known to `ping`, which leaves it false.
  bool quorum_none = false;
};
/// A leader handed over on request.
struct StepDownOutcome {
  NodeId former = kNobody;  ///< Who led before.
  LeaderView now;           ///< Serves already.
};
/// What an accepted upload amounts to at the moment of the answer.
struct UploadOutcome {
  Digest digest;                 ///< The image's name from now on, for every other call.
  std::uint64_t size_bytes = 0;  ///< Of the content.
  NodeId leader = kNobody;       ///< Who acknowledged.
  /// Durable by then, the leader's included: at least a majority of `members`, unless the quorum is none.
  std::uint32_t copies = 0;
  std::uint32_t members = 0;    ///< How many nodes are to hold it in the end; 1 when all share a directory.
  bool already_stored = false;  ///< The cluster had the image before this upload: only its record was renewed.
  std::uint32_t attempts = 1;   ///< How often a leader was asked, this time included.
};
/// What the leader knows of one image.
struct ImageInfo {
  ImageRecord record;            ///< Never a tombstone.
  bool on_leader = false;        ///< The leader itself holds the bytes.
  std::int64_t verified_ms = 0;  ///< When the leader last knew its copy to match the digest; 0: it has none.
};
/// One node, as the node that answered sees it.
struct MemberView {
  NodeId id = kNobody;     ///< Unique in the list.
  std::string address;     ///< "host:port", as the node that answered was configured, or was told.
  bool reachable = false;  ///< Connected to the node that answered, or that node itself.
  bool voter = false;      ///< A member that is connected and has not lost its promises: it counts in majorities now.
  MemberReport report;  ///< What it last told the leader; empty unless `reported`.
  /// Since the leader last heard of it, once that is longer than it should be; 0 in the view of others, which hear of nobody.
  std::chrono::milliseconds silent{0};
  bool member = false;                  ///< Of the cluster; a node that is only configured is not counted.
  bool other_file = false;              ///< Its configuration lists other nodes than the members.
  bool reported = false;                ///< To the node that answered, or it is that node.
};
/// The cluster as one node sees it.
struct ClusterView {
  NodeId answered_by = kNobody;        ///< Whose view this is: the leader's, if it could be asked.
  NodeId leader = kNobody;             ///< kNobody: the node that answered follows nobody.
  Term term = 0;                       ///< Of the node that answered.
  ClusterId cluster;                   ///< Zero until a cluster is founded.
  std::uint64_t under_replicated = 0;  ///< Images with fewer verified copies than members.
  bool quorum_none = false;            ///< As LeaderView::quorum_none, of the node that answered.
  std::vector<MemberView> members;     ///< And nodes that are only configured.
  std::string change;                  ///< What the one that answered says of a change of members, or of files that differ.
  bool shared = false;                 ///< One directory for all nodes: each image has one copy, whatever the number of members.
  bool serving = false;                ///< The node that answered leads and takes uploads; a new leader reads first what there is.
};
/// One node's answer about its own copy of an image.
struct CopyCheck {
  NodeId node = kNobody;  ///< One of the configured ones, or of those the client learnt of.
  Errc code = Errc::ok;   ///< ok, integrity, not_found, unreachable, io
  std::string message;    ///< Why, for people; empty when ok.
  std::string file_name;  ///< The copy's file, below that node's shared_dir; empty when it has none, or could not be asked.
};
/// One node's answer to `scrub`.
struct ScrubView {
  NodeId node = kNobody;  ///< Who was asked.
  Errc code = Errc::ok;   ///< Otherwise the node could not be asked, or refused; `message` says why.
  std::string message;    ///< Empty when ok.
  ScrubPass pass;         ///< As it is after the request; all zero unless ok.
};
/// How far a transfer has come. It goes back when the transfer begins again.
struct TransferProgress {
  std::uint64_t bytes_done = 0;   ///< Upload: held by the leader. Get: given to the sink.
  std::uint64_t bytes_total = 0;  ///< Of the whole image.
};
/// Called any number of times before the result is, never inline, on the client's thread: with a ClientHost that is a
/// thread of its own, on which no call of the ClientHost may be made.
using ProgressCallback = Callback<void(const TransferProgress&)>;

/// What a Client runs on. All outlive it and are used on its thread only.
struct ClientPorts {
  Executor* executor = nullptr;    ///< Its thread is the client's thread.
  Transport* transport = nullptr;  ///< For this client alone; started and stopped by it.
  Timers* timers = nullptr;        ///< For timeouts and pauses.
  Entropy* entropy = nullptr;      ///< For upload ids and jitter.
  LogSink* log = nullptr;          ///< Debug lines about retries; may be null.
};

/// One call under way, for `cancel`. Not used again by the same Client.
enum class OperationId : std::uint64_t {};

/// A client on ports; the header begins with its contract.
class Client {
 public:
  virtual ~Client() = default;
  /// Uses peers, timeout, retries and timing of `config`. Starts the transport.
  [[nodiscard]] CLOUDP2P_API static Result<std::unique_ptr<Client>> open(const Config& config, const ClientPorts& ports);

  /// Asks the nodes afresh, and answers once a node says that it leads and serves.
  virtual OperationId discover(Callback<void(Result<LeaderView>)> done) = 0;
  /// Sends the content under one upload id, however many leaders it takes. `progress` may be empty.
  virtual OperationId upload(std::shared_ptr<ImageSource> source, ProgressCallback progress,
                             Callback<void(Result<UploadOutcome>)> done) = 0;
  /// By hex digest or unambiguous prefix of at least limits::kPrefixDigitsMin digits.
  virtual OperationId get(std::string prefix, std::shared_ptr<ImageSink> sink, ProgressCallback progress,
                          Callback<void(Result<ImageInfo>)> done, ReadFrom first = ReadFrom::leader) = 0;
  /// By prefix as in `get`. Shows what was acknowledged before the call, also right after a change of leader.
  virtual OperationId info(std::string prefix, Callback<void(Result<ImageInfo>)> done) = 0;
  /// Deletes the image: its tombstone is durable on a majority. Errc::not_found when there is none. Answers the record
  /// that was deleted. When an attempt was lost and the image is there again, or still, the outcome is unknown: a second
  /// delete of its own accord might hit what somebody else has stored since.
  virtual OperationId remove(std::string prefix, Callback<void(Result<ImageRecord>)> done) = 0;
  /// One page; as `info` it shows what was acknowledged before the call. The limit is at least 1.
  virtual OperationId list(ListQuery query, Callback<void(Result<ListPage>)> done) = 0;
  /// The leader's view; without a leader, the view of any node that answers.
  virtual OperationId members(Callback<void(Result<ClusterView>)> done) = 0;
  /// Asks every configured node to re-hash its own copy.
  virtual OperationId verify(const Digest& digest, Callback<void(Result<std::vector<CopyCheck>>)> done) = 0;
  /// Asks these nodes (none: every configured one) about their scrub, or to begin or stop one; needs the right `admin`.
  virtual OperationId scrub(ScrubAction action, std::vector<NodeId> nodes,
                            Callback<void(Result<std::vector<ScrubView>>)> done) = 0;
  /// Round trip to one node.
  virtual OperationId ping(NodeId node, Callback<void(Result<LeaderView>)> done) = 0;
  /// The leader hands over to its best follower and stays a member; answers when the next leader serves. Errc::refused
  /// when nobody else can lead. Asked twice by a retry, it steps down once.
  virtual OperationId step_down(Callback<void(Result<StepDownOutcome>)> done) = 0;
  /// The operation ends with Errc::cancelled, unless it has ended. What an upload sent may stay with the nodes for a resume.
  virtual void cancel(OperationId operation) = 0;
};

}  // namespace cloudp2p
