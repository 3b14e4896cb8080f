#include "health.hpp"

#include <algorithm>

namespace client {

using cloudp2p::ClusterView;
using cloudp2p::MemberView;
using cloudp2p::StoreHealth;

const char* const kNoQuorumRule =
    "quorum \"none\": acknowledgements say how many copies exist; the sides of a partition both write";

namespace {

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

/// Of one node; empty when it is as it should be.
std::string problem_of(const MemberView& member) {
  const std::string node = "node " + to_string(member.id);
  if (!member.member) return member.reachable ? node + " is no member" : "";  // What is only configured may be off.
  if (!member.reachable) return node + " at " + cloudp2p::printable(member.address) + " is unreachable";
  if (member.silent.count() > 0) return node + " is connected and has not answered for " + seconds_of(member.silent);
  const std::string health = health_of(member);
  if (health != "ok") return "the store of " + node + " is " + health;
  if (!member.voter) return node + " still learns, and does not vote";
  return member.other_file ? "the file of " + node + " lists other nodes" : "";
}

}  // namespace

std::string seconds_of(std::chrono::milliseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

std::size_t copies_wanted(const ClusterView& view) {
  if (view.shared) return 1;
  return static_cast<std::size_t>(
      std::count_if(view.members.begin(), view.members.end(), [](const MemberView& member) { return member.member; }));
}

const char* role_of(const ClusterView& view, const MemberView& member) {
  if (!member.reachable) return "unreachable";
  if (member.id == view.leader) return "leader";
  return member.voter ? "follower" : "learner";
}

const char* health_of(const MemberView& member) {
  return name(static_cast<StoreHealth>(member.report.health));
}

const char* name_of(Condition condition) {
  switch (condition) {
    case Condition::ok: return "ok";
    case Condition::degraded: return "degraded";
    case Condition::down: return "down";
    case Condition::unknown: break;
  }
  return "unknown";
}

bool waits(const ClusterView& view) {
  return view.leader == view.answered_by && view.leader != cloudp2p::kNobody && !view.serving;
}

Verdict verdict_on(const ClusterView& view) {
  Verdict out;
  if (view.leader == cloudp2p::kNobody) out.problems.push_back("no node leads");
  else if (waits(view)) out.problems.push_back("node " + to_string(view.leader) + " leads and does not serve yet");
  for (const MemberView& member : view.members)
    if (std::string problem = problem_of(member); !problem.empty()) out.problems.push_back(std::move(problem));
  if (view.under_replicated > 0)
    out.problems.push_back(counted(view.under_replicated, "image", "images") + " with fewer than " +
                           counted(copies_wanted(view), "copy", "copies"));
  if (!view.change.empty()) out.problems.push_back("members: " + cloudp2p::printable(view.change));
  if (view.leader == cloudp2p::kNobody || waits(view)) {
    out.condition = Condition::down;
  } else if (!out.problems.empty()) {
    out.condition = Condition::degraded;
  }
  return out;
}

Verdict verdict_on(const cloudp2p::Error& error) {
  const bool down = exit_code(error.code) == exit_status_of(Condition::down);
  return {down ? Condition::down : Condition::unknown, {error.text() + next_step(error)}};
}

std::uint64_t images_of_leader(const ClusterView& view) {
  for (const MemberView& member : view.members)
    if (member.id == view.leader) return member.report.images;
  return 0;
}

std::uint64_t copies_behind(const ClusterView& view, std::uint64_t images_before) {
  const std::uint64_t expected = std::min(images_before, images_of_leader(view));
  std::uint64_t out = 0;
  for (const MemberView& member : view.members) {
    if (!member.member) continue;
    out += member.report.missing + (expected > member.report.images ? expected - member.report.images : 0);
  }
  return out;
}

int exit_status_of(Condition condition) {
  constexpr int kSomeFailed = 3;
  if (condition == Condition::ok) return 0;
  return condition == Condition::degraded ? kSomeFailed : exit_code(cloudp2p::Errc::no_leader);
}

std::string one_line(const ClusterView& view, const Verdict& verdict) {
  std::string out = std::string(name_of(verdict.condition)) + ": ";
  for (const std::string& problem : verdict.problems)
    out += problem + "; ";
  if (view.leader != cloudp2p::kNobody) out += "node " + to_string(view.leader) + " leads, ";
  const auto reachable = std::count_if(view.members.begin(), view.members.end(),
                                       [](const MemberView& member) { return member.member && member.reachable; });
  const auto members =
      std::count_if(view.members.begin(), view.members.end(), [](const MemberView& m) { return m.member; });
  out += std::to_string(reachable) + " of " + counted(static_cast<std::uint64_t>(members), "node", "nodes");
  std::uint64_t images = 0;
  for (const MemberView& member : view.members)
    images = std::max(images, member.reachable ? member.report.images : 0);
  return out + ", " + counted(images, "image", "images") + (view.quorum_none ? ", quorum none" : "");
}

void write_leader(cloudp2p::JsonWriter& json, cloudp2p::NodeId leader) {
  if (leader == cloudp2p::kNobody) {
    json.field("leader", nullptr);
  } else {
    json.field("leader", value(leader));
  }
}

void write_verdict(cloudp2p::JsonWriter& json, const Verdict& verdict) {
  json.field("condition", name_of(verdict.condition)).key("problems").begin_array();
  for (const std::string& problem : verdict.problems)
    json.value(problem);
  json.end_array();
}

}  // namespace client
