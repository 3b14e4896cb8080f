#include "sim/history.hpp"

#include <fmt/format.h>

namespace cloudp2p::sim {
namespace {

constexpr std::uint8_t kSawAbsent = 1;
constexpr std::uint8_t kSawPresent = 2;
constexpr std::uint8_t kEffective = 4;

constexpr std::uint8_t seen(bool present) {
  return present ? kSawPresent : kSawAbsent;
}

}  // namespace

void History::World::become(bool present_now) {
  present = present_now;
  for (auto& [call, lived] : pending)
    lived = static_cast<std::uint8_t>(lived | seen(present));
}

History::Call History::begins(Act act, TimePoint now) {
  const Call call = lines_.size();
  lines_.push_back(Line{act, now, {}, nullptr});
  has_removes_ = has_removes_ || act == Act::remove;
  std::set<World> next;
  for (World world : worlds_) {
    world.pending.emplace(call, seen(world.present));
    next.insert(std::move(world));
  }
  worlds_ = std::move(next);
  return call;
}

std::set<History::World> History::reachable() const {
  std::set<World> out = worlds_;
  std::vector<World> open(worlds_.begin(), worlds_.end());
  const auto visit = [&](World world) {
    if (out.insert(world).second) open.push_back(std::move(world));
  };
  while (!open.empty()) {
    const World from = std::move(open.back());
    open.pop_back();
    for (const auto& [call, lived] : from.pending) {
      const Act act = lines_[call].act;
      if (act == Act::read || (act == Act::remove && (lived & kEffective) != 0)) continue;
      World next = from;
      next.pending[call] = static_cast<std::uint8_t>(lived | kEffective);
      next.become(act == Act::put);
      visit(std::move(next));
    }
    if (lost_put_ && !from.present) {
      World next = from;
      next.become(true);
      visit(std::move(next));
    }
    if (from.lost_removes > 0 && from.present) {
      World next = from;
      --next.lost_removes;
      next.become(false);
      visit(std::move(next));
    }
  }
  return out;
}

template <class Fits>
bool History::keep(Call call, Fits fits) {
  const std::set<World> all = reachable();
  std::set<World> kept;
  std::set<World> any;
  for (const World& world : all) {
    World next = world;
    next.pending.erase(call);
    if (fits(world.pending.at(call))) kept.insert(next);
    any.insert(std::move(next));
  }
  const bool explained = !kept.empty();
  // What can not be explained is said once: from here on anything goes.
  worlds_ = explained ? std::move(kept) : std::move(any);
  return explained;
}

bool History::put_succeeded(Call call, TimePoint now) {
  const bool explained = keep(call, [](std::uint8_t lived) { return (lived & kEffective) != 0; });
  ended(call, "stored", now);
  return explained;
}

bool History::removed(Call call, TimePoint now) {
  const bool explained = keep(call, [](std::uint8_t lived) { return (lived & kEffective) != 0; });
  ended(call, "deleted", now);
  return explained;
}

bool History::found(Call call, bool present, TimePoint now) {
  const bool explained = keep(call, [present](std::uint8_t lived) {
    return (lived & seen(present)) != 0 && (lived & kEffective) == 0;
  });
  ended(call, present ? "there" : "not there", now);
  return explained;
}

void History::lost(Call call, TimePoint now) {
  const Act act = lines_[call].act;
  if (act == Act::put) lost_put_ = true;
  std::set<World> next;
  for (World world : worlds_) {
    const bool effective = (world.pending.at(call) & kEffective) != 0;
    world.pending.erase(call);
    if (act == Act::remove && !effective) ++world.lost_removes;
    next.insert(std::move(world));
  }
  worlds_ = std::move(next);
  ended(call, "unknown", now);
}

void History::ended(Call call, const char* answer, TimePoint now) {
  lines_[call].ended = now;
  lines_[call].answer = answer;
}

std::string History::text() const {
  static constexpr const char* kActs[] = {"put", "remove", "read"};
  const auto ms = [](TimePoint at) {
    return std::chrono::duration<double, std::milli>(at.time_since_epoch()).count();
  };
  std::string out;
  for (const Line& line : lines_) {
    const std::string end = line.answer == nullptr ? "under way" : fmt::format("{:.3f} {}", ms(line.ended), line.answer);
    out += fmt::format("  {:6} {:.3f} to {}\n", kActs[static_cast<int>(line.act)], ms(line.begun), end);
  }
  return out;
}

}  // namespace cloudp2p::sim
