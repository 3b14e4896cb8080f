#include "nemesis/injector.hpp"

#include "nemesis/sandbox.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nemesis {

using Clock = std::chrono::steady_clock;
using cloudp2p::sim::Random;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kFlapEvery{200};

using Directions = std::vector<std::pair<unsigned, unsigned>>;

void both_ways(Directions& out, unsigned a, unsigned b) {
  out.emplace_back(a, b);
  out.emplace_back(b, a);
}

/// All nodes in an order that the dice decide.
std::vector<unsigned> shuffled(unsigned count, Random& random) {
  std::vector<unsigned> out;
  for (unsigned node = 1; node <= count; ++node)
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(random.below(out.size() + 1)), node);
  return out;
}

Directions isolation(unsigned node, unsigned count, Random random) {
  Directions out;
  for (unsigned other = random.percent(50) ? kClients : 1; other <= count; ++other) {
    if (other != node) both_ways(out, node, other);
  }
  return out;
}

/// `bridge`: the last one of the order stays connected to all.
Directions division(unsigned count, bool bridge, Random random) {
  const std::vector<unsigned> order = shuffled(count, random);
  const std::size_t members = order.size() - (bridge ? 1 : 0);
  const std::size_t left = members / 2;
  const std::uint64_t clients = random.below(4);  // They see all, the left side, the right side, all.
  Directions out;
  for (std::size_t a = 0; a < members; ++a) {
    if ((clients == 1 && a >= left) || (clients == 2 && a < left)) both_ways(out, kClients, order[a]);
    for (std::size_t b = left; a < left && b < members; ++b)
      both_ways(out, order[a], order[b]);
  }
  return out;
}

Directions one_way(unsigned node, unsigned count, Random random) {
  const bool outwards = random.percent(50);
  const bool one_only = random.percent(40);
  const auto only = static_cast<unsigned>(random.between(1, count));
  Directions out;
  for (unsigned other = random.percent(30) ? kClients : 1; other <= count; ++other) {
    if (other == node || (one_only && other != only)) continue;
    out.push_back(outwards ? std::pair(node, other) : std::pair(other, node));
  }
  return out;
}

}  // namespace

Injector::Injector(Network& network, Nodes& nodes, Book& book) : network_(network), nodes_(nodes), book_(book) {
  for (unsigned node = 1; node <= nodes.count(); ++node)
    proxies_.push_back(std::make_unique<Proxy>(network, node));
}

void Injector::note(const std::string& what) {
  diary_ += fmt::format("{:9.3f} s  {}\n", book_.seconds(), what);
}

void Injector::run(const std::vector<Event>& schedule, Load& load, std::chrono::seconds length) {
  const auto start = Clock::now();
  std::multimap<Clock::time_point, std::pair<std::string, Undo>> endings;
  auto next = schedule.begin();
  const auto over = [&] { return Clock::now() - start > length || asked_to_end() || !book_.clean(); };
  (void)support::eventually(
      [&] {
        if (next != schedule.end() && Clock::now() >= start + next->at) {
          const unsigned leader = load.last_leader();
          const unsigned node = next->leader && leader != 0 ? leader : next->node;
          const std::string what = fmt::format("{}: node {}{}", name_of(next->fault), node,
                                               next->clients_too ? ", and all clients give up" : "");
          note(what);
          ++counts_[next->fault];
          if (Undo undo = inject(*next, node, load))
            endings.emplace(Clock::now() + next->lasts, std::pair(what, std::move(undo)));
          if (next->clients_too) load.cancel_all();
          ++next;
        }
        while (!endings.empty() && endings.begin()->first <= Clock::now()) {
          note("over: " + endings.begin()->second.first);
          endings.begin()->second.second();
          endings.erase(endings.begin());
        }
        flap_now();
        for (const std::string& surprise : nodes_.surprises())
          book_.violated(surprise);
        return over();
      },
      length + std::chrono::minutes(1));
  for (auto& [at, ending] : endings)
    ending.second();
}

Injector::Undo Injector::inject(const Event& event, unsigned node, Load& load) {
  switch (event.fault) {
    case Fault::kill:
    case Fault::freeze:
    case Fault::restart_all:
    case Fault::full_disk:
    case Fault::bit_flip: return inject_process(event, node);
    case Fault::delay:
    case Fault::half_open:
    case Fault::reset: return inject_proxy(event, node);
    case Fault::clock_step: step_clock(node, event.dice); return {};
    case Fault::cancel: load.cancel(event.dice); return {};
    default: return inject_network(event, node);
  }
}

Injector::Undo Injector::inject_process(const Event& event, unsigned node) {
  if (event.fault == Fault::kill) {
    nodes_.kill(node);
    return [this, node] { nodes_.start(node); };
  }
  if (event.fault == Fault::freeze) {
    nodes_.freeze(node);
    return [this, node] { nodes_.thaw(node); };
  }
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

Injector::Undo Injector::cut(Directions directions) {
  for (const auto& [from, to] : directions)
    network_.cut(from, to);
  network_.apply();
  return [this, directions = std::move(directions)] {
    for (const auto& [from, to] : directions)
      network_.join(from, to);
    network_.apply();
  };
}

Injector::Undo Injector::inject_network(const Event& event, unsigned node) {
  Random random(event.dice);
  if (event.fault == Fault::isolate) return cut(isolation(node, nodes_.count(), random));
  if (event.fault == Fault::split) return cut(division(nodes_.count(), false, random));
  if (event.fault == Fault::bridge) return cut(division(nodes_.count(), true, random));
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

Injector::Undo Injector::flap(unsigned node) {
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

Injector::Undo Injector::inject_proxy(const Event& event, unsigned node) {
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
    nodes_.thaw(node);
    nodes_.empty_disk(node);
    nodes_.start(node);
  }
}

}  // namespace nemesis
