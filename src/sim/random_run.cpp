#include <cloudp2p/testing/random_run.hpp>

#include "sim/majority_core.hpp"
#include "sim/workload.hpp"

#include <fmt/format.h>

namespace cloudp2p::testing {

namespace {

using namespace std::chrono_literals;
using sim::Random;

constexpr unsigned kCorePercent = 60;
constexpr unsigned kSharedPercent = 8;
constexpr unsigned kNoQuorumPercent = 6;
constexpr Duration kCoreBound = 30s;
constexpr Duration kLeaderBound = 10s;
constexpr Duration kProgressBound = 10s;
constexpr Duration kMembersBound = 120s;
constexpr Duration kConvergenceBound = 60s;
constexpr unsigned kHighestPercent = 15;
constexpr Duration kHighestBound = 25min;  ///< Its back-off is ten minutes at most; each time that it asks in vain it waits again.

SimOptions draw_cluster(const RandomRunOptions& given, Random& random) {
  SimOptions out;
  out.nodes = given.nodes;
  out.seed = random.next();
  out.clients = 2 + random.below(3);
  out.log_lines_max = given.log_lines_max;
  out.watched_image = given.watched_image;
  out.disk.sync = random.log_between(100us, 10ms);
  out.network.delay_max = out.network.delay_min + random.log_between(100us, 10ms);
  out.network.straggler_percent = random.percent(50) ? static_cast<unsigned>(1 + random.below(5)) : 0;
  out.network.straggler_max = random.log_between(5ms, 300ms);
  out.timing.takeover_delay = std::chrono::milliseconds(500 + random.below(4'500));
  out.takeover = random.percent(80) ? Takeover::polite : random.percent(50) ? Takeover::never : Takeover::immediate;
  out.scrub_interval = 20s;
  out.client_timeout = std::chrono::milliseconds(1'000 + random.below(4'000));
  if (random.percent(60)) out.tombstone_age = random.log_between(50ms, 4s);
  // By a source of their own, so that no other life changes; its factor leaves the lives of seeds_test.cpp as they were.
  Random mode(given.seed * 613 + given.nodes);
  const bool shared = mode.percent(kSharedPercent), none = mode.percent(kNoQuorumPercent);
  out.quorum = given.quorum.value_or(none ? Quorum::none : Quorum::majority);
  out.shared = shared && out.quorum == Quorum::majority;
  return out;
}

/// Both go on until then, or until `enough`.
template <class Trouble, class Enough>
void live(SimCluster& cluster, Trouble& trouble, sim::Workload& workload, Duration until, const Enough& enough) {
  while (cluster.now() < until && !enough()) {
    const Duration next = std::min({trouble.next(), workload.next(), until});
    while (cluster.step(next) && !enough()) {
    }
    trouble.act();
    workload.act();
  }
}

/// A majority is well: whatever a client wants succeeds, and once more later. Empty if so, else what is owed.
std::string progress_of_core(SimCluster& cluster, sim::Chaos& chaos, sim::Workload& workload, Random& random) {
  sim::MajorityCore core(chaos, random.fork());
  if (!core.heal()) return {};
  std::string owed;
  const auto demand = [&](const char* what, const auto& ask, Errc as_good = Errc::ok) {
    const Duration until = cluster.now() + kCoreBound;
    auto asked = ask();
    while (owed.empty() && cluster.ok() && !asked.ok() && asked.result() != as_good) {
      if (cluster.now() >= until) {
        owed = fmt::format("L4 (progress of a majority) violated: no {} succeeds though {} are well for {} s: {}", what, core.text(),
                           kCoreBound / 1s, asked.done() ? asked.value().error().text() : "no answer");
      } else if (asked.done()) {
        asked = ask();
      }
      live(cluster, core, workload, until, [&] { return !cluster.ok() || asked.done(); });
    }
  };
  for (int i = 0; i < 2; ++i) {
    live(cluster, core, workload, cluster.now() + random.log_between(1ms, 20s), [&] { return !cluster.ok(); });
    const SimImage image = make_image(random.next(), 10'000);
    const std::size_t client = random.below(cluster.client_count());
    demand("upload", [&] { return cluster.put(image, client); });
    demand("read", [&] { return cluster.get(image.digest, client); });
    demand("list", [&] { return cluster.list(client); });
    // One that is tried again may find nothing more to do.
    demand("delete", [&] { return cluster.remove(image.digest, client); }, Errc::not_found);
  }
  return owed;
}

/// A user with a short time-out tries again. Empty when it was accepted in time, else the last answer.
std::string upload_until_accepted(SimCluster& cluster, const SimImage& image) {
  const Duration until = cluster.now() + kProgressBound;
  std::string last = "no answer";
  while (cluster.now() < until) {
    const auto upload = cluster.put_and_wait(image, until - cluster.now());
    if (upload.ok()) return {};
    if (upload.done()) last = upload.value().error().text();
    cluster.run_for(50ms);
  }
  return last;
}

/// Members change, and who lost its promises is admitted, when nothing is missing. What no member has any more is missing
/// until somebody deletes it: nobody can tell it from what a member that is away still has.
void delete_lost_images(SimCluster& cluster) {
  for (const Digest& digest : cluster.lost_images()) {
    const auto removed = cluster.remove(digest);
    cluster.run_until([&removed] { return removed.done(); }, 5s);
  }
}

bool become(SimCluster& cluster, const std::vector<NodeId>& wanted) {
  const Duration until = cluster.now() + kMembersBound;
  while (cluster.members() != wanted && cluster.now() < until) {
    delete_lost_images(cluster);
    cluster.run_for(50ms);
  }
  return cluster.members() == wanted;
}

}  // namespace

RandomRunResult random_run(const RandomRunOptions& options) {
  Random random(options.seed * 1'000'003 + options.nodes);
  const SimOptions drawn = draw_cluster(options, random);
  SimCluster cluster(drawn);
  sim::Chaos chaos(cluster, random.fork(), drawn);
  sim::Workload workload(cluster, random.fork());
  RandomRunResult out;
  const auto stop = [&] { return options.stop_at_violation && !cluster.ok(); };

  live(cluster, chaos, workload, random.between(options.chaos_min, options.chaos_max), stop);
  std::vector<std::string> owed;
  // Whoever holds the lock of a shared disk may be among the others, asleep. Without a quorum every node is a core.
  if (!stop() && random.percent(kCorePercent) && !drawn.shared && drawn.quorum == Quorum::majority) {
    std::string stuck = progress_of_core(cluster, chaos, workload, random);
    if (!stuck.empty()) owed.push_back(std::move(stuck));
  }
  if (!stop() && owed.empty()) {
    chaos.end();
    if (cluster.run_until_leader(kLeaderBound) == kNobody) {
      owed.push_back("L1 (a leader) violated: nobody leads 10 s after all faults ended");
    }
    const std::string stuck = upload_until_accepted(cluster, make_image(random.next(), 10'000));
    if (!stuck.empty()) owed.push_back("L2 (progress) violated: no upload succeeds after all faults ended: " + stuck);
    if (!become(cluster, chaos.wanted_members())) {
      owed.push_back("M1 (members) violated: they are not what all files list 120 s after all faults ended");
    }
    if (!cluster.converges(kConvergenceBound)) {
      owed.push_back("I13 (convergence) violated: catalogs or bytes differ 60 s after all faults ended");
    }
    if (!cluster.run_until([&] { return workload.all_answered(); }, 60s)) {
      owed.push_back("L3 (every operation is answered) violated: a client waits for ever");
    }
    const NodeId highest = cluster.members().back();
    const bool waits = drawn.takeover != Takeover::never && Random(options.seed * 7 + options.nodes).percent(kHighestPercent);
    if (waits) delete_lost_images(cluster);
    if (waits && owed.empty() && !cluster.run_until([&] { return cluster.leader() == highest; }, kHighestBound)) {
      owed.push_back("I13 (the highest leads) violated: another node leads 25 minutes after all faults ended");
    }
  }
  out.violations = cluster.violations();
  out.violations.insert(out.violations.end(), owed.begin(), owed.end());
  out.trace_hash = cluster.trace_hash();
  out.events = cluster.events();
  out.virtual_time = cluster.now();
  out.uploads_acknowledged = cluster.acknowledged().size();
  out.operations = workload.count();
  out.operations_failed = workload.failed();
  out.faults = chaos.counts();
  if (!out.ok()) {
    for (const std::string& line : owed)
      out.report += line + "\n";
    out.report += cluster.report() + "replay: " + replay_command(options) + "\n";
  }
  return out;
}

std::string replay_command(const RandomRunOptions& options) {
  return fmt::format("CLOUDP2P_SIM_SEED={} CLOUDP2P_SIM_NODES={}{} sim_tests --test-case='one seed replayed'", options.seed,
                     options.nodes, options.quorum == Quorum::none ? " CLOUDP2P_SIM_QUORUM=none" : "");
}

}  // namespace cloudp2p::testing
