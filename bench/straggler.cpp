#include "straggler.hpp"

#include "load.hpp"

#include <signal.h>

#include <atomic>

namespace bench {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;
constexpr std::size_t kSmallBytes = 100 * 1024;
constexpr unsigned kSmallClients = 16;

/// A process that runs for 10 of 200 ms, as long as this lives.
class Stutter {
 public:
  explicit Stutter(ChildProcess& process) : process_(process), thread_([this] { run(); }) {}
  ~Stutter() {
    enough_ = true;
    thread_.join();
  }
  Stutter(const Stutter&) = delete;
  Stutter& operator=(const Stutter&) = delete;

 private:
  void run() {
    while (!enough_) {
      process_.signal(SIGSTOP);
      std::this_thread::sleep_for(std::chrono::milliseconds(190));
      process_.signal(SIGCONT);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  ChildProcess& process_;
  std::atomic<bool> enough_{false};
  std::thread thread_;
};

double rate_of(const LoadResult& result) {
  if (result.failures > 0) throw std::runtime_error("uploads failed: " + result.failure);
  return result.rate();
}

struct Rates {
  std::vector<double> well;
  std::vector<double> beside;
  std::vector<double> ratios;
  void add(double all_well, double beside_one) {
    well.push_back(all_well);
    beside.push_back(beside_one);
    ratios.push_back(beside_one / all_well);
  }
};

}  // namespace

void measure_stragglers(const Options& options, Report& report) {
  const std::size_t large_bytes = (options.quick ? 64 : 512) * kMiB;
  const double seconds = options.quick ? 0.7 : 2.5;
  const Seconds rest(options.rest_seconds);
  Rates large;
  Rates small;
  for (unsigned run = 0; run < options.runs; ++run) {
    Cluster cluster(options);
    cluster.start();
    const std::size_t follower = cluster.wait_until_settled() == 0 ? 1 : 0;
    ChildProcess& process = cluster.process(follower);
    const auto upload = [&](std::size_t bytes, unsigned clients, double for_seconds) {
      std::this_thread::sleep_for(rest);
      ImageMaker images(bytes);
      return rate_of(Clients(cluster, clients, options.client_hosts).upload(images, for_seconds, clients));
    };
    const double large_well = upload(large_bytes, 1, 0);
    cluster.wait_until_settled();
    {
      const Stutter stutter(process);
      large.add(large_well, upload(large_bytes, 1, 0));
    }
    cluster.wait_until_settled();
    const double small_well = upload(kSmallBytes, kSmallClients, seconds);
    cluster.wait_until_settled();
    process.signal(SIGSTOP);
    small.add(small_well, upload(kSmallBytes, kSmallClients, seconds));
    process.signal(SIGCONT);
    cluster.wait_until_settled();
  }
  const double megabytes = static_cast<double>(large_bytes) / 1e6;
  const std::string large_name = "straggler." + size_name(large_bytes);
  report.add({large_name + ".throughput", median(large.beside) * megabytes, "MB/s",
              "all well " + text(median(large.well) * megabytes) + " MB/s", {}});
  report.add({large_name + ".of-well", median(large.ratios), "x", "", Target{true, 0.5}});
  report.add({"straggler.100KiB.16.rate", median(small.beside), "images/s", "all well " + text(median(small.well)) + " images/s", {}});
  report.add({"straggler.100KiB.16.of-well", median(small.ratios), "x", "", Target{true, 0.8}});
}

}  // namespace bench
