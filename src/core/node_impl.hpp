// NodeImpl: one member, its parts wired together. node.cpp: life; node_connections.cpp: who is on the line;
// node_messages.cpp: what they ask; node_roles.cpp: what the election decided.
#pragma once

#include "core/burial.hpp"
#include "core/collection.hpp"
#include "core/deletes.hpp"
#include "core/election_driver.hpp"
#include "core/membership_change.hpp"
#include "core/reads.hpp"
#include "core/rebuild.hpp"
#include "core/reconcile.hpp"
#include "core/repair.hpp"
#include "core/replicas.hpp"
#include "core/scrub.hpp"
#include "core/takeover.hpp"
#include "core/tenure.hpp"
#include "core/uploads.hpp"

#include <cloudp2p/bully_election.hpp>

namespace cloudp2p::core {

class NodeImpl final : public Node, private TransportHandler {
 public:
  NodeImpl(const Config& config, const NodePorts& ports, const NodeExtras& extras, DurableState state, bool fresh);
  ~NodeImpl() override;

  [[nodiscard]] Status start() override;
  void drain(Duration patience, Callback<void()> done) override;
  void reload(const Config& config) override;
  [[nodiscard]] NodeStatus status() const override;

 private:
  struct Connection {
    ConnectionInfo info;
    bool hello_done = false;
    NodeId peer = kNobody;  ///< The node at the other end, from its Hello.
    std::optional<wire::Hello> early;  ///< Came before this node could say who it is.
  };

  // TransportHandler.
  void on_connected(const ConnectionInfo& info) override;
  void on_frame(ConnectionId connection, Frame frame) override;
  void on_closed(ConnectionId connection, const Error& reason) override;
  void on_dial_failed(NodeId peer, Lane lane, DialFailure failure, const Error& error) override;
  void on_drained(ConnectionId connection) override;

  // Connections.
  [[nodiscard]] wire::Hello hello(const ConnectionInfo& info, bool reply) const;
  [[nodiscard]] bool has_twin(const wire::Hello& hello) const;
  [[nodiscard]] Error hello_problem(const Connection& connection, const wire::Hello& hello) const;
  void on_hello(Connection& connection, const wire::Hello& hello);
  void learn_address(const wire::Hello& message);
  void link_up(const Connection& connection, const wire::Hello& hello);
  void link_down(const Connection& connection);
  void reject(ConnectionId connection, const Error& reason);
  void dial_peers();
  void forget_departed();
  [[nodiscard]] bool listed(NodeId id) const;
  [[nodiscard]] ConnectionId control_to(NodeId peer) const;

  // Messages.
  void dispatch(Connection& connection, wire::Message& message, Buffer payload);
  [[nodiscard]] bool permitted(const Connection& connection, const wire::Message& message) const;
  void answer(const Connection& connection, wire::Message& message, Buffer payload);
  void on_election_message(const Connection& connection, const ElectionMessage& message);
  void on_query_leader(ConnectionId connection, const wire::QueryLeader& ask);
  void on_query_members(ConnectionId connection, const wire::QueryMembers& ask);
  void on_step_down(ConnectionId connection, const wire::StepDown& ask);
  void on_sync_hashes(ConnectionId connection, const wire::SyncHashes& ask);
  void on_sync_bucket(ConnectionId connection, const wire::SyncBucket& ask, const Buffer& hashes);
  void compare_bucket(ConnectionId connection, const wire::SyncBucket& ask, std::vector<std::uint64_t> theirs);
  void on_sync_push(const Connection& from, wire::SyncPush& push);
  void merge(const wire::SyncPush& push, Callback<void(const Status&)> done);
  void adopt_strays(const Connection& from, const wire::SyncPush& push, Callback<void(const Status&)> done);

  // Roles.
  void act(const ElectionAction& action);
  void carry_out(const PersistState&) {}
  void carry_out(const SendMessage& send);
  void carry_out(const LeadTerm& lead);
  void carry_out(const FollowLeader& follow);
  void carry_out(const LeaderLost& lost);
  void carry_out(const StepDown& down);
  void carry_out(const RoundConfirmed& confirmed);
  void carry_out(const TakeoverAsked& asked);
  void carry_out(const MembershipAdopted& adopted);
  void carry_out(const MemberReported& reported);
  void serve(Term term);
  /// Stands for a later term where it has to.
  [[nodiscard]] bool is_outranked_by(const Stamp& stamp);
  void leave_office();
  void let_go();
  void meet_term(Term newer);
  [[nodiscard]] std::unique_ptr<ElectionDriver> make_driver();
  void introduce(const Status& saved);
  void make_no_promises(const Error& why);
  void recover();
  void begin_election();
  void take_part(const Status& durable);
  void tick();
  void arm_tick();
  void update_fitness();
  [[nodiscard]] StoreStatus store_status() const;
  [[nodiscard]] MemberReport own_report() const;
  [[nodiscard]] bool can_store_under(NodeId leader, std::uint64_t bytes) const;
  /// For people: what the leader waits for, or what there is to say of members and files.
  [[nodiscard]] std::string note() const { return tenure_.text().empty() ? membership_.text() : tenure_.text(); }
  [[nodiscard]] std::uint64_t count_under_replicated() const;
  /// Of this moment where this node leads, so that it agrees with what it says of each member; else what the leader last told.
  [[nodiscard]] std::uint64_t under_replicated() const {
    return services_.leads(services_.led_term) ? count_under_replicated() : under_replicated_;
  }
  void continue_handover();
  void end_handover();
  [[nodiscard]] bool all_have_reported() const;
  void hand_over(NodeId to);
  void make_way_when_full();
  void tell_of_the_silent();
  void make_way_when_hanging();
  void note_own_hang();
  [[nodiscard]] std::string catalog_problem() const;
  void ask_disk();
  /// It did a moment ago: it is given some time to prove itself.
  [[nodiscard]] bool disk_hangs() const { return disk_asked_ || waits_for_disk_ || services_.now() < disk_trusted_from_; }
  void keep_bulk_links_awake();

  struct Handover {
    NodeId to = kNobody;  ///< kNobody: the best follower.
    TimePoint give_up_waiting;
    std::optional<TimePoint> asked_at;  ///< Transfer was sent.
    Callback<void()> done;              ///< Only when the node drains for good.
    std::vector<std::pair<ConnectionId, wire::RequestId>> askers;  ///< Clients that asked this node to step down.
  };

  Services services_;
  Tenure tenure_;
  BullyElection* bully_ = nullptr;  ///< Owned by the driver.
  DurableState initial_state_;
  bool fresh_;
  bool introduced_ = false;  ///< It may say who it is.
  bool transport_started_ = false;
  bool taking_part_ = false;
  std::set<NodeId> made_way_for_;  ///< Of late; some may have got no majority, and some hand back.
  TimePoint made_way_at_;
  std::set<NodeId> silent_;  ///< Members that the log has been told of.
  bool waits_for_disk_ = false;  ///< It does not lead, and its disk hangs.
  bool disk_asked_ = false;      ///< Whether it answers again.
  bool disk_failed_ = false;     ///< It did, with an error: it is asked anew.
  TimePoint disk_trusted_from_;
  ParkedPuts parked_;
  Landing landing_;
  RecordPush push_;
  Repair repair_;
  Burial burial_;
  std::unique_ptr<ElectionDriver> driver_;
  Uploads uploads_;
  Replicas replicas_;
  Copies copies_;
  Scrub scrub_;
  Reads reads_;
  Deletes deletes_;
  Collection collection_;
  Takeover takeover_;
  MembershipChange membership_;
  std::map<ConnectionId, Connection> connections_;
  std::map<NodeId, std::string> dial_problems_;  ///< Last one logged, so that it is said once.
  std::map<NodeId, Address> addresses_;  ///< Of configured nodes, and of members and former members while they are told.
  std::map<NodeId, TimePoint> departed_;
  std::uint64_t under_replicated_ = 0;
  NodeId announced_ = kNobody;
  Term announced_term_ = 0;
  TimerId tick_timer_ = kNoTimer;
  TimePoint links_used_at_{};
  std::optional<Handover> handover_;
};

}  // namespace cloudp2p::core
