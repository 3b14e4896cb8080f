#include "million.hpp"

#include "archive.hpp"
#include "load.hpp"

#include <csignal>

namespace bench {
namespace {

constexpr std::size_t kImageBytes = 16 * 1024;
constexpr std::size_t kDiffering = 100;
constexpr double kMiB = 1024 * 1024;
constexpr Seconds kSettled(600);

std::string count_name(std::size_t records) {
  return records % 1'000'000 == 0 ? std::to_string(records / 1'000'000) + "M" : std::to_string(records / 1000) + "k";
}

/// Three nodes that hold so many records, running.
class Archive {
 public:
  Archive(const Options& options, std::size_t records) : cluster(options, Cluster::Setup{"never"}) {
    cluster.start();
    cluster.stop();
    std::vector<std::filesystem::path> folders;
    for (std::size_t node = 0; node < kNodes; ++node)
      folders.push_back(cluster.folder(node));
    fill_records(folders, records);
    for (std::size_t node = 0; node < kNodes; ++node)
      cluster.start(node);
    cluster.wait_until_settled(kSettled);
  }
  Cluster cluster;
};

double upload_p50(Cluster& cluster, const Options& options, unsigned clients, double seconds) {
  ImageMaker images(kImageBytes);
  const LoadResult result = Clients(cluster, clients, options.client_hosts).upload(images, seconds, clients);
  if (result.images == 0) throw std::runtime_error("nothing was uploaded: " + result.failure);
  return percentile(result.latencies_ms, 0.5);
}

/// The two take turns, so that both see the same moods of the machine.
void compare_uploads(const Options& options, Report& report, Archive& few, Archive& many, const std::string& name) {
  for (const unsigned clients : {1U, 16U}) {
    std::vector<double> few_ms;
    std::vector<double> many_ms;
    std::vector<double> ratios;
    for (unsigned round = 0; round < 3 * options.runs; ++round) {
      const double seconds = options.quick ? 0.7 : 2.5;
      few_ms.push_back(upload_p50(few.cluster, options, clients, seconds));
      many_ms.push_back(upload_p50(many.cluster, options, clients, seconds));
      ratios.push_back(many_ms.back() / few_ms.back());
    }
    const std::string figure = name + ".upload.16KiB." + std::to_string(clients);
    report.add({figure + ".p50", median(many_ms), "ms", "with 1k records " + text(median(few_ms)) + " ms", {}});
    report.add({figure + ".p50-ratio", median(ratios), "x", "", Target{false, 1.2}});
  }
}

struct Takeover {
  double gap_ms = 0;       ///< From the kill to a client's success: it began its upload in the moment of the kill.
  double takeover_ms = 0;  ///< From leading to serving.
  double bytes = 0;        ///< Between the two that are left, and a little more: heartbeats and the client's upload.
  bool written_back = false;
};

double traffic(Cluster& cluster, std::size_t node) {
  const auto status = cluster.status(node);
  if (!status) throw std::runtime_error("only this program as a node tells its traffic");
  return static_cast<double>(status->bytes_in + status->bytes_out);
}

void start_and_wait_for(Cluster& cluster, std::size_t node, const std::string& words) {
  cluster.forget_output(node);
  cluster.start(node);
  wait_until([&] { return cluster.has_said(node, words); }, Seconds(120), "node said: " + words,
             std::chrono::milliseconds(1));
}

/// One member misses a hundred images; the leader dies in the moment in which it is back.
Takeover take_over(Cluster& cluster) {
  const std::size_t leader = cluster.wait_until_settled(kSettled);
  const std::size_t late = leader == 0 ? 1 : 0;
  const std::size_t other = kNodes - leader - late;
  cluster.stop(late);
  ImageMaker images(4 * 1024);
  static_cast<void>(Clients(cluster, 1, 1).upload(images, 0, kDiffering));
  const auto client = cluster.connect();
  if (!client->discover()) throw std::runtime_error("no leader was found");
  start_and_wait_for(cluster, late, "Coordinator announced");
  const double before = traffic(cluster, other);
  const auto image = images.next();
  cluster.process(leader).signal(SIGKILL);
  const Instant killed = Clock::now();
  const auto taken = client->upload(image);
  Takeover out;
  out.gap_ms = seconds_since(killed) * 1000;
  if (!taken) throw std::runtime_error("no upload succeeded after the leader's death: " + taken.error().text());
  out.bytes = traffic(cluster, other) - before;
  const std::size_t next = Cluster::index_of(taken->leader);
  const auto led = cluster.said_at(next, "becoming coordinator");
  const auto served = cluster.said_at(next, "serving in term");
  out.takeover_ms = led && served ? (*served - *led) * 1000 : 0;
  const auto wrote = cluster.said_at(next, "takeover: wrote");
  out.written_back = led && wrote && *wrote > *led;
  cluster.process(leader).wait();
  cluster.start(leader);
  return out;
}

void measure_takeovers(const Options& options, Report& report, Archive& many, const std::string& name) {
  std::vector<double> gaps;
  std::vector<double> takeovers;
  std::vector<double> bytes;
  // Whether the leader dies before it has told the member that is back what that missed is a matter of milliseconds.
  unsigned attempts_left = 4 * options.runs;
  for (; gaps.size() < std::size_t{2} * options.runs && attempts_left > 0; --attempts_left) {
    const Takeover one = take_over(many.cluster);
    report.note(name + ".takeover: " + text(one.gap_ms) + " ms without service, " + text(one.takeover_ms) +
                " ms of takeover, " + text(one.bytes / kMiB) + " MiB" +
                (one.written_back ? "" : "; not counted: the member that was back had caught up already"));
    if (!one.written_back) continue;
    gaps.push_back(one.gap_ms);
    takeovers.push_back(one.takeover_ms);
    bytes.push_back(one.bytes / kMiB);
  }
  if (gaps.empty()) throw std::runtime_error("no takeover found a difference");
  report.add({name + ".takeover.unavailable", median(gaps), "ms", "", Target{false, 300}});
  report.add({name + ".takeover.leading to serving", median(takeovers), "ms", "", {}});
  report.add({name + ".takeover.exchanged", median(bytes), "MiB", "", Target{false, 2}});
}

void tell_memory(Report& report, Archive& many, const std::string& name) {
  for (std::size_t node = 0; node < kNodes; ++node) {
    report.add({name + ".memory.node " + std::to_string(node + 1), many.cluster.process(node).usage().peak_mib, "MiB",
                "", Target{false, 128}});
  }
}

}  // namespace

void measure_million(const Options& options, Report& report) {
  const std::size_t records = options.quick ? 100'000 : 1'000'000;
  const std::string name = "records." + count_name(records);
  Archive few(options, 1'000);
  Archive many(options, records);
  compare_uploads(options, report, few, many, name);
  tell_memory(report, many, name);
  few.cluster.stop();
  measure_takeovers(options, report, many, name);
}

}  // namespace bench
