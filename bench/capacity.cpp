#include "capacity.hpp"

#include "archive.hpp"
#include "load.hpp"

namespace bench {
namespace {

constexpr const char* kListens = "Starting on ";

struct StartTimes {
  double listening = 0;  ///< From exec to the contract's line, the slowest node.
  double serving = 0;    ///< From exec to a client's first list.
};

StartTimes start_all(Cluster& cluster) {
  StartTimes out;
  for (std::size_t node = 0; node < kNodes; ++node)
    cluster.forget_output(node);
  const auto client = cluster.connect();
  const Instant begun = Clock::now();
  for (std::size_t node = 0; node < kNodes; ++node)
    cluster.start(node);
  const auto all_listen = [&] {
    bool all = true;
    for (std::size_t node = 0; node < kNodes; ++node)
      all = all && cluster.has_said(node, kListens);
    return all;
  };
  wait_until(all_listen, Seconds(60), "all nodes listened");
  out.listening = seconds_since(begun);
  const auto listed = [&] { return client->list({}).ok(); };
  wait_until(listed, Seconds(60), "the cluster answered");
  out.serving = seconds_since(begun);
  return out;
}

double start_one(Cluster& cluster, std::size_t node) {
  cluster.process(node).kill_now();
  cluster.forget_output(node);
  const Instant begun = Clock::now();
  cluster.start(node);
  wait_until([&] { return cluster.has_said(node, kListens); }, Seconds(60), "the node listened",
             std::chrono::milliseconds(2));
  return seconds_since(begun);
}

}  // namespace

void measure_memory(const Options& options, Report& report) {
  constexpr unsigned kClients = 64;
  Cluster cluster(options);
  cluster.start();
  Clients load(cluster, kClients, options.client_hosts);
  ImageMaker images(std::size_t{16} << 20);
  const LoadResult uploaded = load.upload(images, 0, options.quick ? kClients : 2 * kClients);
  const std::size_t leader = cluster.wait_until_settled();
  for (std::size_t node = 0; node < kNodes; ++node) {
    report.add({"memory.node " + std::to_string(node + 1) + (node == leader ? " (leader)" : ""),
                cluster.process(node).usage().peak_mib, "MiB", "", Target{false, 64}});
  }
  report.note("memory: 64 clients stored " + std::to_string(uploaded.images) + " images of 16 MiB at " +
              text(uploaded.rate() * 16.777) + " MB/s");
  if (uploaded.failures > 0)
    report.note("memory: " + std::to_string(uploaded.failures) + " failed: " + uploaded.failure);
}

void measure_startup(const Options& options, Report& report) {
  const std::size_t images = options.quick ? 20'000 : 100'000;
  const std::string name = "startup." + std::to_string(images);
  Cluster cluster(options);
  cluster.start();
  cluster.stop();
  double read_back = 0;
  for (std::size_t node = 0; node < kNodes; ++node) {
    fill_archive(cluster.folder(node), images);
    read_back = std::max(read_back, seconds_to_read(cluster.folder(node)));
  }
  const StartTimes times = start_all(cluster);
  const std::string limit = "names and catalog read " + text(read_back) + " s";
  report.add({name + ".listening", times.listening, "s", limit, Target{false, 2}});
  report.add({name + ".serving", times.serving, "s", limit, Target{false, 2}});
  const std::size_t leader = cluster.wait_until_settled();
  std::vector<double> alone;
  for (unsigned run = 0; run < 3; ++run)
    alone.push_back(start_one(cluster, leader == 0 ? 1 : 0));
  report.add({name + ".one after kill -9", median(alone), "s", limit, Target{false, 2}});
  cluster.wait_until_settled();
  for (std::size_t node = 0; node < kNodes; ++node) {
    report.add(
        {name + ".memory.node " + std::to_string(node + 1), cluster.process(node).usage().peak_mib, "MiB", "", {}});
  }
}

}  // namespace bench
