// SimCluster: a whole cluster in one thread and in virtual time: the real Node and Client on simulated machines.
//
// Purpose:   tests that live through crashes, partitions and slow disks in milliseconds, the same way every time. While
//            it runs, the invariants of docs/protocol.md are checked at every step; `violations` says what broke.
// Thread:    one SimCluster, one thread; several clusters may run in several threads. Nothing is global.
// Ownership: handles share their state with the cluster; they may outlive it.
// Time:      virtual. Nothing happens between the calls that let time pass: step, run_for, run_until, and what uses them.
// Durability: a crashed node keeps what its simulated disk had synced; of unfinished writes the seed decides.
// Errors:    invalid options throw std::invalid_argument; everything else is a result to look at.
// Limits:    at most limits::kMembersMax nodes; memory grows with what is uploaded.
#pragma once

#include <cloudp2p/client.hpp>
#include <cloudp2p/testing/sim_program.hpp>

namespace cloudp2p::testing {

/// Content for an upload. Simulated digests are not BLAKE2b: they name content in simulated clusters only.
struct SimImage {
  Digest digest;                 ///< What the cluster calls it: by the simulator's hash.
  std::uint64_t size_bytes = 0;  ///< Of `head` and `tail` together.
  std::string name;              ///< As a client gives it.
  Buffer head;                   ///< The first bytes, unique to this image.
  Buffer tail;                   ///< The rest; may be shared by many.
};
/// A JPEG signature and then bytes that `salt` decides; from 64 bytes to 1 MiB, whatever is asked for.
[[nodiscard]] SimImage make_image(std::uint64_t salt, std::size_t size_bytes);

/// An operation of a simulated client; copies refer to the same one.
template <class T>
class SimResult {
 public:
  /// What all copies of a handle share.
  struct State {
    std::optional<Result<T>> result;  ///< Set when the operation has called back.
    OperationId operation{};          ///< As Client gave it.
    std::size_t client = 0;           ///< Who asked.
  };
  /// Made by SimCluster.
  explicit SimResult(std::shared_ptr<State> state) : state_(std::move(state)) {}
  /// Whether it has called back.
  [[nodiscard]] bool done() const noexcept { return state_->result.has_value(); }
  /// Errc::ok only when it is done and succeeded; Errc::timed_out while it is not done.
  [[nodiscard]] Errc result() const noexcept { return done() ? state_->result->code() : Errc::timed_out; }
  /// Done, and a success.
  [[nodiscard]] bool ok() const noexcept { return done() && state_->result->ok(); }
  /// Only when `done`.
  [[nodiscard]] const Result<T>& value() const { return *state_->result; }
  /// For whoever wants to keep it.
  [[nodiscard]] const std::shared_ptr<State>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<State> state_;
};

/// The header begins with its contract. Throws std::out_of_range for a client that is not there.
class SimCluster {
 public:
  /// All nodes and clients, started; no time has passed.
  explicit SimCluster(const SimOptions& options = {});
  ~SimCluster();
  SimCluster(const SimCluster&) = delete;
  SimCluster& operator=(const SimCluster&) = delete;

  // Time.
  /// Since the cluster was made.
  [[nodiscard]] Duration now() const;
  /// Runs one event; false when nothing happens before `until`.
  bool step(Duration until);
  /// All events up to then.
  void run_for(Duration duration);
  /// Until `holds`, looked at after every event. False when it did not within `bound`.
  bool run_until(const Callback<bool()>& holds, Duration bound);
  /// A node that leads and serves, the one of the highest term; kNobody when there is none within `bound`.
  NodeId run_until_leader(Duration bound);
  /// All members run, hold equal catalogs and all bytes, and one of them serves.
  bool converges(Duration bound);

  // Faults. Nodes are cut from each other; clients reach them all the same, unless `cut_clients`.
  /// From all other nodes, until `heal`. Connections stay open until their ends notice that nothing comes through.
  void cut(NodeId node, Direction direction);
  /// From this one, likewise; which way is seen from `node`.
  void cut_link(NodeId node, NodeId other, Direction direction);
  /// From all of SimOptions::clients, both ways, until `heal`. Programs have SimProgram::cut.
  void cut_clients(NodeId node);
  /// Their connections are reset; new ones are made if the path works.
  void break_links(NodeId node, NodeId other);
  /// The path between them works again, as the network's profile has it.
  void heal_link(NodeId node, NodeId other);
  /// From now on, until `heal_link` or `heal`.
  void link(NodeId node, NodeId other, const LinkProfile& profile);
  /// All paths work again. Paused and crashed nodes stay so.
  void heal();
  /// Nothing happens if it does not run.
  void crash(NodeId node, Crash crash = Crash::kKill);
  /// With what its disk has kept, and its file as it is now. Nothing happens if it runs.
  void restart(NodeId node);
  /// Nothing of it runs, what arrives waits, its disk goes on: SIGSTOP.
  void pause(NodeId node);
  /// Where it was, with all that waits.
  void resume(NodeId node);
  /// Its clock runs that much faster (slower when negative) from now on; by at most 50.
  void skew_clock(NodeId node, int percent);
  /// For records and log lines; `now` is not touched.
  void jump_wall_clock(NodeId node, std::chrono::milliseconds by);
  /// `then` runs at the next such moment of this node, once, after the event that it is part of; an empty one cancels.
  void at_moment(NodeId node, Moment moment, Callback<void()> then);
  /// Each operation takes so many times as long, up to 1.5 s; 1: as the profile says.
  void slow_disk(NodeId node, unsigned factor);
  /// Nothing that the disk was given finishes until it goes on, or the node crashes.
  void stall_disk(NodeId node, bool stalled);
  /// With SimOptions::shared: whoever holds the disk that all mount may write to it no more, and is not told.
  void break_lock();
  /// This call fails with EIO, and no other. What a node then no longer does it does after a restart.
  void disk_call_fails(NodeId node, DiskCall call, bool fails);
  /// Writes fail with EIO (kIo) or ENOSPC (kFull) until kHealthy and, after EIO, a restart.
  /// kReadOnly: EROFS, until kHealthy and a restart.
  enum class Disk : std::uint8_t { kHealthy, kFull, kIo, kReadOnly };
  /// In force at once; what is under way fails too.
  void disk(NodeId node, Disk state);
  /// A bit of this node's copy flips where it lies; nobody notices before somebody looks.
  void corrupt(NodeId node, const Digest& digest);
  /// The cluster promises to survive it if a bit of one more copy flips: a majority of good ones is left.
  [[nodiscard]] bool may_corrupt(const Digest& digest) const;
  /// Only of a node that does not run. What was acknowledged survives as long as fewer than a majority are damaged at a
  /// time: see `may_lose`.
  void lose(NodeId node, Loss what);
  /// The file of this image is gone, and the node has not been told. False when there is none.
  bool lose_file(NodeId node, const Digest& digest);
  /// For Loss::kSinceBackup: what is durable on this node now.
  void back_up(NodeId node);
  /// It lost something and has not made up for it yet: not bound again, or lacking records or bytes.
  [[nodiscard]] bool damaged(NodeId node) const;
  /// The cluster promises to survive it if this node loses what it holds now: a majority of others is undamaged. So it is
  /// among the members that are proposed now, and those that there may be in a moment because files list them, or will
  /// (`planned`): what has just been lost nobody knows who counts what the new members have.
  [[nodiscard]] bool may_lose(NodeId node, const std::vector<NodeId>& planned = {}) const;
  /// The cluster owes progress if these nodes are well, whatever the others do: of the members, and of those that may come to
  /// be the members, a majority is among them and undamaged.
  [[nodiscard]] bool suffice(const std::vector<NodeId>& nodes) const;
  // Members. A node's file lists the ids of its peers, itself among them; what the cluster makes of it takes its time.
  /// A new machine with an empty disk and this file, started: its id is one above the highest.
  NodeId add_node(const std::vector<NodeId>& peers);
  /// In force after `reload` or a restart. A node whose file does not list it can reload it, but not start with it.
  void edit_peers(NodeId node, const std::vector<NodeId>& peers);
  /// This machine, which does not run, is under another address from now on. Files that are edited later name it.
  void move(NodeId node);
  /// For the next `restart_client`.
  void edit_client_peers(std::size_t client, const std::vector<NodeId>& peers);
  /// Files may list these: those of them that belong to no cluster yet, or have lost that they do, are no majority that
  /// could found another one; and what was lost, and not made up for yet, the members survive that there are on the way.
  [[nodiscard]] bool may_list(const std::vector<NodeId>& peers) const;
  /// As SIGHUP does.
  void reload(NodeId node);
  /// Edits the files of all nodes, and reloads it where a node runs; nodes that are not listed keep themselves in theirs
  /// for the next start.
  void propose(const std::vector<NodeId>& peers);
  /// Of the newest membership that is durable on its majority, in order.
  [[nodiscard]] std::vector<NodeId> members() const;
  /// As SIGTERM does: hands leadership over, then ends the process.
  void drain(NodeId node, Duration patience);
  /// For everything sent from now on.
  void network(const NetworkProfile& profile);

  // Clients.
  /// Begins an upload; nothing happens before time passes.
  SimResult<UploadOutcome> put(const SimImage& image, std::size_t client = 0);
  /// Reads and verifies it.
  SimResult<ImageInfo> get(const Digest& digest, std::size_t client = 0);
  /// As Client::info.
  SimResult<ImageInfo> info(const Digest& digest, std::size_t client = 0);
  /// As Client::remove.
  SimResult<ImageRecord> remove(const Digest& digest, std::size_t client = 0);
  /// Its first page.
  SimResult<ListPage> list(std::size_t client = 0);
  /// As Client::step_down.
  SimResult<StepDownOutcome> step_down(std::size_t client = 0);
  /// As Client::verify.
  SimResult<std::vector<CopyCheck>> verify(const Digest& digest, std::size_t client = 0);
  /// Of all nodes.
  SimResult<std::vector<ScrubView>> scrub(ScrubAction action, std::size_t client = 0);
  /// put, and time passes until it is done.
  SimResult<UploadOutcome> put_and_wait(const SimImage& image, Duration bound, std::size_t client = 0);
  /// The process of this client starts anew; what it was doing ends as cancelled.
  void restart_client(std::size_t client);
  /// As `pause`, for a client's machine.
  void pause_client(std::size_t client);
  /// Likewise.
  void resume_client(std::size_t client);
  /// SimOptions::clients.
  [[nodiscard]] std::size_t client_count() const noexcept;

  // Your own code (sim_program.hpp).
  /// On one more machine, started now. Lives as long as the cluster.
  SimProgram& start_program(StartProgram start);

  // What is.
  /// A paused node runs.
  [[nodiscard]] bool running(NodeId node) const;
  /// Until it is resumed or crashes.
  [[nodiscard]] bool paused(NodeId node) const;
  [[nodiscard]] NodeStatus status(NodeId node) const;  ///< Only of a running node.
  /// The serving leader of the highest term; kNobody when none serves.
  [[nodiscard]] NodeId leader() const;
  /// How many nodes there are, added ones included.
  [[nodiscard]] std::size_t size() const noexcept;
  /// How many disks hold this image now: its bytes, undamaged, and a live record.
  [[nodiscard]] std::size_t durable_copies(const Digest& digest) const;
  /// Listed by the leader, but faults took the bytes from all members: that is no violation. Nothing but a delete ends it.
  [[nodiscard]] std::vector<Digest> lost_images() const;
  /// What was acknowledged, newest last; a delete as its tombstone.
  [[nodiscard]] const std::vector<ImageRecord>& acknowledged() const;

  // The verdict.
  /// Broken invariants, one line each, in the order in which they were noticed.
  [[nodiscard]] const std::vector<std::string>& violations() const;
  /// No invariant was broken.
  [[nodiscard]] bool ok() const { return violations().empty(); }
  /// Violations and the last log lines; for people.
  [[nodiscard]] std::string report() const;
  /// Of everything that happened: equal for equal seeds and calls.
  [[nodiscard]] std::uint64_t trace_hash() const;
  /// How many events have happened.
  [[nodiscard]] std::uint64_t events() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloudp2p::testing
