#include "nemesis/injector.hpp"

#include "nemesis/cuts.hpp"
#include "nemesis/sandbox.hpp"

#include <fmt/format.h>

#include <utility>

namespace nemesis {

using Clock = std::chrono::steady_clock;
using cloudp2p::sim::Random;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kFlapEvery{200};
constexpr milliseconds kLookEvery{10};
constexpr milliseconds kElectionMax{3'000};
constexpr milliseconds kWitnessesAsk{40};  ///< Until their questions are on the way.

}  // namespace

Injector::Injector(Network& network, Nodes& nodes, Book& book) : network_(network), nodes_(nodes), book_(book) {
  for (unsigned node = 1; node <= nodes.count(); ++node)
    proxies_.push_back(std::make_unique<Proxy>(network, node));
}

void Injector::note(const std::string& what) {
  if (what.empty()) return;
  diary_ += fmt::format("{:9.3f} s  {}\n", book_.seconds(), what);
}

void Injector::later(milliseconds after, std::string what, Step step) {
  steps_.emplace(Clock::now() + after, std::pair(std::move(what), std::move(step)));
}

void Injector::run(const std::vector<Event>& schedule, Load& load, std::chrono::seconds length) {
  load_ = &load;
  const auto start = Clock::now();
  auto next = schedule.begin();
  (void)support::eventually(
      [&] {
        if (next != schedule.end() && Clock::now() >= start + next->at) inject(*next++);
        take_steps(Clock::now());
        flap_now();
        for (const std::string& surprise : nodes_.surprises())
          book_.violated(surprise);
        return Clock::now() - start > length || asked_to_end() || !book_.clean();
      },
      length + std::chrono::minutes(1));
  ending_ = true;
  while (!steps_.empty())
    take_steps(Clock::time_point::max());
}

void Injector::take_steps(Clock::time_point due) {
  while (!steps_.empty() && steps_.begin()->first <= due) {
    const auto [what, step] = std::move(steps_.begin()->second);
    steps_.erase(steps_.begin());
    note(what);
    step();
  }
}

void Injector::inject(const Event& event) {
  const unsigned leader = load_->last_leader();
  const unsigned node = event.leader && leader != 0 ? leader : event.node;
  if (event.fault == Fault::strand && stranding_) return;  // Two at a time would only hide each other.
  const std::string what = fmt::format("{}: node {}", name_of(event.fault), node);
  note(what + (event.clients_too ? ", and all clients give up" : ""));
  ++counts_[event.fault];
  if (Step undo = begin(event, node)) later(event.lasts, "over: " + what, std::move(undo));
  if (event.clients_too) load_->cancel_all();
}

Injector::Step Injector::begin(const Event& event, unsigned node) {
  switch (event.fault) {
    case Fault::kill:
    case Fault::power_off:
    case Fault::freeze:
    case Fault::pause:
    case Fault::blink:
    case Fault::restart_all:
    case Fault::full_disk:
    case Fault::bit_flip: return begin_process(event, node);
    case Fault::delay:
    case Fault::half_open:
    case Fault::reset: return begin_proxy(event, node);
    case Fault::strand: strand(node, event.dice); return {};
    case Fault::clock_step: step_clock(node, event.dice); return {};
    case Fault::cancel: load_->cancel(event.dice); return {};
    default: return begin_network(event, node);
  }
}

Injector::Step Injector::begin_process(const Event& event, unsigned node) {
  if (event.fault == Fault::kill) {
    nodes_.kill(node);
    return [this, node] { nodes_.start(node); };
  }
  if (event.fault == Fault::power_off) {
    power_off(node);
    return [this, node] { power_on(node); };
  }
  if (event.fault == Fault::freeze) {
    nodes_.freeze(node);
    return [this, node] { nodes_.thaw(node); };
  }
  if (event.fault == Fault::pause) return pause(node, event.dice);
  if (event.fault == Fault::blink) return blink(node, event.dice);
  if (event.fault == Fault::full_disk) {
    constexpr std::uint64_t kLeftBytes[] = {0, 64 * 1024, 1024 * 1024, 4'500'000};
    nodes_.fill_disk(node, kLeftBytes[event.dice % std::size(kLeftBytes)]);
    return [this, node] { nodes_.empty_disk(node); };
  }
  if (event.fault == Fault::bit_flip) {
    fickle_node_ = node;
    bits_flipped_ += nodes_.flip_bits(node, 1 + event.dice % 8, event.dice);
    return {};
  }
  for (unsigned each = 1; each <= nodes_.count(); ++each)
    nodes_.kill(each);
  return [this] {
    for (unsigned each = 1; each <= nodes_.count(); ++each)
      nodes_.start(each);
  };
}

Injector::Step Injector::pause(unsigned node, std::uint64_t dice) {
  constexpr milliseconds kDeaf{1'000};  // Longer than it believes in itself.
  const Step hears = dice % 3 != 0 ? cut(all_but(node, node, nodes_.count())) : Step();
  load_->wake_witnesses();
  later(kWitnessesAsk, {}, [this, node] { nodes_.pause(node); });
  return [=, this] {
    nodes_.resume(node);
    load_->wake_witnesses();
    if (hears) later(kDeaf, fmt::format("node {} hears the others again", node), hears);
  };
}

Injector::Step Injector::blink(unsigned node, std::uint64_t dice) {
  constexpr std::uint64_t kElectionMsMax = 1'200;
  Random random(dice);
  nodes_.kill(node);
  for (unsigned other = 1; other <= nodes_.count(); ++other) {
    if (other == node) continue;
    later(milliseconds(random.below(kElectionMsMax)), fmt::format("node {} is killed and started", other), [this, other] {
      if (!nodes_.running(other)) return;
      nodes_.kill(other);
      nodes_.start(other);
    });
  }
  return [this, node] { nodes_.start(node); };
}

void Injector::step_clock(unsigned node, std::uint64_t dice) {
  constexpr std::uint64_t kHourNs = 3'600ULL * 1'000'000'000;
  constexpr std::uint64_t kSuspendNsMax = 20ULL * 1'000'000'000;
  Random random(dice);
  if (!kClocksMove) return;
  if (random.percent(50)) {
    nodes_.clocks(node).step_boot(static_cast<std::int64_t>(random.below(kSuspendNsMax) >> random.below(8)));
  } else {
    nodes_.clocks(node).step_wall(static_cast<std::int64_t>(random.below(2 * kHourNs)) -
                                  static_cast<std::int64_t>(kHourNs));
  }
}

void Injector::power_off(unsigned node) {
  for (unsigned other = kClients; other <= nodes_.count(); ++other)
    network_.cut(node, other);
  network_.apply();
  nodes_.kill(node);
}

void Injector::power_on(unsigned node) {
  for (unsigned other = kClients; other <= nodes_.count(); ++other)
    network_.join(node, other);
  network_.apply();
  nodes_.start(node);
}

Injector::Step Injector::cut(Directions directions) {
  for (const auto& [from, to] : directions)
    network_.cut(from, to);
  network_.apply();
  return [this, directions = std::move(directions)] {
    for (const auto& [from, to] : directions)
      network_.join(from, to);
    network_.apply();
  };
}

Injector::Step Injector::begin_network(const Event& event, unsigned node) {
  Random random(event.dice);
  if (event.fault == Fault::isolate) return cut(isolation(node, nodes_.count(), random));
  if (event.fault == Fault::split) return cut(division(nodes_.count(), false, event.leader ? node : 0, random));
  if (event.fault == Fault::bridge) return cut(division(nodes_.count(), true, event.leader ? node : 0, random));
  if (event.fault == Fault::one_way) return cut(one_way(node, nodes_.count(), random));
  if (event.fault == Fault::flap) return flap(node);
  const auto percent = static_cast<unsigned>(random.between(2, 30));
  const bool everywhere = random.percent(50);
  const auto set = [this, node, everywhere](unsigned value) {
    for (unsigned end = 0; end <= nodes_.count(); ++end) {
      if (everywhere || end == node) network_.lose(end, value);
    }
    network_.apply();
  };
  set(percent);
  return [set] { set(0); };
}

void Injector::strand(unsigned leader, std::uint64_t dice) {
  stranding_ = true;
  Random random(dice);
  const unsigned count = nodes_.count();
  const auto other = static_cast<unsigned>(random.between(1, count - 1));
  const unsigned heir = other < leader ? other : other + 1;
  const milliseconds gone(random.between(30, 400));       // Less than it takes the others to miss their leader.
  const milliseconds leads(random.between(0, 250));       // Less than it takes repair to spread what the heir knows.
  const milliseconds down(random.between(2'500, 5'000));  // The others have to elect one first.
  const Step meet_leader = cut(all_but(leader, heir, count));
  later(gone, fmt::format("strand: node {} loses power, only node {} can lead", leader, heir), [=, this] {
    power_off(leader);
    load_->cancel_all();
    meet_leader();
    const Step meet_others = cut(star(heir, count));
    when_it_leads(heir, Clock::now() + kElectionMax, [=, this] {
      later(leads, fmt::format("strand: node {} is cut off, the others see each other", heir), [=, this] {
        const Step meet_heir = cut(all_but(heir, heir, count));
        meet_others();
        later(down, fmt::format("strand: over, node {} returns", leader), [=, this] {
          meet_heir();
          power_on(leader);
          stranding_ = false;
        });
      });
    });
  });
}

void Injector::when_it_leads(unsigned node, Clock::time_point at_latest, Step then) {
  if (ending_ || load_->last_leader() == node || Clock::now() >= at_latest) return then();
  later(kLookEvery, {}, [=, this] { when_it_leads(node, at_latest, then); });
}

Injector::Step Injector::flap(unsigned node) {
  if (flapping_.emplace(node, true).second) flap_at_ = Clock::now();
  return [this, node] {
    flapping_.erase(node);
    network_.plug(node, true);
  };
}

void Injector::flap_now() {
  if (flapping_.empty() || Clock::now() < flap_at_) return;
  flap_at_ = Clock::now() + kFlapEvery;
  for (auto& [node, in] : flapping_) {
    in = !in;
    network_.plug(node, in);
  }
}

Injector::Step Injector::begin_proxy(const Event& event, unsigned node) {
  Proxy& proxy = *proxies_.at(node - 1);
  if (event.fault == Fault::delay) proxy.delay(milliseconds(5 + event.dice % 300));
  network_.through_proxy(node, true);
  network_.apply();
  if (event.fault == Fault::half_open) proxy.swallow(true);
  return [this, node, &proxy, fault = event.fault] {
    if (fault == Fault::delay) proxy.delay(milliseconds(0));
    if (fault == Fault::half_open) proxy.swallow(false);
    if (fault == Fault::reset) proxy.reset_all();
    network_.through_proxy(node, false);
    network_.apply();
  };
}

void Injector::heal() {
  for (unsigned node = 1; node <= nodes_.count(); ++node) {
    nodes_.resume(node);
    nodes_.thaw(node);
    nodes_.empty_disk(node);
    nodes_.start(node);
  }
}

}  // namespace nemesis
