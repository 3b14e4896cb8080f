// A cluster of BullyElections in virtual time: a network that delays, loses and cuts, disks that take a moment, crashes
// that forget what was not saved. Checks invariants I1-I3 (docs/protocol.md) on every message and action.
#pragma once

#include <cloudp2p/bully_election.hpp>

#include <functional>
#include <memory>
#include <random>

namespace election_test {

using namespace cloudp2p;
using namespace std::chrono_literals;

inline NodeId id_of(unsigned number) {
  return NodeId{number};
}

inline Fitness fit(bool caught_up, std::uint64_t missing) {
  Fitness fitness;
  fitness.caught_up = caught_up;
  fitness.report.missing = missing;
  return fitness;
}

struct Setup {
  unsigned nodes = 3;
  Quorum quorum = Quorum::majority;
  Takeover takeover = Takeover::polite;
  unsigned seed = 1;
  Duration save = 2ms;  ///< What the disk takes for a state.
};

class Cluster {
 public:
  struct Lead {
    NodeId leader;
    Term term;
    TimePoint at;
    bool higher_silent;
  };

  explicit Cluster(Setup setup) : setup_(setup), random_(setup.seed) {
    for (unsigned n = 1; n <= setup_.nodes; ++n)
      nodes_[id_of(n)];
  }

  // What happens to machines.

  void boot(unsigned number) {
    Machine& machine = at(number);
    if (!machine.disk) {
      machine.disk = DurableState{};
      machine.disk->node = id_of(number);
      machine.disk->incarnation = random_bytes<Incarnation>();
    }
    BullyOptions options;
    options.self = id_of(number);
    for (const auto& [id, other] : nodes_)
      options.configured.push_back(id);
    options.quorum = setup_.quorum;
    options.takeover = setup_.takeover;
    options.fresh_cluster = random_bytes<ClusterId>();
    machine.election = std::make_unique<BullyElection>(options, *machine.disk);
    machine.election->set_fitness(machine.fitness, now_);
    machine.election->start(now_);
    pump(id_of(number));
    for (const auto& [id, other] : nodes_)
      connect(id_of(number), id);
  }
  void boot_all() {
    for (unsigned n = 1; n <= setup_.nodes; ++n)
      boot(n);
  }
  /// SIGKILL: the peers' connections break, and a moment later their redials are refused.
  void crash(unsigned number) {
    at(number).forget();
    for (auto& [id, other] : nodes_) {
      if (!other.election || blocked(id, id_of(number))) continue;
      down(id, id_of(number), PeerLoss::closed);
      after(1ms, [this, id = id, number] {
        if (!at(number).election) down(id, id_of(number), PeerLoss::refused);
      });
    }
  }
  void wipe(unsigned number) {
    crash(number);
    at(number).disk.reset();
  }
  /// SIGSTOP: connections stay, nothing is answered; messages wait.
  void freeze(unsigned number) { at(number).frozen = true; }
  void thaw(unsigned number) {
    at(number).frozen = false;
    for (auto& work : std::exchange(at(number).waiting, {}))
      work();
  }
  /// Messages take that much longer, both ways.
  void set_far(unsigned a, unsigned b, Duration delay) { far_[{id_of(a), id_of(b)}] = far_[{id_of(b), id_of(a)}] = delay; }
  /// A save that takes long: what the election decides waits behind it, what it hears it hears.
  void hang_disk(unsigned number) { at(number).saving = true; }
  void disk_goes_on(unsigned number) {
    at(number).saving = false;
    pump(id_of(number));
  }
  /// Messages in one direction vanish; nobody is told.
  void mute(unsigned from, unsigned to) { muted_.insert({id_of(from), id_of(to)}); }
  /// Both directions vanish, and after a second both ends notice.
  void isolate(unsigned number) {
    for (const auto& [id, other] : nodes_)
      separate(number, value(id));
  }
  void separate(unsigned a, unsigned b) {
    if (a == b) return;
    mute(a, b);
    mute(b, a);
    after(1s, [this, a, b] {
      if (blocked(id_of(a), id_of(b))) down(id_of(a), id_of(b), PeerLoss::silent);
      if (blocked(id_of(b), id_of(a))) down(id_of(b), id_of(a), PeerLoss::silent);
    });
  }
  void heal() {
    muted_.clear();
    for (const auto& [a, one] : nodes_) {
      for (const auto& [b, two] : nodes_) {
        if (a < b) connect(a, b);
      }
    }
  }
  void set_loss(double probability) { loss_ = probability; }
  void set_fitness(unsigned number, const Fitness& fitness) {
    at(number).fitness = fitness;
    if (!at(number).election) return;
    at(number).election->set_fitness(fitness, now_);
    pump(id_of(number));
  }
  /// As with a full disk.
  void only_votes(unsigned number) {
    Fitness fitness = at(number).fitness;
    fitness.can_lead = false;
    set_fitness(number, fitness);
  }
  bool transfer(unsigned from, NodeId to = kNobody) {
    const bool begun = at(from).election->transfer_to(to, now_);
    pump(id_of(from));
    return begun;
  }

  // What is seen.

  [[nodiscard]] BullyElection& election(unsigned number) { return *at(number).election; }
  [[nodiscard]] const ElectionView& view(unsigned number) { return at(number).election->view(); }
  [[nodiscard]] bool alive(unsigned number) { return at(number).election != nullptr; }
  [[nodiscard]] bool leads(unsigned number) { return alive(number) && view(number).role == ElectionRole::leader; }
  /// Everybody alive follows this node, which leads a founded cluster.
  [[nodiscard]] bool settled_on(unsigned number) {
    if (!leads(number)) return false;
    for (const auto& [id, machine] : nodes_) {
      if (!machine.election) continue;
      const ElectionView& v = machine.election->view();
      if (v.leader != id_of(number) || v.term != view(number).term || !v.founded) return false;
    }
    return true;
  }
  [[nodiscard]] bool settled() {
    for (unsigned n = 1; n <= setup_.nodes; ++n) {
      if (settled_on(n)) return true;
    }
    return false;
  }
  [[nodiscard]] bool anybody_leads() {
    for (unsigned n = 1; n <= setup_.nodes; ++n) {
      if (leads(n)) return true;
    }
    return false;
  }
  [[nodiscard]] const std::vector<Lead>& leads_seen() const { return leads_; }
  [[nodiscard]] const std::vector<StepDown>& step_downs() const { return step_downs_; }
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] Duration lasted() const { return now_ - kBegin; }

  // Time.

  void run_for(Duration duration) {
    (void)run_until([] { return false; }, duration);
  }
  /// How long it took; nullopt when it did not happen within the limit.
  std::optional<Duration> run_until(const std::function<bool()>& condition, Duration limit) {
    const TimePoint begin = now_, end = now_ + limit;
    while (!condition()) {
      if (!step(end)) return std::nullopt;
    }
    return now_ - begin;
  }
  void after(Duration delay, std::function<void()> work) { events_.emplace(now_ + delay, std::move(work)); }
  unsigned random(unsigned below) { return static_cast<unsigned>(random_() % below); }

 private:
  struct Machine {
    std::optional<DurableState> disk;
    std::unique_ptr<BullyElection> election;
    std::deque<ElectionAction> outbox;
    bool saving = false;
    bool frozen = false;
    unsigned life = 0;  ///< Work that was begun before a crash checks it.
    std::vector<std::function<void()>> waiting;
    Fitness fitness{true, true, true, {}};

    void forget() {
      election.reset();
      outbox.clear();
      waiting.clear();
      saving = frozen = false;
      ++life;
    }
  };

  Machine& at(unsigned number) { return nodes_.at(id_of(number)); }
  bool blocked(NodeId from, NodeId to) const { return muted_.count({from, to}) != 0; }

  template <class Bytes>
  Bytes random_bytes() {
    Bytes out;
    for (std::byte& b : out.bytes)
      b = static_cast<std::byte>(random_() & 0xFF);
    return out;
  }

  void connect(NodeId a, NodeId b) {
    if (a == b || blocked(a, b) || blocked(b, a)) return;
    after(2ms, [this, a, b] {
      if (blocked(a, b) || blocked(b, a)) return;
      introduce(a, b);
      introduce(b, a);
    });
  }
  /// `to` reads the Hello of `peer`.
  void introduce(NodeId peer, NodeId to) {
    const Machine& from = nodes_.at(peer);
    if (!from.election || !nodes_.at(to).election) return;
    const ElectionView& v = from.election->view();
    const PeerIdentity identity{peer, v.incarnation, v.cluster, v.founded};
    input(to, [identity](BullyElection& election, TimePoint now) { election.on_peer_up(identity, now); });
  }
  void down(NodeId at, NodeId peer, PeerLoss loss) {
    input(at, [peer, loss](BullyElection& election, TimePoint now) { election.on_peer_down(peer, loss, now); });
  }
  void input(NodeId to, std::function<void(BullyElection&, TimePoint)> work) {
    Machine& machine = nodes_.at(to);
    if (!machine.election) return;
    if (machine.frozen) {
      machine.waiting.push_back([this, to, work] { input(to, work); });
      return;
    }
    work(*machine.election, now_);
    pump(to);
  }

  bool step(TimePoint end) {
    TimePoint next = end;
    Machine* due = nullptr;
    NodeId due_id = kNobody;
    for (auto& [id, machine] : nodes_) {
      if (!machine.election || machine.frozen) continue;
      const TimePoint deadline = std::max(now_, machine.election->next_deadline());
      if (deadline < next) next = deadline, due = &machine, due_id = id;
    }
    if (!events_.empty() && events_.begin()->first <= next) {
      now_ = std::max(now_, events_.begin()->first);
      auto event = events_.extract(events_.begin());
      event.mapped()();
      return true;
    }
    const bool stuck = next == now_ && ++steps_in_place_ > 10'000;
    if (next != now_) steps_in_place_ = 0;
    if (stuck) violations_.push_back("a deadline that is due stays due");
    now_ = next;
    if (due == nullptr || stuck) return false;
    due->election->on_deadline(now_);
    pump(due_id);
    return true;
  }

  /// Carries actions out in order; what stands behind a PersistState waits for the disk.
  void pump(NodeId id) {
    Machine& machine = nodes_.at(id);
    for (ElectionAction& action : machine.election->take_actions())
      machine.outbox.push_back(std::move(action));
    while (!machine.saving && !machine.outbox.empty()) {
      const ElectionAction action = std::move(machine.outbox.front());
      machine.outbox.pop_front();
      std::visit([&](const auto& a) { carry_out(id, machine, a); }, action);
    }
  }
  void carry_out(NodeId id, Machine& machine, const PersistState& action) {
    machine.saving = true;
    after(setup_.save, [this, id, life = machine.life, state = action.state] {
      Machine& m = nodes_.at(id);
      if (m.life != life) return;
      if (state.term < m.disk->term) violations_.push_back("I2: the term fell");
      m.disk = state;
      m.saving = false;
      pump(id);
    });
  }
  void carry_out(NodeId id, Machine& machine, const SendMessage& action) {
    check_vote(id, machine, action);
    if (blocked(id, action.to) || std::uniform_real_distribution<>(0, 1)(random_) < loss_) return;
    if (!nodes_.at(action.to).election) return;
    const unsigned life = nodes_.at(action.to).life;
    const auto far = far_.find({id, action.to});
    const Duration distance = far == far_.end() ? Duration::zero() : far->second;
    after(distance + 200us + std::chrono::microseconds(random(600)), [this, life, to = action.to, message = action.message] {
      if (nodes_.at(to).life != life) return;
      input(to, [message](BullyElection& election, TimePoint now) { election.on_message(message, now); });
    });
  }
  void carry_out(NodeId id, Machine&, const LeadTerm& action) {
    const auto [lead, fresh] = leader_of_.emplace(action.term, id);
    if (!fresh && lead->second != id && setup_.quorum == Quorum::majority)
      violations_.push_back("I1: two leaders in term " + std::to_string(action.term));
    leads_.push_back({id, action.term, now_, action.higher_silent});
  }
  void carry_out(NodeId, Machine&, const StepDown& action) { step_downs_.push_back(action); }
  void carry_out(NodeId, Machine& machine, const MembershipAdopted& action) {
    if (setup_.quorum == Quorum::none || !action.founded) return;
    const ClusterId cluster = machine.election->view().cluster;
    if (!founded_) founded_ = cluster;
    if (*founded_ != cluster) violations_.push_back("two clusters were founded");
  }
  void carry_out(NodeId, Machine& machine, const TakeoverAsked& action) {
    machine.election->transfer_to(action.by, now_);
    for (ElectionAction& a : machine.election->take_actions())
      machine.outbox.push_back(std::move(a));
  }
  template <class Other>
  void carry_out(NodeId, Machine&, const Other&) {}

  /// I3: what an incarnation promises in a term it promises to one candidate only.
  void check_vote(NodeId id, const Machine& machine, const SendMessage& action) {
    const auto* request = std::get_if<VoteRequest>(&action.message);
    const auto* vote = std::get_if<Vote>(&action.message);
    if (request == nullptr && (vote == nullptr || !vote->granted)) return;
    const Term term = request != nullptr ? request->term : vote->term;
    const NodeId candidate = request != nullptr ? id : action.to;
    const auto [promise, fresh] = votes_.emplace(std::make_tuple(id, machine.disk->incarnation, term), candidate);
    if (!fresh && promise->second != candidate) violations_.push_back("I3: two votes in term " + std::to_string(term));
  }

  Setup setup_;
  std::mt19937 random_;
  static constexpr TimePoint kBegin = TimePoint{} + 1h;
  TimePoint now_ = kBegin;
  std::map<NodeId, Machine> nodes_;
  std::multimap<TimePoint, std::function<void()>> events_;
  std::set<std::pair<NodeId, NodeId>> muted_;
  std::map<std::pair<NodeId, NodeId>, Duration> far_;
  double loss_ = 0;
  unsigned steps_in_place_ = 0;
  std::vector<Lead> leads_;
  std::vector<StepDown> step_downs_;
  std::vector<std::string> violations_;
  std::map<Term, NodeId> leader_of_;
  std::map<std::tuple<NodeId, Incarnation, Term>, NodeId> votes_;
  std::optional<ClusterId> founded_;
};

}  // namespace election_test
