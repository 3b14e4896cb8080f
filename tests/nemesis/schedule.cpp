#include "nemesis/schedule.hpp"

#include "sim/random.hpp"

#include <algorithm>
#include <iterator>

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
    {"pause", 12, 800, 5'000},          {"blinking voters", 5, 1'500, 4'000},
    {"isolate a node", 10, 300, 5'000}, {"split", 10, 300, 5'000},      {"bridge node", 6, 300, 5'000},
    {"one-way cut", 10, 300, 5'000},    {"stranded writes", 8, 0, 0},   {"random loss", 6, 500, 6'000},
    {"flapping link", 6, 1'000, 5'000}, {"full disk", 6, 1'000, 8'000}, {"bit flips", 6, 0, 0},
    {"restart of all", 3, 50, 2'000},   {"delay", 6, 500, 6'000},       {"half-open", 6, 500, 6'000},
    {"reset", 6, 200, 3'000},           {"clock step", 6, 0, 0},        {"client gives up", 4, 0, 0},
};

constexpr milliseconds kStorm{16'000};
constexpr milliseconds kCalm{5'000};
constexpr milliseconds kQuietEnd{1'000};

Fault draw_fault(Random& random, const std::string& only) {
  std::vector<Fault> drawn;  // Each as often as it weighs.
  for (std::size_t index = 0; index < kFaults; ++index) {
    const bool wanted = std::string_view(kNatures[index].name).find(only) != std::string_view::npos;
    drawn.insert(drawn.end(), wanted ? kNatures[index].weight : 0, static_cast<Fault>(index));
  }
  return drawn[static_cast<std::size_t>(random.below(drawn.size()))];
}

}  // namespace

bool is_fault(const std::string& text) {
  return std::any_of(std::begin(kNatures), std::end(kNatures), [&](const Nature& nature) {
    return std::string_view(nature.name).find(text) != std::string_view::npos;
  });
}

const char* name_of(Fault fault) {
  return kNatures[static_cast<std::size_t>(fault)].name;
}

std::vector<Event> draw_schedule(std::uint64_t seed, unsigned nodes, std::chrono::seconds length,
                                 const std::string& only) {
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
    event.fault = draw_fault(random, only);
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

}  // namespace nemesis
