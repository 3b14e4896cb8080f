#include "core/membership_change.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {
namespace {

constexpr auto kHoldMax = std::chrono::milliseconds(1'500);         ///< Clients wait this long at most.
constexpr auto kUploadsPatience = std::chrono::milliseconds(500);  ///< For those under way when the hold began.
constexpr auto kFirstPause = std::chrono::seconds(5);
constexpr auto kLongestPause = std::chrono::seconds(60);
constexpr auto kDiffersPatience = std::chrono::seconds(5);   ///< For a while that is how every change looks.
constexpr auto kObstaclePatience = std::chrono::seconds(1);  ///< The others are reading their files, too.
/// A node that lacks no more than this catches up while clients wait.
constexpr std::uint64_t kNearlyComplete = 1'000;

std::vector<NodeId> sorted(std::vector<NodeId> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<NodeId> ids_of(const Membership& membership) {
  std::vector<NodeId> out;
  for (const Member& member : membership.members) out.push_back(member.id);
  return sorted(std::move(out));
}

std::vector<NodeId> ids_of(const Config& config) {
  std::vector<NodeId> out;
  for (const PeerAddress& peer : config.peers) out.push_back(peer.id);
  return sorted(std::move(out));
}

bool contains(const std::vector<NodeId>& ids, NodeId id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); }

std::string list(const std::vector<NodeId>& ids) {
  std::string out;
  for (const NodeId id : ids) out += (out.empty() ? "" : ", ") + to_string(id);
  return out;
}

}  // namespace

std::uint64_t digest_of_ids(std::vector<NodeId> ids) {
  std::uint64_t hash = 1469598103934665603ULL;
  for (const NodeId id : sorted(std::move(ids))) hash = (hash ^ value(id)) * 1099511628211ULL;
  return hash;
}

std::uint64_t MembershipChange::members_digest() const { return digest_of_ids(ids_of(services_.view().membership)); }

void MembershipChange::tick() {
  const ElectionView& view = services_.view();
  if (view.role == ElectionRole::leader && services_.serving) return lead();
  release();
  if (view.role != ElectionRole::leader) follow();
}

void MembershipChange::on_config_changed() {
  next_try_ = TimePoint{};
  pause_ = Duration::zero();
  kind_.clear();
}

void MembershipChange::on_stepped_down() {
  release();
  on_config_changed();
  text_.clear();
}

void MembershipChange::say(const std::string& kind, std::string text, Duration patience) {
  text_ = std::move(text);
  if (kind != kind_) {
    kind_ = kind;
    kind_since_ = services_.now();
    logged_ = text_.empty();
  }
  if (logged_ || text_.empty() || services_.now() - kind_since_ < patience) return;
  logged_ = true;
  services_.log(patience == Duration::zero() ? LogLevel::info : LogLevel::warning, "membership_waits", text_);
}

void MembershipChange::follow() {
  const Membership& membership = services_.view().membership;
  if (!services_.view().founded) return say("", "");
  const std::vector<NodeId> listed = ids_of(services_.config);
  const std::vector<NodeId> members = ids_of(membership);
  if (membership.find(services_.self) == nullptr) {
    return say("stranger " + list(members),
               fmt::format("this node is no member of the cluster (the members are {}): it votes for nobody and its copies "
                           "do not count; the leader adds it when the files of most nodes list it and it lacks nothing",
                           list(members)));
  }
  if (listed == members) return say("", "");
  say("differs " + list(members),
      fmt::format("this node's file lists {}, the members are {}: if the file is out of date, edit it and send SIGHUP",
                  list(listed), list(members)),
      kDiffersPatience);
}

void MembershipChange::lead() {
  if (services_.view().previous && !sabotaged(Rule::changes_are_committed)) {
    text_ = "a change of the members waits for a majority of the former and of the new ones";
    if (held_since_ && services_.now() - *held_since_ > kHoldMax) release();
    return;
  }
  const std::optional<Step> step = next_step();
  const std::vector<NodeId> listed = ids_of(services_.config);
  const bool last_to_go = step && step->add && !any_voter_of(listed);
  if (!contains(listed, services_.self) && !last_to_go) {
    release();
    say("leaving", "this leader's file does not list it any more: handing over, so that the next leader removes it");
    if (services_.now() < next_try_) return;
    next_try_ = services_.now() + kFirstPause;
    return actions_.hand_over();
  }
  if (!step) {
    release();
    pause_ = Duration::zero();
    return say("", "");
  }
  const std::string why_not = obstacle(*step);
  const std::string what = fmt::format("{} node {}", step->add ? "adding" : "removing", value(step->node));
  if (!why_not.empty()) {
    release();
    return say(what + (file_obstacle(*step).empty() ? " waits" : ": files"), what + ": " + why_not, kObstaclePatience);
  }
  say(what, what);
  attempt(*step);
}

/// Whether one of these could lead. If the file lists none of the members, a newcomer has to.
bool MembershipChange::any_voter_of(const std::vector<NodeId>& ids) const {
  const std::vector<NodeId> voters = services_.connected_voters();
  return std::any_of(voters.begin(), voters.end(), [&](NodeId id) { return contains(ids, id); });
}

/// Newcomers first, so that there are never fewer members than asked for.
std::optional<MembershipChange::Step> MembershipChange::next_step() const {
  const std::vector<NodeId> listed = ids_of(services_.config);
  const std::vector<NodeId> members = ids_of(services_.view().membership);
  std::vector<NodeId> add;
  std::vector<NodeId> remove;
  std::set_difference(listed.begin(), listed.end(), members.begin(), members.end(), std::back_inserter(add));
  std::set_difference(members.begin(), members.end(), listed.begin(), listed.end(), std::back_inserter(remove));
  const bool no_room = members.size() >= limits::kMembersMax;
  Step step;
  step.after = members;
  if (!add.empty() && !(no_room && !remove.empty())) {
    // Whoever is here and nearly complete goes before one that is not.
    const auto ready = std::find_if(add.begin(), add.end(), [&](NodeId id) { return nearly_complete(id); });
    step.node = ready == add.end() ? add.front() : *ready;
    step.add = true;
    step.after.push_back(step.node);
    return step;
  }
  if (remove.empty()) return std::nullopt;
  step.node = remove.front();
  step.after.erase(std::find(step.after.begin(), step.after.end(), step.node));
  return step;
}

std::string MembershipChange::file_obstacle(const Step& step) const {
  const std::uint64_t ours = digest_of_ids(ids_of(services_.config));
  std::size_t agree = 0;
  std::vector<NodeId> others;
  for (const NodeId id : step.after) {
    const auto report = services_.reports.find(id);
    const bool same = id == services_.self || (report != services_.reports.end() && report->second.report.peers_digest == ours);
    if (same) ++agree;
    if (!same) others.push_back(id);
  }
  if (agree >= majority_of(step.after.size())) return {};
  return fmt::format("the files of nodes {} list other nodes than this leader's, or these nodes are away: edit them and "
                     "send SIGHUP",
                     list(others));
}

std::string MembershipChange::obstacle(const Step& step) const {
  if (std::string files = file_obstacle(step); !files.empty()) return files;
  if (step.add && fresh_report(step.node) == nullptr) return "it can not be reached";
  if (step.add && !nearly_complete(step.node)) {
    const MemberReport& report = *fresh_report(step.node);
    const std::uint64_t images = services_.ports.catalog->summary().images;
    const std::uint64_t unlisted = images > report.images ? images - report.images : 0;
    const bool full = report.health != static_cast<std::uint8_t>(StoreHealth::ok);
    return fmt::format("it lacks {} images{}", std::min(images, report.missing + unlisted), full ? ", and its disk takes none" : "");
  }
  const auto near = [&](NodeId id) { return id == services_.self || nearly_complete(id); };
  const auto count = static_cast<std::size_t>(std::count_if(step.after.begin(), step.after.end(), near));
  if (count < majority_of(step.after.size())) return "too few of the others have all images";
  return {};
}

const MemberReport* MembershipChange::fresh_report(NodeId id) const {
  const auto link = services_.links.find(id);
  if (link == services_.links.end() || !link->second.control_up) return nullptr;
  return services_.report_within(id, 2 * services_.config.timing.failure_timeout);
}

bool MembershipChange::nearly_complete(NodeId id) const {
  const MemberReport* const report = fresh_report(id);
  if (report == nullptr || report->missing > kNearlyComplete) return false;
  if (services_.shared()) return true;
  // What a disk that takes nothing lacks, it will go on lacking.
  if (report->missing > 0 && report->health != static_cast<std::uint8_t>(StoreHealth::ok)) return false;
  if (sabotaged(Rule::copies_before_change)) return true;
  return report->images + kNearlyComplete >= services_.ports.catalog->summary().images;
}

/// Rule (iii). Roots are equal and nothing is missing in one report: then that node had all that this leader has now, and
/// whatever was acknowledged is here.
bool MembershipChange::complete(NodeId id) const {
  const CatalogSummary& own = services_.ports.catalog->summary();
  if (services_.shared()) return id == services_.self || fresh_report(id) != nullptr;
  if (id == services_.self) return own.missing == 0;
  const MemberReport* const report = fresh_report(id);
  return report != nullptr && report->missing == 0 && report->catalog_root == own.root;
}

bool MembershipChange::majority_complete(const Step& step) const {
  if (sabotaged(Rule::copies_before_change)) return true;
  if (step.add && !complete(step.node)) return false;
  const auto counts = [&](NodeId id) { return complete(id) && (id == step.node || services_.is_voter(id)); };
  const auto count = std::count_if(step.after.begin(), step.after.end(), counts);
  return static_cast<std::size_t>(count) >= majority_of(step.after.size());
}

void MembershipChange::attempt(const Step& step) {
  const TimePoint now = services_.now();
  if (now < next_try_) return;
  if (!held_since_) {
    held_since_ = now;
    services_.changing = true;
  }
  const bool quiet = actions_.in_flight() == 0 || now - *held_since_ >= kUploadsPatience;
  if (quiet && services_.pushing.empty() && majority_complete(step)) {
    MemberChange change;
    (step.add ? change.add : change.remove).push_back(step.node);
    if (sabotaged(Rule::one_change_at_a_time) && step.add) {
      for (const PeerAddress& peer : services_.config.peers) {
        if (peer.id != step.node && services_.view().membership.find(peer.id) == nullptr) change.add.push_back(peer.id);
      }
    }
    if (actions_.propose(change)) {
      pause_ = Duration::zero();
      return;
    }
  }
  if (now - *held_since_ < kHoldMax) return;
  release();
  pause_ = std::clamp<Duration>(2 * pause_, kFirstPause, kLongestPause);
  next_try_ = now + pause_;
}

void MembershipChange::release() {
  held_since_.reset();
  services_.changing = false;
}

}  // namespace cloudp2p::core
