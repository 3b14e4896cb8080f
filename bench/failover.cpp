#include "failover.hpp"

#include "steady_client.hpp"

#include <csignal>

namespace bench {
namespace {

struct Gap {
  double milliseconds = 0;
  std::size_t failures = 0;
};

/// Hits the leader under a light load and waits until somebody else has taken an image.
Gap gap_after(Cluster& cluster, int signal_number) {
  constexpr std::size_t kWarmUp = 20;
  const std::size_t leader = cluster.wait_until_settled();
  SteadyClient client(cluster, {});
  const auto warm = [&] { return client.successes().by_leader >= kWarmUp; };
  wait_until(warm, Seconds(30), "uploads went well before the failure");
  cluster.process(leader).signal(signal_number);
  const auto moved = [&] { return Cluster::index_of(client.successes().leader) != leader; };
  wait_until(moved, Seconds(30), "another node took an upload");
  const SteadyClient::Successes seen = client.successes();
  if (signal_number == SIGKILL) {
    cluster.process(leader).wait();
    cluster.start(leader);
  } else {
    cluster.process(leader).signal(SIGCONT);
  }
  return {seen.gap_ms, seen.failures};
}

struct Wanted {
  std::string name;
  int signal_number = 0;
  std::string limit;
  std::optional<Target> p50, p99;
};

void measure(const Options& options, Report& report, const Wanted& wanted) {
  // With "polite" the dead node would take the lead back, later each time it had lost it: minutes for nothing.
  Cluster cluster(options, Cluster::Setup{"never"});
  cluster.start();
  const unsigned rounds = options.quick ? 5 : 20;
  std::vector<double> gaps;
  std::size_t failures = 0;
  for (unsigned round = 0; round < rounds; ++round) {
    const Gap gap = gap_after(cluster, wanted.signal_number);
    gaps.push_back(gap.milliseconds);
    failures += gap.failures;
  }
  cluster.wait_until_settled();
  report.add({wanted.name + ".p50", percentile(gaps, 0.5), "ms", wanted.limit, wanted.p50});
  report.add({wanted.name + ".p99", percentile(gaps, 0.99), "ms", "", wanted.p99});
  report.add({wanted.name + ".max", percentile(gaps, 1), "ms", "", {}});
  report.add({wanted.name + ".failed uploads", static_cast<double>(failures), "", "", Target{false, 0}});
  std::string all;
  for (const double gap : gaps)
    all += " " + text(gap);
  report.note(wanted.name + ": each gap in ms:" + all);
}

/// What no failover can do without: the votes and the first image are each durable before they count.
std::string sync_limit(const Report& report) {
  const double syncs = report.value("machine.fdatasync");
  return syncs > 0 ? "one fdatasync " + text(1000 / syncs) + " ms" : "";
}

}  // namespace

void measure_kills(const Options& options, Report& report) {
  measure(options, report, {"failover.kill -9", SIGKILL, sync_limit(report), Target{false, 100}, Target{false, 300}});
}

void measure_stops(const Options& options, Report& report) {
  measure(options, report,
          {"failover.SIGSTOP", SIGSTOP, "failure timeout 600 ms + stagger", std::nullopt, Target{false, 1500}});
}

}  // namespace bench
