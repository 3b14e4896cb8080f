// Host and ClientHost: the real adapters, wired. What most programs use.
//
// Purpose:   `Host::open(config)` makes this process a member of the cluster: sockets, Noise channel, files, SQLite, on a
//            thread of its own or on the caller's io_context (cloudp2p/asio.hpp). `ClientHost::open(config)` makes it a
//            client with blocking calls. Several of both live in one process; nothing is global.
// Thread:    Host: every call and destruction from any thread but the node's own (an AsioHost: asio.hpp). ClientHost: any
//            thread but its own; calls from several threads run concurrently on one set of connections.
// Ownership: the LogSink outlives the object. Destruction closes connections, stops and joins the threads; it does not
//            hand leadership over: call `drain` first for that.
// Durability: see Client. A destroyed Host is to the cluster what a crashed one is, less the wait.
// Errors:    open: bad_config, bad_key (also: a file of keys that can not be read), locked, io, full, read_only, permission,
//            format, mismatch (a newer version wrote the catalog), exists (another process listens on the address),
//            unreachable (this machine does not have the address, or not yet); the message names the setting, file or
//            address and what to do.
#pragma once

#include <cloudp2p/client.hpp>
#include <cloudp2p/export.hpp>
#include <cloudp2p/node.hpp>

#include <atomic>
#include <functional>
#include <memory>

namespace cloudp2p {

/// What a program puts in the place of a part of the host.
struct HostOptions {
  /// Keeps the images instead of files in `shared_dir`, where the catalog and the state stay. Called once, on the node's
  /// thread, to which the store must post its callbacks; the host owns what it returns. Not with `shared`.
  std::function<std::unique_ptr<ImageStore>(Executor& node_thread)> image_store;
};

/// A member of the cluster in this process; the header begins with its contract.
class Host {
 public:
  virtual ~Host() = default;
  /// Opens the store, listens and takes part, on a thread of its own. `log` may be called before this returns.
  [[nodiscard]] CLOUDP2P_API static Result<std::unique_ptr<Host>> open(const Config& config, LogSink& log,
                                                                       HostOptions options = {});
  /// What `open` would refuse without listening or touching the images: settings, and keys that can not be read.
  [[nodiscard]] CLOUDP2P_API static Status check(const Config& config);

  /// A snapshot; waits for its turn on the node's thread.
  [[nodiscard]] virtual NodeStatus status() = 0;
  /// Since `open`.
  [[nodiscard]] virtual TransportCounters transport_counters() = 0;
  /// Where it listens; differs from the configuration when that said port 0.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// Stops admitting, for good, lets uploads finish for at most `patience`, hands leadership over. Blocks until done: at
  /// most `patience` and about 0.6 s.
  virtual void drain(std::chrono::milliseconds patience) = 0;
  /// Applies what can change live: peers, limits, keys (see Node::reload). Errors leave everything as it was.
  [[nodiscard]] virtual Status reload(const Config& config) = 0;
};

/// A client whose calls block; the header begins with its contract. No call may be under way when it is destroyed:
/// `cancel_all`, then wait for them.
class ClientHost {
 public:
  virtual ~ClientHost() = default;
  /// Connects to nobody yet: a cluster that can not be reached shows at the first call.
  [[nodiscard]] CLOUDP2P_API static Result<std::unique_ptr<ClientHost>> open(const Config& config, LogSink& log);

  // Each blocks until its result is there. `cancel_all` makes the ones under way return Errc::cancelled.
  /// Client::discover.
  [[nodiscard]] virtual Result<LeaderView> discover() = 0;
  /// Client::upload. `source` may call back on any thread.
  [[nodiscard]] virtual Result<UploadOutcome> upload(std::shared_ptr<ImageSource> source, ProgressCallback progress = {}) = 0;
  /// Client::get. `id` is a digest or a prefix of it; `sink` may call back on any thread.
  [[nodiscard]] virtual Result<ImageInfo> get(const std::string& id, std::shared_ptr<ImageSink> sink,
                                              ProgressCallback progress = {}, ReadFrom first = ReadFrom::leader) = 0;
  /// Client::info.
  [[nodiscard]] virtual Result<ImageInfo> info(const std::string& id) = 0;
  /// Client::remove.
  [[nodiscard]] virtual Result<ImageRecord> remove(const std::string& id) = 0;
  /// Client::list.
  [[nodiscard]] virtual Result<ListPage> list(const ListQuery& query) = 0;
  /// Client::members.
  [[nodiscard]] virtual Result<ClusterView> members() = 0;
  /// Client::verify.
  [[nodiscard]] virtual Result<std::vector<CopyCheck>> verify(const Digest& digest) = 0;
  /// Client::scrub.
  [[nodiscard]] virtual Result<std::vector<ScrubView>> scrub(ScrubAction action,
                                                            const std::vector<NodeId>& nodes = {}) = 0;
  /// Client::ping.
  [[nodiscard]] virtual Result<LeaderView> ping(NodeId node) = 0;
  /// Client::step_down.
  [[nodiscard]] virtual Result<StepDownOutcome> step_down() = 0;
  /// Safe from any thread, also while calls are under way.
  virtual void cancel_all() = 0;
};

/// A file on disk, read in pieces on a worker thread and hashed once. Fails at once when it cannot be read. This and those
/// below call back on their worker's thread, or at once: fit for a ClientHost, which carries that to the client's thread.
[[nodiscard]] CLOUDP2P_API Result<std::shared_ptr<ImageSource>> file_source(const std::string& path);
/// The same, stored under another name than the file's, as of another time than now (see ImageSource::stored_ms).
[[nodiscard]] CLOUDP2P_API Result<std::shared_ptr<ImageSource>> file_source(const std::string& path, const std::string& name,
                                                                            std::int64_t stored_ms);
/// Everything that `descriptor` has to give, spooled to an unnamed temporary file first; `name` is what gets stored.
[[nodiscard]] CLOUDP2P_API Result<std::shared_ptr<ImageSource>> stream_source(int descriptor, std::string name,
                                                                              std::uint64_t bytes_max);
/// Bytes in memory.
[[nodiscard]] CLOUDP2P_API std::shared_ptr<ImageSource> memory_source(std::string name, Buffer bytes);
/// Writes `path`.part, checks the digest, renames. An existing file is replaced only by a complete one.
[[nodiscard]] CLOUDP2P_API Result<std::shared_ptr<ImageSink>> file_sink(const std::string& path);
/// Spools, checks the digest, then writes everything to `descriptor`.
[[nodiscard]] CLOUDP2P_API Result<std::shared_ptr<ImageSink>> stream_sink(int descriptor);

/// A new cluster key in a new file, mode 0600. Errc::exists when the file is there.
[[nodiscard]] CLOUDP2P_API Status generate_key_file(const std::string& path);

/// The version of the library, "0.1.0".
[[nodiscard]] CLOUDP2P_API const char* version() noexcept;

}  // namespace cloudp2p
