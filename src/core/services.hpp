// Services: what the parts of one node share: ports, configuration, links to peers, the election's view, stamps.
#pragma once

#include "core/calls.hpp"
#include "core/catalog_reader.hpp"
#include "core/wire.hpp"

#include <cloudp2p/detail/sabotage.hpp>
#include <cloudp2p/node.hpp>

#include <functional>
#include <map>
#include <set>

namespace cloudp2p::core {

using detail::Rule;

/// No image has this digest. Its record is the watermark: what was deleted below its stamp may have been forgotten.
inline constexpr Digest kWatermark = [] {
  Digest out;
  out.bytes.fill(std::byte{0xff});
  return out;
}();

/// The connections that this node dialled to one peer, and what the peer's Hello said.
struct Link {
  ConnectionId control = kNoConnection;
  ConnectionId bulk = kNoConnection;
  bool control_up = false;  ///< Hello was exchanged.
  TimePoint up_since;       ///< If it was.
  bool bulk_up = false;
  Incarnation incarnation;
};

struct PeerReport {
  MemberReport report;
  TimePoint at;
};

class Services {
 public:
  Config config;
  NodePorts ports;
  NodeExtras extras;
  NodeId self = kNobody;
  Election* election = nullptr;
  Calls calls;
  CatalogReader catalog{*this};
  NodeCounters counters;
  std::map<NodeId, Link> links;
  std::map<NodeId, PeerReport> reports;
  Term led_term = 0;      ///< Begun last; there are reports of no other.
  TimePoint leads_since;  ///< In that term.
  std::map<Digest, std::size_t> arriving;  ///< Images that a leader is sending to this node now.
  std::set<Digest> deleting;  ///< This leader is at it: no upload of the same content meanwhile.
  std::uint64_t deletes_begun = 0;
  std::multiset<Digest> pushing;  ///< Records on their way to a majority, and then to here.
  Stamp watermark;  ///< Of the record of kWatermark, if a takeover has read it or a change brought it.
  std::function<void(const CatalogEntry&)> on_recorded;  ///< After every change: this is held now. Set by the node.
  bool changing = false;  ///< Changes a member: admits nothing for that moment.
  bool draining = false;  ///< Hands leadership over: admits nothing new.
  bool catalog_failed = false;  ///< Takes no more records until a restart.
  bool serving = false;   ///< Leads and has finished its takeover.

  [[nodiscard]] const ElectionView& view() const { return election->view(); }
  [[nodiscard]] Term term() const { return view().term; }
  [[nodiscard]] bool leads(Term term) const { return view().role == ElectionRole::leader && view().term == term; }
  [[nodiscard]] TimePoint now() const { return ports.timers->now(); }
  /// What was received under this term may no longer be acknowledged: another has been promised.
  [[nodiscard]] bool superseded(Term under) const {
    return term() != under && !sabotaged(Rule::term_checked_after_sync) && !sabotaged(Rule::superseded_leader_is_refused);
  }

  /// Voters of the membership, without this node, whose links are up under the incarnation that the membership names.
  [[nodiscard]] std::vector<NodeId> connected_voters() const;
  /// All nodes mount one directory: this leader's copy is the only one, and durable for all.
  [[nodiscard]] bool shared() const { return ports.shared != nullptr; }
  /// Connected voters that keep copies of their own.
  [[nodiscard]] std::vector<NodeId> replica_voters() const { return shared() ? std::vector<NodeId>() : connected_voters(); }
  [[nodiscard]] bool is_voter(NodeId id) const;
  /// Nothing is known to keep that node from storing an image of so many bytes.
  [[nodiscard]] bool has_room(NodeId id, std::uint64_t bytes) const;
  /// Of the voters that `leader`, this node or one that reports to it, reaches; itself included.
  [[nodiscard]] std::size_t have_room_under(NodeId leader, std::uint64_t bytes) const;
  /// Bound or not; while a change is not committed, also who was one before it.
  [[nodiscard]] bool is_member(NodeId id) const {
    return view().membership.find(id) != nullptr || (view().previous && view().previous->find(id) != nullptr);
  }
  /// The incarnation under which that node's link is, or was last, up. What it said under another one went with that disk.
  [[nodiscard]] Incarnation incarnation_of(NodeId id) const;
  /// What that incarnation acknowledged is there.
  [[nodiscard]] bool has_disk_of(NodeId id, const Incarnation& incarnation) const {
    return incarnation == incarnation_of(id) || sabotaged(Rule::copies_count_by_incarnation);
  }
  /// Who has reported nothing for longer is silent.
  [[nodiscard]] Duration report_patience() const {
    return std::max<Duration>(std::chrono::seconds(2), 2 * config.timing.failure_timeout);
  }
  /// Of a member that has reported for so long nothing, or since this node leads, or since it is connected; else zero.
  [[nodiscard]] Duration silence_of(NodeId id) const;
  /// What that member said of itself, if it did so within that time.
  [[nodiscard]] const MemberReport* report_within(NodeId id, Duration age) const {
    const auto at = reports.find(id);
    return at != reports.end() && now() - at->second.at <= age ? &at->second.report : nullptr;
  }
  /// How many durable copies an acknowledgement needs, this node's included.
  [[nodiscard]] std::size_t copies_needed() const { return copies_needed(view().membership); }
  /// How many nodes are to hold each image in the end.
  [[nodiscard]] std::size_t copies_wanted() const { return shared() ? 1 : view().membership.members.size(); }
  /// Whether the nodes for which `holds` are a majority of the members and, while a change is not committed, of the
  /// former ones too. A member that is bound to no incarnation counts in neither, whatever it holds.
  template <class Holds>
  [[nodiscard]] bool on_majority(Holds holds) const {
    const auto enough = [&](const Membership& membership) {
      const auto bound = [](const Member& member) {
        return !member.incarnation.is_zero() || sabotaged(Rule::learners_do_not_count);
      };
      const auto held = [&](const Member& member) { return bound(member) && holds(member.id); };
      const auto count = std::count_if(membership.members.begin(), membership.members.end(), held);
      return static_cast<std::size_t>(count) >= copies_needed(membership);
    };
    return enough(view().membership) && (!view().previous || enough(*view().previous));
  }
  [[nodiscard]] std::string no_quorum_text() const;
  [[nodiscard]] bool majority_connected() const { return connected_voters().size() + 1 >= voters_needed(view().membership); }
  /// Why this node takes no changes from clients now; no error when it leads and serves.
  [[nodiscard]] Error not_serving() const;
  /// For a disk to store what it has in full: a follower's, or this leader's when the others have stored it.
  static constexpr Duration kDiskPatience = std::chrono::seconds(15);
  /// Image bytes that one of so many concurrent transfers may have in flight.
  [[nodiscard]] static std::uint64_t window_bytes(std::size_t transfers);

  [[nodiscard]] Stamp next_stamp();
  /// No later stamp of this node may be below what its catalog has seen under the same term and id.
  void raise_sequence(const Stamp& seen);

  /// When it can not be sent, a call that it asks or continues fails soon; chunks alone wait for on_drained.
  Status send(ConnectionId connection, const wire::Message& message, Buffer payload = {});
  /// Nobody waits for this any more, and who works on it there lets go. Told as soon as there is room.
  void cancel(ConnectionId connection, wire::RequestId request);
  void on_drained(ConnectionId connection);
  void on_connection_closed(ConnectionId connection) { untold_.erase(connection); }
  /// Every change of the catalog goes through here, so that one that fails for good is noticed.
  void record(CatalogChange change, Callback<void(Result<CatalogEntry>)> done);
  /// The same, when nothing waits for it.
  void record(CatalogChange change) {
    record(std::move(change), [](const Result<CatalogEntry>&) {});
  }

  void send_error(ConnectionId connection, wire::RequestId request, Errc code, std::string message);
  void log(LogLevel level, std::string_view event, const std::string& text) const;
  /// Not said within the last minute.
  [[nodiscard]] bool news(const std::string& text);

  /// As `guard`, for what the image store is to write.
  template <class F>
  [[nodiscard]] auto writing(F work) {
    return guard([this, since = writing_.insert(now()), work = std::move(work)](auto&& answer) mutable {
      writing_.erase(since);
      wrote_at_ = now();
      work(std::forward<decltype(answer)>(answer));
    });
  }
  /// None has ended for kDiskPatience, though some wait.
  [[nodiscard]] bool writes_hang() const {
    return !writing_.empty() && now() - std::max(*writing_.begin(), wrote_at_) >= kDiskPatience;
  }

  /// A callback that does nothing once the node is gone.
  template <class F>
  [[nodiscard]] auto guard(F work) {
    return [alive = std::weak_ptr<int>(alive_), work = std::move(work)](auto&&... args) mutable {
      if (!alive.expired()) work(std::forward<decltype(args)>(args)...);
    };
  }

 private:
  [[nodiscard]] std::size_t voters_needed(const Membership& membership) const;
  [[nodiscard]] std::size_t copies_needed(const Membership& membership) const {
    return shared() ? 1 : voters_needed(membership);
  }

  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::uint64_t sequence_ = 0;
  std::map<ConnectionId, std::vector<wire::RequestId>> untold_;  ///< Cancelled while the queue there was full.
  std::multiset<TimePoint> writing_;  ///< Since when the image store is at it.
  TimePoint wrote_at_;
  std::map<std::string, TimePoint> said_;
};

}  // namespace cloudp2p::core
