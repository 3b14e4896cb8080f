// sim_swarm: random lives of simulated clusters, with seeds that nobody has tried, for as long as it is told to.
#include <cloudp2p/testing/random_run.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <thread>

namespace {

using namespace cloudp2p;
using namespace cloudp2p::testing;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kNodes[] = {3, 3, 3, 5, 5, 7};
constexpr auto kReportEvery = std::chrono::minutes(1);

struct Sum {
  std::uint64_t lives = 0;
  std::uint64_t violated = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t operations = 0;
  std::uint64_t failed = 0;
  double virtual_hours = 0;
  FaultCounts faults;

  void add(const RandomRunResult& life) {
    ++lives;
    violated += life.ok() ? 0 : 1;
    acknowledged += life.uploads_acknowledged;
    operations += life.operations;
    failed += life.operations_failed;
    virtual_hours += std::chrono::duration<double, std::ratio<3600>>(life.virtual_time).count();
    for (const auto& [kind, count] : life.faults) faults[kind] += count;
  }
  void print_faults() const {
    std::uint64_t all = 0;
    for (const auto& [kind, count] : faults) {
      std::printf("%10llu  %s\n", static_cast<unsigned long long>(count), kind.c_str());
      all += count;
    }
    std::printf("%10llu  faults of %zu kinds\n", static_cast<unsigned long long>(all), faults.size());
  }
  void print() const {
    std::printf("%llu lives, %.2f virtual hours, %llu operations (%llu failed), %llu acknowledged: %llu lives violated a rule\n",
                static_cast<unsigned long long>(lives), virtual_hours, static_cast<unsigned long long>(operations),
                static_cast<unsigned long long>(failed), static_cast<unsigned long long>(acknowledged),
                static_cast<unsigned long long>(violated));
    const double cpu_seconds = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
    std::printf("%.0f virtual seconds per CPU second\n", virtual_hours * 3600 / std::max(cpu_seconds, 0.001));
    std::fflush(stdout);
  }
};

class Swarm {
 public:
  /// `nodes`: 0 for clusters of 3, 5 and 7.
  Swarm(Clock::time_point end, std::uint64_t first_seed, std::size_t nodes)
      : end_(end), nodes_(nodes), seed_(first_seed) {}

  /// False when a rule was violated.
  bool run(unsigned threads) {
    std::vector<std::thread> others;
    for (unsigned i = 1; i < threads; ++i)
      others.emplace_back([this] { work(); });
    work();
    for (std::thread& other : others)
      other.join();
    sum_.print_faults();
    sum_.print();
    return sum_.violated == 0;
  }

 private:
  void work() {
    while (Clock::now() < end_) {
      RandomRunOptions options;
      options.seed = seed_++;
      options.nodes = nodes_ > 0 ? nodes_ : kNodes[options.seed % std::size(kNodes)];
      const RandomRunResult life = random_run(options);
      const std::lock_guard lock(mutex_);
      sum_.add(life);
      if (!life.ok()) std::printf("%s\n", life.report.c_str());
      if (Clock::now() < report_at_) continue;
      report_at_ = Clock::now() + kReportEvery;
      sum_.print();
    }
  }

  const Clock::time_point end_;
  const std::size_t nodes_;
  std::atomic<std::uint64_t> seed_;
  std::mutex mutex_;
  Sum sum_;
  Clock::time_point report_at_ = Clock::now() + kReportEvery;
};

}  // namespace

/// HOURS [FIRST_SEED [NODES]]
int main(int argc, char** argv) {
  char* rest = nullptr;
  const double hours = argc > 1 ? std::strtod(argv[1], &rest) : 0;
  const bool usable = argc >= 2 && argc <= 4 && *rest == '\0' && hours > 0 && hours < 1000;
  if (!usable) {
    std::fprintf(stderr, "sim_swarm HOURS [FIRST_SEED [NODES]]: HOURS is a number above 0, like 0.5\n");
    return 2;
  }
  const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : static_cast<std::uint64_t>(std::time(nullptr)) * 1000;
  const std::size_t nodes = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
  if (nodes > limits::kMembersMax) {
    std::fprintf(stderr, "sim_swarm: a cluster has at most %zu nodes\n", limits::kMembersMax);
    return 2;
  }
  std::printf("from seed %llu on, on every core\n", static_cast<unsigned long long>(first));
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::ratio<3600>>(hours));
  return Swarm(end, first, nodes).run(std::max(1U, std::thread::hardware_concurrency())) ? 0 : 1;
}
