// Invariants: the rules of docs/protocol.md, "Invariants", checked while a simulated cluster runs.
//
// Fed by the stores (what is durable, at the instant it becomes so), by the nodes (NodeObserver), by the network (votes
// on the wire) and by the clients (what they were told). It judges; it never changes anything.
#pragma once

#include "sim/history.hpp"
#include "sim/machine.hpp"
#include "sim/membership_watch.hpp"

#include <map>
#include <set>
#include <unordered_map>

namespace cloudp2p::sim {

/// For people.
[[nodiscard]] std::string text(const Stamp& stamp);

class Invariants final : public MachineEvents {
 public:
  Invariants(Scheduler& scheduler, RecordedLog& log, const Network& network, const testing::SimOptions& options)
      : scheduler_(scheduler), log_(log), network_(network), options_(options) {}
  /// One more machine, in the order of their ids, before it runs.
  void watch(Machine& member);

  // MachineEvents.
  void on_state_durable(Machine& member, const DurableState& state) override;
  void on_record_durable(Machine& member, const CatalogChange& change, const CatalogEntry& held) override;
  void on_bytes_stored(Machine& member, const Digest& digest) override;
  void on_bytes_gone(Machine& member, const Digest& digest) override;
  void on_leading(Machine& member, Term term) override;
  void on_serving(Machine& member, Term term) override;
  void on_stepped_down(Machine& member, Term term) override;
  void on_stamped(Machine& member, const ImageRecord& record) override;
  void on_acknowledged(Machine& member, const ImageRecord& record, Term term) override;
  void on_confirmed_read(Machine& member, Term term) override;

  /// A frame is about to be delivered there.
  void on_frame(const End& to, const Frame& frame);
  /// Before a path, a process or a pause changes, and after it.
  void topology_changed();
  /// This node loses on purpose what it holds. Until it has made up for it, nothing of it is missed.
  void damage(NodeId id, const std::vector<Digest>& files);
  [[nodiscard]] bool damaged(NodeId id) const { return watched_[value(id) - 1].damaged; }
  [[nodiscard]] bool may_be_damaged(NodeId id, const std::vector<NodeId>& planned) const;
  /// More than a majority of the members, as they are and as they may be in a moment, have good bytes of it.
  [[nodiscard]] bool may_rot(const Digest& digest) const { return spare_copies(digest) > 0; }
  /// See SimCluster::may_list.
  [[nodiscard]] bool may_be_listed(const std::vector<NodeId>& peers) const;
  [[nodiscard]] bool suffice(const std::vector<NodeId>& nodes) const;
  /// Some file lists so many from now on.
  void files_list(std::size_t count) { shortest_file_ = std::min(shortest_file_, count); }
  /// The only copies of what nobody had acknowledged were lost on purpose: it may stay listed without bytes.
  [[nodiscard]] bool may_lack_bytes(const Digest& digest) const;
  /// A path or a disk is slower than the profiles say, for a while: what is under way takes longer.
  void expect_delays() { delayed_until_ = scheduler_.now() + std::chrono::seconds(6); }
  /// A copy was damaged on purpose. If a majority has good ones, bytes count from now on under whatever stamp they are
  /// held; if not, they no longer count.
  void bytes_damaged(const Digest& digest) { (spare_copies(digest) >= 0 ? rotted_ : damaged_).insert(digest); }

  // What clients do and are told.
  void offered(const Digest& digest, std::uint64_t size_bytes) { offered_[digest] = size_bytes; }
  /// By code of which only the uploads are known, and of those not when they begin and end: what it is told is not judged.
  void offered_by_program(const Digest& digest, std::uint64_t size_bytes);
  [[nodiscard]] History::Call begins(const Digest& digest, History::Act act);
  void upload_answered(const Digest& digest, History::Call call, const Result<UploadOutcome>& outcome);
  void remove_answered(const Digest& digest, History::Call call, const Result<ImageRecord>& removed);
  /// A list is a read of every image that there may be.
  using ListCalls = std::map<Digest, History::Call>;
  [[nodiscard]] ListCalls list_begins();
  /// The mark to pass to `info_answered` and `list_answered`: what a read that begins now must see.
  [[nodiscard]] std::uint64_t read_begins() const noexcept { return known_; }
  void info_answered(const Digest& digest, History::Call call, std::uint64_t mark, const Result<ImageInfo>& info);
  void list_answered(const ListCalls& calls, std::uint64_t mark, const Result<ListPage>& page);
  void bytes_answered(const Digest& asked, const Digest& received);

  /// What costs too much to look at after every event: limits, and what became doubtful.
  void check_often();
  /// All that was acknowledged, on all disks. Also looked at whenever a leader begins to serve.
  void check_all();

  /// Of the newest membership that is on its majority; before there is one, all nodes.
  [[nodiscard]] std::vector<NodeId> members() const;
  [[nodiscard]] const std::vector<std::string>& violations() const noexcept { return violations_; }
  [[nodiscard]] const std::vector<ImageRecord>& acknowledged() const noexcept { return acknowledged_; }

 private:
  /// How a stamped record became durable on one node, for the first time with its bytes.
  struct Copy {
    Term promised = 0;  ///< The highest term that this node had promised by then.
    Incarnation incarnation;
  };
  struct Reach {
    bool now = false;  ///< Since the last change of the topology.
    TimePoint last{};
  };
  struct Watched {
    Machine* member = nullptr;
    Incarnation incarnation;  ///< The last one that was durable.
    Term promised = 0;
    std::map<Term, NodeId> votes;  ///< Durable ones.
    std::map<std::pair<Incarnation, Term>, NodeId> votes_sent;
    std::map<Stamp, Copy> copies;
    std::map<HostId, Incarnation> known_as;  ///< What it last said to whom.
    /// Of incarnations that are gone: votes that were counted all the same.
    std::map<Term, NodeId> former_votes;
    bool founded = false;
    bool damaged = false;
    std::set<Digest> lost;  ///< Files of its own, on purpose, that it has not stored again.
    bool was_outside = false;  ///< No member at some time: it may hold tombstones that all members have forgotten.
    Term serving = 0;     ///< 0: does not.
    std::vector<Reach> reach;  ///< Of each node, in the order of the ids.
    bool was_paused = false;
  };

  void check_hello(const End& to, NodeId from, const Incarnation& told);
  [[nodiscard]] Watched& of(NodeId id) { return watched_[value(id) - 1]; }
  [[nodiscard]] const Watched& of(NodeId id) const { return watched_[value(id) - 1]; }
  /// Of these members a majority; before there are any, of all nodes.
  template <class Holds>
  [[nodiscard]] bool on_majority(const Membership& membership, Holds holds) const {
    return count_of(membership, holds) >= needed(membership);
  }
  template <class Holds>
  [[nodiscard]] std::size_t count_of(const Membership& membership, Holds holds) const {
    return static_cast<std::size_t>(std::count_if(watched_.begin(), watched_.end(), [&](const Watched& node) {
      return (membership.version == 0 || membership.find(node.member->id()) != nullptr) && holds(node);
    }));
  }
  [[nodiscard]] bool by_majority() const noexcept { return options_.quorum == Quorum::majority; }
  /// How many of them must agree. Without a quorum one alone says what is, and two may say different things.
  [[nodiscard]] std::size_t needed(const Membership& membership) const {
    if (!by_majority()) return 1;
    return majority_of(membership.version == 0 ? watched_.size() : membership.members.size());
  }
  [[nodiscard]] const Membership& held_by(const Machine& member) const { return membership_.of(member.id()); }
  [[nodiscard]] bool reaches(const Watched& node, const Watched& other) const;
  [[nodiscard]] Duration isolation_bound(const Watched& node) const;
  void settle_isolation();
  [[nodiscard]] static bool knows(const Watched& node, const Digest& digest, const Stamp& at_least);
  [[nodiscard]] static bool holds(const Watched& node, const Digest& digest, const Stamp& at_least);
  /// What is held under this stamp or a later one; of what rotted the bytes under any: of a majority that acknowledged
  /// a stamp one may have lost its copy, and the others' bytes are the same.
  [[nodiscard]] bool has_bytes(const Watched& node, const Digest& digest, const Stamp& at_least) const;
  /// Whether an image is on the disks of a majority of these members. A node whose disk was robbed counts as if it had
  /// everything, where that is excused.
  struct Kept {
    bool records = false;
    bool bytes = false;
  };
  [[nodiscard]] Kept kept(const Membership& members, const Digest& digest, const Stamp& stamp, bool excuse_damaged) const;
  /// From now on every confirmed read shows this image under this stamp or a later one.
  void becomes_known(const Digest& digest, const Stamp& stamp);
  /// What a read that began at `mark` must show of this image; zero: it need not know it.
  [[nodiscard]] Stamp due(const Digest& digest, std::uint64_t mark) const;
  /// How many of all nodes might take part in founding a second cluster.
  [[nodiscard]] std::size_t blank_or_damaged() const;
  /// One of these members, and it has lost nothing that it has not made up for.
  [[nodiscard]] static bool is_intact_member(const Watched& node, const Membership& members);
  /// Without this one, too, most of these members keep their promises and what they hold.
  [[nodiscard]] bool outlives(const Membership& members, NodeId loss) const;
  /// And so do all members that there are on the way to those that this file lists.
  [[nodiscard]] bool outlives_change(Membership members, const std::vector<NodeId>& listed, NodeId loss) const;
  [[nodiscard]] bool meets_in(const std::vector<NodeId>& peers, const Membership& members) const;
  /// Beyond a majority of the members that have the fewest good copies; negative: those have none.
  [[nodiscard]] long spare_copies(const Digest& digest) const;
  void settle_damage();
  [[nodiscard]] bool whole(const Watched& node, const Machine& leader) const;
  void check_connected(Watched& node, const char* what);
  void check_kept(const Digest& digest, const Stamp& stamp) {
    check_kept("I5 (what was acknowledged stays)", membership_.adopted(), digest, stamp);
  }
  void check_kept(const char* rule, const Membership& members, const Digest& digest, const Stamp& stamp);
  void members_changed(const Membership& members);
  void on_forgotten(Machine& member, const ImageRecord& record);
  void forget_acknowledged(const ImageRecord& record);
  /// All that is known of one image, for people.
  [[nodiscard]] std::string whereabouts(const Digest& digest) const;
  /// Into the log, if this is the image that somebody watches.
  void tell(const Digest& digest, const Machine* member, const std::string& what);
  /// `explained`: what History said of the answer.
  void judge(bool explained, const Digest& digest, const char* answer);
  void violated(const char* rule, const std::string& what);

  Scheduler& scheduler_;
  RecordedLog& log_;
  const Network& network_;
  const testing::SimOptions options_;
  std::vector<Watched> watched_;
  MembershipWatch membership_;
  std::map<Term, NodeId> leaders_;
  std::set<Stamp> stamps_;
  std::vector<ImageRecord> acknowledged_;
  std::set<Digest> ever_acknowledged_;
  std::map<Digest, Stamp> newest_acknowledged_;  ///< Without what was forgotten since.
  std::map<Digest, Stamp> forgotten_;         ///< The newest tombstone that some node holds no longer.
  std::map<Digest, Stamp> newest_tombstone_;  ///< Stamped, acknowledged or not.
  struct Known {
    std::uint64_t since = 0;
    Stamp stamp;
  };
  std::map<Digest, std::vector<Known>> known_stamps_;  ///< Acknowledged to a writer or shown to a reader; growing.
  std::uint64_t known_ = 0;
  std::map<Digest, History> histories_;
  std::unordered_map<Digest, std::uint64_t> offered_;
  std::set<Digest> of_programs_;
  std::set<Digest> damaged_;
  std::set<Digest> rotted_;
  std::set<Digest> lost_;  ///< Some file of theirs was lost on purpose.
  std::size_t shortest_file_ = limits::kMembersMax;
  TimePoint delayed_until_{};
  std::set<Digest> doubtful_;  ///< Some node holds less of them than before.
  TimePoint settled_{};
  std::vector<std::string> violations_;
};

}  // namespace cloudp2p::sim
