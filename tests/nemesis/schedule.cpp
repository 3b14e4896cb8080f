#include "nemesis/schedule.hpp"

#include "sim/random.hpp"

#include <fmt/format.h>

namespace nemesis {

using cloudp2p::sim::Random;
using std::chrono::milliseconds;

namespace {

struct Nature {
  const char* name;
  unsigned weight;  ///< How often, beside the others.
  unsigned shortest_ms;
  unsigned longest_ms;
};

constexpr Nature kNatures[kFaults] = {
    {"kill -9", 10, 50, 5'000},         {"power off", 8, 50, 5'000},    {"stop, continue", 12, 100, 4'000},
    {"isolate a node", 10, 300, 5'000}, {"split", 10, 300, 5'000},      {"bridge node", 6, 300, 5'000},
    {"one-way cut", 10, 300, 5'000},    {"stranded writes", 8, 0, 0},   {"random loss", 6, 500, 6'000},
    {"flapping link", 6, 1'000, 5'000}, {"full disk", 6, 1'000, 8'000}, {"bit flips", 6, 0, 0},
    {"restart of all", 3, 50, 2'000},   {"delay", 6, 500, 6'000},       {"half-open", 6, 500, 6'000},
    {"reset", 6, 200, 3'000},           {"clock step", 6, 0, 0},        {"client gives up", 4, 0, 0},
};

constexpr milliseconds kStorm{16'000};
constexpr milliseconds kCalm{5'000};
constexpr milliseconds kQuietEnd{1'000};

Fault draw_fault(Random& random) {
  unsigned sum = 0;
  for (const Nature& nature : kNatures)
    sum += nature.weight;
  auto dice = static_cast<unsigned>(random.below(sum));
  std::size_t index = 0;
  while (dice >= kNatures[index].weight)
    dice -= kNatures[index++].weight;
  return static_cast<Fault>(index);
}

}  // namespace

const char* name_of(Fault fault) {
  return kNatures[static_cast<std::size_t>(fault)].name;
}

std::vector<Event> draw_schedule(std::uint64_t seed, unsigned nodes, std::chrono::seconds length) {
  Random random(seed);
  const auto fickle = static_cast<unsigned>(random.between(1, nodes));  // The disk that flips bits.
  const milliseconds end = length;
  std::vector<Event> out;
  milliseconds at{500};
  milliseconds storm_ends = kStorm;
  // How densely they come is drawn too: from one after the other to three at a time.
  const auto gap_max = random.between(600, 3'000);
  while (at + kQuietEnd < end) {
    Event event;
    event.at = at;
    event.fault = draw_fault(random);
    const Nature& nature = kNatures[static_cast<std::size_t>(event.fault)];
    event.lasts = milliseconds(random.between(nature.shortest_ms, nature.longest_ms));
    event.lasts = std::min(event.lasts, storm_ends - std::min(at, storm_ends));
    event.leader = event.fault != Fault::bit_flip && (event.fault == Fault::strand || random.percent(40));
    event.node = static_cast<unsigned>(random.between(1, nodes));
    if (event.fault == Fault::bit_flip) event.node = fickle;
    event.clients_too = random.percent(25);
    event.dice = random.next();
    out.push_back(event);
    at += milliseconds(random.between(100, gap_max));
    if (at < storm_ends) continue;
    at = storm_ends + kCalm;
    storm_ends = at + kStorm;
  }
  return out;
}

std::string text_of(const Event& event) {
  const std::string where = event.leader ? "the leader, or node " : "node ";
  return fmt::format("{:9.3f} s for {:5.3f} s  {}: {}{} (dice {:016x})", static_cast<double>(event.at.count()) / 1000,
                     static_cast<double>(event.lasts.count()) / 1000, name_of(event.fault), where, event.node,
                     event.dice);
}

}  // namespace nemesis
