#include "core/node_impl.hpp"

#include <fmt/format.h>

namespace cloudp2p {

Result<std::unique_ptr<Node>> Node::open(const Config& config, const NodePorts& ports, const NodeExtras& extras) {
  const Status valid = validate(config, true);
  if (!valid.ok()) return valid.error();
  if (config.shared != (ports.shared != nullptr)) {
    return Error{Errc::invalid_argument, "Config::shared and NodePorts::shared go together"};
  }
  Result<std::optional<DurableState>> loaded = ports.state->load();
  DurableState state;
  bool fresh = true;
  if (loaded.ok() && loaded->has_value()) {
    state = std::move(**loaded);
    fresh = false;
    if (state.node != config.node_id) {
      return Error{Errc::bad_config, fmt::format("{}: this directory belongs to node {}, not to node {}: each node needs a "
                                                 "directory of its own",
                                                 config.shared_dir, value(state.node), value(config.node_id))};
    }
  } else if (!loaded.ok() && loaded.code() != Errc::format) {
    return loaded.error();
  }
  if (!loaded.ok()) {
    ports.log->log_event(LogLevel::error, "state_damaged", fmt::format("[Node {}] the state file is damaged ({}): this node begins a new incarnation "
                                                "and learns until the leader admits it",
                                                value(config.node_id), loaded.error().text()));
  }
  // One that all nodes share goes with nobody's state file.
  const std::optional<Incarnation> owner = config.shared ? std::nullopt : ports.catalog->owner();
  if (!fresh && owner && *owner != state.incarnation && state.membership.version > 0) {
    // Its promises would be kept without the records that they are about.
    ports.log->log_event(LogLevel::error, "catalog_foreign", fmt::format("[Node {}] the catalog of this directory {}: this node begins a new "
                                                "incarnation and learns until the leader admits it",
                                                value(config.node_id), owner->is_zero() ? "is gone" : "goes with another state file"));
    const Term promised = state.term;
    state = DurableState{};
    state.term = promised;
    fresh = true;
  }
  if (fresh) {
    // Should all have lost their promises, what they stamp from now on must still be above what they kept.
    if (!config.shared) state.term = std::max(state.term, ports.catalog->summary().newest.term);
    state.node = config.node_id;
    state.incarnation = ports.entropy->draw<Incarnation>();
  }
  return std::unique_ptr<Node>(std::make_unique<core::NodeImpl>(config, ports, extras, std::move(state), fresh));
}

}  // namespace cloudp2p

namespace cloudp2p::core {
namespace {

std::unique_ptr<BullyElection> make_election(const Services& services, const DurableState& state) {
  BullyOptions options;
  options.self = services.self;
  for (const PeerAddress& peer : services.config.peers) options.configured.push_back(peer.id);
  options.quorum = services.config.quorum;
  options.takeover = services.config.takeover;
  options.timing = services.config.timing;
  options.fresh_cluster = services.ports.entropy->draw<ClusterId>();
  return std::make_unique<BullyElection>(std::move(options), state);
}

Services make_services(const Config& config, const NodePorts& ports, const NodeExtras& extras) {
  Services out;
  out.config = config;
  out.ports = ports;
  out.extras = extras;
  out.self = config.node_id;
  return out;
}

}  // namespace

NodeImpl::NodeImpl(const Config& config, const NodePorts& ports, const NodeExtras& extras, DurableState state, bool fresh)
    : services_(make_services(config, ports, extras)),
      tenure_(services_, {[this](Term term) { takeover_.begin(term); },
                          [this](Term newer) { meet_term(newer); }}),
      initial_state_(std::move(state)),
      fresh_(fresh),
      parked_(services_),
      landing_(services_),
      push_(services_),
      repair_(services_, parked_, landing_),
      burial_(services_, landing_),
      driver_(make_driver()),
      uploads_(services_, parked_, landing_, push_),
      replicas_(services_, parked_, landing_, repair_,
                [this](Term term, NodeId leader) {
                  driver_->feed([&](Election& election, TimePoint now) {
                    election.on_message(Coordinator{term, leader}, now);
                  });
                }),
      copies_(services_),
      scrub_(services_, copies_),
      reads_(services_, copies_,
             [this] {
               std::uint64_t round = 0;
               driver_->feed([&](Election& election, TimePoint now) { round = election.begin_round(now); });
               return round;
             },
             [this](const Digest& digest) { return uploads_.unstable(digest); }),
      deletes_(services_, uploads_, push_, reads_),
      collection_(services_, landing_, push_, repair_),
      takeover_(services_, push_, [this](Term term) { serve(term); }),
      membership_(services_, {[this] { return uploads_.in_flight() + deletes_.in_flight(); },
                              [this](const MemberChange& change) {
                                bool proposed = false;
                                driver_->feed([&](Election& election, TimePoint now) {
                                  proposed = election.change_members(change, now);
                                });
                                return proposed;
                              },
                              [this] {
                                if (!handover_) hand_over(kNobody);
                              }}) {
  for (const PeerAddress& peer : config.peers) addresses_[peer.id] = peer.address;
  services_.on_recorded = [this](const CatalogEntry& held) {
    landing_.on_recorded(held);
    scrub_.on_recorded(held);
  };
}

std::unique_ptr<ElectionDriver> NodeImpl::make_driver() {
  std::unique_ptr<BullyElection> election = make_election(services_, initial_state_);
  bully_ = election.get();
  bully_->set_complete(false);
  return std::make_unique<ElectionDriver>(services_, std::move(election),
                                          [this](const ElectionAction& action) { act(action); });
}

NodeImpl::~NodeImpl() {
  if (tick_timer_ != kNoTimer) services_.ports.timers->cancel(tick_timer_);
  if (transport_started_) services_.ports.transport->stop();
}

Status NodeImpl::start() {
  services_.log(LogLevel::contract, "store_directory", "Shared directory: " + services_.config.shared_dir);
  services_.log(LogLevel::contract, "starting", "Starting on " + to_string(listen_address(services_.config)));
  if (services_.config.quorum == Quorum::none) {
    services_.log(LogLevel::warning, "quorum_none", "quorum \"none\": both sides of a partition lead and store images; an "
                                                    "acknowledgement promises the copies that it counts, and no more");
  }
  Status listening = services_.ports.transport->start(*this);
  if (!listening.ok()) return listening;
  transport_started_ = true;
  if (!fresh_ || sabotaged(Rule::incarnation_is_durable)) {
    introduce({});
  } else {
    services_.ports.state->save(initial_state_, services_.guard([this](const Status& saved) { introduce(saved); }));
  }
  return {};
}

/// Nobody hears of an incarnation before it is durable: after a loss of power there would be another one.
void NodeImpl::introduce(const Status& saved) {
  if (!saved.ok()) make_no_promises(saved.error());
  introduced_ = true;
  std::vector<ConnectionId> waiting;
  for (const auto& [id, connection] : connections_) {
    if (connection.early) waiting.push_back(id);
  }
  for (const ConnectionId id : waiting) {
    const auto at = connections_.find(id);
    if (at != connections_.end()) on_hello(at->second, *std::exchange(at->second.early, std::nullopt));
  }
  recover();
}

void NodeImpl::recover() {
  auto reconciled = [this] { begin_election(); };
  // Claimed half made it would be taken for whole at the next start, and its files for nobody's.
  auto rebuilt = [this](const Status& status) {
    if (status.ok()) return begin_election();
    const std::string text = "the catalog could not be rebuilt: " + status.error().text() + "; it is tried again ";
    if (services_.catalog_failed) {
      services_.log(LogLevel::error, "catalog_rebuild_failed", text + "at the next start");
      return take_part(status);
    }
    if (services_.news(text)) services_.log(LogLevel::error, "catalog_rebuild_failed", text + "every second, and this node takes no part before");
    services_.ports.timers->after(std::chrono::seconds(1), services_.guard([this] { recover(); }));
  };
  const std::optional<Incarnation> owner = services_.ports.catalog->owner();
  if (services_.shared()) {  // The leader takes care of it, when it takes it.
    services_.ports.executor->post(services_.guard(std::move(reconciled)));
  } else if (owner && owner->is_zero()) {
    rebuild(services_, services_.guard(std::move(rebuilt)));
  } else {
    reconcile(services_, services_.guard(std::move(reconciled)));
  }
}

/// State, then catalog: until both bear this incarnation it makes no promise.
void NodeImpl::begin_election() {
  Catalog& catalog = *services_.ports.catalog;
  const bool claimed = services_.shared() || catalog.owner() == initial_state_.incarnation;
  if (driver_->has_state_failed() || claimed) return take_part({});
  catalog.claim(initial_state_.incarnation, services_.guard([this](const Status& durable) { take_part(durable); }));
}

void NodeImpl::take_part(const Status& durable) {
  if (!durable.ok()) make_no_promises(durable.error());
  taking_part_ = true;
  update_fitness();
  driver_->feed([](Election& election, TimePoint now) { election.start(now); });
  dial_peers();
  arm_tick();
}

void NodeImpl::make_no_promises(const Error& why) {
  services_.log(LogLevel::error, "state_write_failed", "cannot write the state file or the catalog: " + why.text());
  driver_->state_failed();
}

void NodeImpl::arm_tick() {
  tick_timer_ = services_.ports.timers->after(services_.config.timing.heartbeat, services_.guard([this] {
    tick();
    arm_tick();
  }));
}

void NodeImpl::tick() {
  // The word that this node stepped down may wait behind a disk that is slow.
  if ((services_.serving || tenure_.lasts()) && services_.view().role != ElectionRole::leader) leave_office();
  update_fitness();
  uploads_.tick();
  deletes_.tick();
  push_.tick();
  takeover_.tick();
  parked_.expire();
  landing_.tick();
  const std::size_t uploads = uploads_.in_flight() + replicas_.in_flight();
  if (!services_.shared()) repair_.tick(uploads);
  scrub_.tick(uploads + repair_.in_flight() == 0);
  burial_.tick();
  collection_.tick();
  make_way_when_full();
  tell_of_the_silent();
  make_way_when_hanging();
  membership_.tick();
  continue_handover();
  forget_departed();
  keep_bulk_links_awake();
}

/// They are idle between uploads, and closing them for that would cost the next upload a handshake.
void NodeImpl::keep_bulk_links_awake() {
  if (services_.now() - links_used_at_ < limits::kIdleTimeout / 3) return;
  links_used_at_ = services_.now();
  for (const auto& [id, link] : services_.links) {
    if (link.bulk_up) (void)services_.send(link.bulk, wire::Ping{});
  }
}

void NodeImpl::drain(Duration patience, Callback<void()> done) {
  if (handover_) end_handover();
  services_.draining = true;
  handover_ = Handover{kNobody, services_.now() + patience, std::nullopt, std::move(done), {}};
  continue_handover();
}

void NodeImpl::continue_handover() {
  if (!handover_) return;
  const TimePoint now = services_.now();
  const bool leads = services_.view().role == ElectionRole::leader;
  constexpr auto kTransferPatience = std::chrono::milliseconds(600);
  if (leads && !handover_->asked_at) {
    if (uploads_.in_flight() + deletes_.in_flight() > 0 && now < handover_->give_up_waiting) return;
    handover_->asked_at = now;
    bool sent = false;
    driver_->feed([&](Election& election, TimePoint at) {
      sent = election.transfer_to(handover_->to, at);
      if (sent && !handover_->askers.empty()) election.hold_down(at);
    });
    if (sent) return;
    handover_->asked_at.reset();
  } else if (leads && now - *handover_->asked_at < kTransferPatience) {
    return;
  }
  end_handover();
}

void NodeImpl::end_handover() {
  Handover ended = std::move(*handover_);
  handover_.reset();
  if (!ended.done) services_.draining = false;
  const bool leads = services_.view().role == ElectionRole::leader;
  for (const auto& [connection, request] : ended.askers) {
    if (!leads) {
      (void)services_.send(connection, wire::StepDownResult{request, services_.view().leader});
    } else if (ended.asked_at) {
      services_.send_error(connection, request, Errc::timed_out, "the successor did not take over");
    } else {
      services_.send_error(connection, request, Errc::refused, "no other member can lead: none is connected and healthy");
    }
  }
  if (ended.done) services_.ports.executor->post(std::move(ended.done));
}

void NodeImpl::reload(const Config& config) {
  services_.config.image_bytes_max = config.image_bytes_max;
  services_.config.accept_any = config.accept_any;
  services_.config.repair_bytes_per_second = config.repair_bytes_per_second;
  services_.config.scrub_interval = config.scrub_interval;
  services_.config.scrub_bytes_per_second = config.scrub_bytes_per_second;
  bully_->set_takeover(config.takeover);
  services_.config.peers = config.peers;
  std::vector<NodeId> ids;
  for (const PeerAddress& peer : config.peers) {
    addresses_[peer.id] = peer.address;
    ids.push_back(peer.id);
  }
  driver_->feed([&](Election& election, TimePoint now) { election.set_configured(std::move(ids), now); });
  dial_peers();
  membership_.on_config_changed();
  update_fitness();
  services_.log(LogLevel::info, "node_reloaded", "configuration reloaded: peers, limits, takeover, log level and keys are in force; other "
                                "changes need a restart");
}

NodeStatus NodeImpl::status() const {
  NodeStatus out;
  out.id = services_.self;
  out.election = services_.view();
  out.recovered = taking_part_;
  out.serving = services_.serving;
  out.catalog = services_.ports.catalog->summary();
  out.store = store_status();
  out.under_replicated = under_replicated();
  out.oldest_verified_ms = scrub_.oldest_verified_ms();
  out.membership_note = note();
  out.uploads_in_flight = uploads_.in_flight() + replicas_.in_flight();
  out.bytes_in_flight = uploads_.bytes_in_flight();
  out.counters = services_.counters;
  return out;
}

}  // namespace cloudp2p::core
