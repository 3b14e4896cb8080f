#include "transfer.hpp"

#include "load.hpp"
#include "probe.hpp"

namespace bench {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * 1024;
constexpr unsigned kRatioClients = 16;

std::optional<Target> ratio_target(std::size_t image_bytes) {
  if (image_bytes == 100 * kKiB || image_bytes == kMiB) return Target{true, 0.5};
  return std::nullopt;
}

/// CPU time of every process, the benchmark's own (the clients) among them.
struct CpuMarks {
  std::vector<Usage> nodes;
  Usage clients;
};

CpuMarks cpu_now(Cluster& cluster) {
  CpuMarks out;
  for (std::size_t node = 0; node < kNodes; ++node)
    out.nodes.push_back(cluster.process(node).usage());
  out.clients = own_usage();
  return out;
}

/// Milliseconds of CPU for one image.
struct Share {
  double all = 0;
  double system = 0;
  void add(const Usage& before, const Usage& after, double scale) {
    all += (after.cpu_seconds - before.cpu_seconds) * scale;
    system += (after.system_seconds - before.system_seconds) * scale;
  }
};
struct Cost {
  Share leader, follower, clients;
};

Cost cost_between(const CpuMarks& before, const CpuMarks& after, std::size_t leader, std::size_t images) {
  Cost out;
  const double scale = 1000 / static_cast<double>(std::max<std::size_t>(images, 1));
  for (std::size_t node = 0; node < kNodes; ++node) {
    if (node == leader) out.leader.add(before.nodes[node], after.nodes[node], scale);
    if (node != leader) out.follower.add(before.nodes[node], after.nodes[node], scale / (kNodes - 1));
  }
  out.clients.add(before.clients, after.clients, scale);
  return out;
}

std::string share_text(const Share& share) {
  return text(share.all) + " (system " + text(share.system) + ")";
}

std::string cost_text(const Cost& cost) {
  return "CPU ms leader " + share_text(cost.leader) + " follower " + share_text(cost.follower) + " clients " +
         share_text(cost.clients);
}

/// What several runs of one cell gave.
struct Cell {
  std::vector<double> rates;
  std::vector<double> latencies_ms;
  Cost cost;  ///< Of the last run.

  void add(const LoadResult& result, const Cost& used) {
    if (result.images == 0) throw std::runtime_error("nothing was transferred: " + result.failure);
    rates.push_back(result.rate());
    latencies_ms.insert(latencies_ms.end(), result.latencies_ms.begin(), result.latencies_ms.end());
    cost = used;
  }
};

std::vector<double> rates_of(const std::vector<ProbeResult>& probes) {
  std::vector<double> out;
  for (const ProbeResult& probe : probes)
    out.push_back(probe.rate);
  return out;
}

class Transfers {
 public:
  Transfers(const Options& options, Report& report, std::size_t image_bytes, std::vector<unsigned> client_counts)
      : options_(options),
        report_(report),
        image_bytes_(image_bytes),
        client_counts_(std::move(client_counts)),
        seconds_(options.quick ? 0.7 : 2.5) {}

  void measure() {
    for (unsigned run = 0; run < options_.runs; ++run) {
      // Probe and uploads of one run stand beside each other: the disk's mood changes over minutes.
      rest();
      each_file_.push_back(run_probe(options_, ProbeSync::each_file, image_bytes_, seconds_));
      rest();
      whole_filesystem_.push_back(run_probe(options_, ProbeSync::whole_filesystem, image_bytes_, seconds_));
      Cluster cluster(options_);
      cluster.start();
      for (const unsigned clients : client_counts_)
        run_cell(cluster, clients);
    }
    tell();
  }

 private:
  /// A virtual disk takes a gigabyte or two at several times the rate that it can keep up. Without a rest, whatever
  /// comes second is measured on a disk that still writes for what came first.
  void rest() const { std::this_thread::sleep_for(Seconds(options_.rest_seconds)); }

  void run_cell(Cluster& cluster, unsigned clients) {
    const std::size_t leader = cluster.wait_until_settled();
    Clients load(cluster, clients, options_.client_hosts);
    ImageMaker images(image_bytes_);
    rest();
    CpuMarks before = cpu_now(cluster);
    const LoadResult uploaded = load.upload(images, seconds_, clients);
    uploads_[clients].add(uploaded, cost_between(before, cpu_now(cluster), leader, uploaded.images));
    failures_ += uploaded.failures;
    cluster.wait_until_settled();
    before = cpu_now(cluster);
    const LoadResult read = load.read(uploaded.ids, seconds_ / 2);
    reads_[clients].add(read, cost_between(before, cpu_now(cluster), leader, read.images));
    failures_ += read.failures;
  }

  void tell() {
    const std::string size = size_name(image_bytes_);
    // The way that is faster over all runs, in every run: the better of two in each would only add their noise.
    const bool grouped = median(rates_of(whole_filesystem_)) > median(rates_of(each_file_));
    const std::vector<ProbeResult>& probes = grouped ? whole_filesystem_ : each_file_;
    const std::vector<double> probe_rates = rates_of(probes);
    const double probe = median(probe_rates);
    report_.add({"probe." + size, probe, "images/s", grouped ? "one sync a group" : "one sync a file", {}});
    report_.note("probe " + size + ": CPU ms leader " + text(probes.back().leader_cpu_ms) + " follower " +
                 text(probes.back().follower_cpu_ms));
    for (const unsigned clients : client_counts_) {
      tell_cell("upload." + size + "." + std::to_string(clients), uploads_[clients],
                "probe " + text(probe) + " images/s");
      if (clients != kRatioClients) continue;
      std::vector<double> ratios;
      for (std::size_t run = 0; run < probes.size(); ++run)
        ratios.push_back(uploads_[clients].rates[run] / probe_rates[run]);
      report_.add({"upload." + size + "." + std::to_string(clients) + ".of-probe", median(ratios), "x",
                   "lowest " + text(*std::min_element(ratios.begin(), ratios.end())) + " highest " +
                       text(*std::max_element(ratios.begin(), ratios.end())),
                   ratio_target(image_bytes_)});
    }
    const double crypto = std::min(report_.value("machine.seal"), report_.value("machine.hash"));
    const std::string limit =
        crypto > 0 ? "hash or seal " + text(crypto * 1e9 / static_cast<double>(image_bytes_)) + " images/s/core" : "";
    for (const unsigned clients : client_counts_)
      tell_cell("read." + size + "." + std::to_string(clients), reads_[clients], limit);
    if (failures_ > 0) report_.note(size + ": " + std::to_string(failures_) + " transfers failed");
  }

  void tell_cell(const std::string& name, const Cell& cell, const std::string& limit) {
    const double rate = median(cell.rates);
    report_.add({name + ".rate", rate, "images/s", limit, {}});
    report_.add({name + ".throughput", rate * static_cast<double>(image_bytes_) / 1e6, "MB/s", "", {}});
    report_.add({name + ".p50", percentile(cell.latencies_ms, 0.5), "ms", "", {}});
    report_.add({name + ".p99", percentile(cell.latencies_ms, 0.99), "ms", "", {}});
    report_.note(name + ": " + cost_text(cell.cost));
  }

  const Options& options_;
  Report& report_;
  const std::size_t image_bytes_;
  const std::vector<unsigned> client_counts_;
  const double seconds_;
  std::vector<ProbeResult> each_file_;
  std::vector<ProbeResult> whole_filesystem_;
  std::map<unsigned, Cell> uploads_;
  std::map<unsigned, Cell> reads_;
  std::size_t failures_ = 0;
};

}  // namespace

void measure_transfers(const Options& options, Report& report) {
  for (const std::size_t image_bytes : {16 * kKiB, 100 * kKiB, kMiB, 16 * kMiB})
    Transfers(options, report, image_bytes, {1, kRatioClients, 64}).measure();
}

void measure_ratios(const Options& options, Report& report) {
  for (const std::size_t image_bytes : {100 * kKiB, kMiB})
    Transfers(options, report, image_bytes, {kRatioClients}).measure();
}

void measure_catalog_groups(const Options& options, Report& report) {
  constexpr unsigned kClients = 64;
  Cluster cluster(options);
  cluster.start();
  const std::size_t leader = cluster.wait_until_settled();
  Clients load(cluster, kClients, options.client_hosts);
  ImageMaker images(16 * kKiB);
  const auto before = cluster.status(leader);
  const LoadResult uploaded = load.upload(images, options.quick ? 1.0 : 4.0, kClients);
  const auto after = cluster.status(leader);
  if (!before || !after) return report.note("catalog: only this program as a node tells what its catalog counted");
  const auto transactions = static_cast<double>(after->transactions - before->transactions);
  report.add({"catalog.16KiB.64.group", static_cast<double>(uploaded.images) / std::max(transactions, 1.0),
              "images/sync", "clients 64", Target{true, 8}});
}

}  // namespace bench
