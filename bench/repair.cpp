#include "repair.hpp"

#include "probe.hpp"
#include "steady_client.hpp"

namespace bench {
namespace {

constexpr std::size_t kImageBytes = 100 * 1024;
constexpr SteadyClient::Habit kForeground{kImageBytes, std::chrono::milliseconds(20)};

/// What one run gave.
struct Run {
  double probe = 0;   ///< Images a second.
  double repair = 0;  ///< Images a second, from "listening" to "nothing missing".
  double cpu_ms = 0;  ///< Of all processes, for one image.
  std::vector<double> alone_ms;  ///< Latencies of the foreground.
  std::vector<double> beside_copy_ms;
  std::vector<double> beside_ms;
};

double cpu_of_all(Cluster& cluster) {
  double out = own_usage().cpu_seconds;
  for (std::size_t node = 0; node < kNodes; ++node)
    out += cluster.process(node).usage().cpu_seconds;
  return out;
}

/// Seconds from when the node listens until it holds everything.
double catch_up(Cluster& cluster, std::size_t node, std::size_t images) {
  cluster.forget_output(node);
  cluster.start(node);
  wait_until([&] { return cluster.has_said(node, "Starting on "); }, Seconds(60), "the node listened",
             std::chrono::milliseconds(2));
  const Instant begun = Clock::now();
  const auto whole = [&] {
    const auto status = cluster.status(node);
    if (!status) throw std::runtime_error("only this program as a node tells what it has repaired");
    return status->images >= images && status->missing == 0;
  };
  wait_until(whole, Seconds(300), "the node had everything", std::chrono::milliseconds(20));
  return seconds_since(begun);
}

Run run_once(const Options& options, std::size_t images) {
  Cluster cluster(options);
  cluster.start();
  const std::size_t leader = cluster.wait_until_settled();
  const std::size_t late = leader == 0 ? 1 : 0;
  cluster.stop(late);
  ImageMaker maker(kImageBytes);
  const LoadResult stored = Clients(cluster, 16, options.client_hosts).upload(maker, 0, images);
  if (stored.failures > 0) throw std::runtime_error("uploads failed: " + stored.failure);
  const Seconds rest(options.rest_seconds);

  Run out;
  SteadyClient foreground(cluster, kForeground);
  std::this_thread::sleep_for(rest);
  static_cast<void>(foreground.take_latencies_ms());
  std::this_thread::sleep_for(Seconds(options.quick ? 2 : 10));
  out.alone_ms = foreground.take_latencies_ms();
  for (const ProbeSync sync : {ProbeSync::whole_filesystem, ProbeSync::each_file}) {
    static_cast<void>(foreground.take_latencies_ms());
    const double probe = run_copy_probe(options, sync, cluster.folder(leader));
    std::vector<double> latencies_ms = foreground.take_latencies_ms();
    if (probe > out.probe) out.beside_copy_ms = std::move(latencies_ms);
    out.probe = std::max(out.probe, probe);
    std::this_thread::sleep_for(rest);
  }
  static_cast<void>(foreground.take_latencies_ms());
  const double cpu_before = cpu_of_all(cluster);
  out.repair = static_cast<double>(stored.images) / catch_up(cluster, late, stored.images);
  out.beside_ms = foreground.take_latencies_ms();
  out.cpu_ms = (cpu_of_all(cluster) - cpu_before) * 1000 / static_cast<double>(stored.images);
  return out;
}

void append(std::vector<double>& to, const std::vector<double>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void measure_repair(const Options& options, Report& report) {
  const std::size_t images = options.quick ? 1'000 : 10'000;
  std::vector<double> probes;
  std::vector<double> rates;
  std::vector<double> ratios;
  std::vector<double> slower;
  std::vector<double> slower_by_copy;
  std::vector<double> alone;
  std::vector<double> beside;
  for (unsigned run = 0; run < options.runs; ++run) {
    const Run one = run_once(options, images);
    probes.push_back(one.probe);
    rates.push_back(one.repair);
    ratios.push_back(one.repair / one.probe);
    slower.push_back(percentile(one.beside_ms, 0.99) / percentile(one.alone_ms, 0.99));
    slower_by_copy.push_back(percentile(one.beside_copy_ms, 0.99) / percentile(one.alone_ms, 0.99));
    append(alone, one.alone_ms);
    append(beside, one.beside_ms);
    report.note("repair: run " + std::to_string(run + 1) + ": probe " + text(one.probe) + " images/s, repair " +
                text(one.repair) + " images/s, CPU ms an image " + text(one.cpu_ms) + ", foreground p99 " +
                text(percentile(one.alone_ms, 0.99)) + " ms alone, " + text(percentile(one.beside_copy_ms, 0.99)) +
                " ms beside the probe, " + text(percentile(one.beside_ms, 0.99)) + " ms beside repair, of " +
                std::to_string(one.beside_ms.size()));
  }
  const std::string name = "repair." + std::to_string(images) + "x100KiB";
  report.add({name + ".rate", median(rates), "images/s", "probe " + text(median(probes)) + " images/s", {}});
  report.add({name + ".throughput", median(rates) * kImageBytes / 1e6, "MB/s", "", {}});
  report.add({name + ".of-probe", median(ratios), "x", "", Target{true, 0.7}});
  report.add({name + ".foreground.p99", percentile(beside, 0.99), "ms", "without repair " + text(percentile(alone, 0.99)),
              {}});
  report.add({name + ".foreground.p99-ratio", median(slower), "x", "beside the probe " + text(median(slower_by_copy)),
              Target{false, 2}});
}

}  // namespace bench
