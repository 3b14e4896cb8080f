#include "crash/exploration.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>
#include <unordered_set>

namespace crash {
namespace {

/// The promises that were out before the power went.
std::span<const Promise> told_before(const DiskLog& log, std::size_t calls) {
  const auto end = std::find_if(log.promises.begin(), log.promises.end(),
                                [calls](const Promise& promise) { return promise.calls > calls; });
  return {log.promises.begin(), end};
}

DiskImage image_of(const DiskModel& model, const StateId& id, std::uint64_t seed) {
  std::seed_seq mixed{seed, std::uint64_t{id.log}, std::uint64_t{id.calls}, std::uint64_t{id.number}};
  Random random(mixed);
  if (id.number == 0) return model.image(Variant::dropped, random);
  if (id.number == 1) return model.image(Variant::kept, random);
  return model.image(id.number % 2 == 0 ? Variant::scattered : Variant::journalled, random);
}

DiskImage image_after(const DiskLog& log, const StateId& id, const Plan& plan) {
  DiskModel model(plan.broken);
  for (std::size_t i = 0; i < id.calls; ++i) model.apply(log.calls.at(i));
  return image_of(model, id, plan.seed);
}

struct Walk {
  const std::vector<DiskLog>& logs;
  const Plan& plan;
  Judge& judge;
  Findings& findings;
};

void judge_cut(Walk& walk, const DiskModel& model, StateId id, std::unordered_set<std::uint64_t>& seen,
               std::set<std::pair<std::uint64_t, std::size_t>>& judged) {
  const std::span<const Promise> told = told_before(walk.logs[id.log], id.calls);
  const unsigned last = model.clean() ? 0 : 1 + walk.plan.random_states;
  ++walk.findings.cuts;
  for (id.number = 0; id.number <= last; ++id.number) {
    const DiskImage image = image_of(model, id, walk.plan.seed);
    const std::uint64_t hash = image.hash();
    if (seen.insert(hash).second) ++walk.findings.states;
    if (!judged.insert({hash, told.size()}).second) continue;
    ++walk.findings.starts;
    const Verdict verdict = walk.judge.judge(walk.logs[id.log].node, image, told);
    walk.findings.slowest = std::max(walk.findings.slowest, verdict.started_in);
    for (const std::string& fault : verdict.faults) {
      walk.findings.faults.emplace_back(id, fault);
      if (!walk.plan.until.empty() && fault.find(walk.plan.until) != std::string::npos) walk.findings.met = true;
    }
  }
}

void walk_log(Walk walk, std::size_t log) {
  DiskModel model(walk.plan.broken);
  std::unordered_set<std::uint64_t> seen;
  std::set<std::pair<std::uint64_t, std::size_t>> judged;
  const std::vector<DiskCall>& calls = walk.logs[log].calls;
  for (std::size_t made = 0; made <= calls.size(); ++made) {
    if (made > 0) model.apply(calls[made - 1]);
    if (made < walk.logs[log].given) continue;
    if (made % walk.plan.every != 0 && made != calls.size()) continue;
    judge_cut(walk, model, {log, made, 0}, seen, judged);
    if (walk.findings.faults.size() >= walk.plan.faults_max || walk.findings.met) return;
  }
}

void add(Findings& to, const Findings& from) {
  to.cuts += from.cuts;
  to.states += from.states;
  to.starts += from.starts;
  to.slowest = std::max(to.slowest, from.slowest);
  to.met = to.met || from.met;
  to.faults.insert(to.faults.end(), from.faults.begin(), from.faults.end());
}

}  // namespace

std::string to_string(const StateId& id) {
  return fmt::format("{}:{}:{}", id.log + 1, id.calls, id.number);
}

std::string Findings::summary() const {
  std::string out = fmt::format("{} cuts, {} different states, {} starts, the slowest {:.1f} ms, {} faults", cuts, states,
                                starts, static_cast<double>(slowest.count()) / 1000, faults.size());
  for (const auto& [id, fault] : faults) out += fmt::format("\n  state {}: {}", to_string(id), fault);
  return out;
}

std::optional<StateId> parse_state(const std::string& text) {
  StateId out;
  if (std::sscanf(text.c_str(), "%zu:%zu:%u", &out.log, &out.calls, &out.number) != 3 || out.log == 0) {
    return std::nullopt;
  }
  --out.log;
  return out;
}

Verdict judge_one(const Recording& recording, const StateId& id, const Plan& plan) {
  const DiskLog& log = recording.logs.at(id.log);
  Judge judge(recording.peers, recording.deleted);
  return judge.judge(log.node, image_after(log, id, plan), told_before(log, id.calls));
}

DiskLog record_start(const Recording& recording, const StateId& id, const Plan& plan) {
  const DiskLog& log = recording.logs.at(id.log);
  const DiskImage image = image_after(log, id, plan);
  Judge judge(recording.peers, recording.deleted);
  DiskLog out = judge.record_start(log.node, image);
  for (Promise promise : told_before(log, id.calls)) {
    promise.calls = 0;
    out.promises.push_back(promise);
  }
  return out;
}

Findings explore(const Recording& recording, const Plan& plan) {
  const std::vector<DiskLog>& logs = recording.logs;
  Findings out;
  std::mutex mutex;
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    Judge judge(recording.peers, recording.deleted);
    for (std::size_t log = next++; log < logs.size(); log = next++) {
      Findings mine;
      walk_log({logs, plan, judge, mine}, log);
      if (!judge.disk_intact()) mine.faults.push_back({{log, 0, 0}, "a stored image was written to in place"});
      const std::lock_guard lock(mutex);
      add(out, mine);
      if (out.met) return;
    }
  };
  std::thread other(work);
  work();
  other.join();
  return out;
}

}  // namespace crash
