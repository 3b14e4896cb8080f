#include "probe.hpp"

#include "cluster.hpp"

#include <fstream>

namespace bench {
namespace {

double read_number(const std::filesystem::path& file) {
  double out = 0;
  std::ifstream(file) >> out;
  return out;
}

}  // namespace

ProbeResult run_probe(const Options& options, ProbeSync sync, std::size_t image_bytes, double seconds) {
  const WorkFolder work(options);
  const std::string mode = sync == ProbeSync::whole_filesystem ? "1" : "0";
  std::vector<ChildProcess> followers;
  std::vector<std::string> arguments{own_path(), "--probe-leader", (work.path() / "leader").string()};
  std::filesystem::create_directory(work.path() / "leader");
  for (const char* name : {"follower-1", "follower-2"}) {
    const std::filesystem::path folder = work.path() / name;
    std::filesystem::create_directory(folder);
    followers.emplace_back(ChildProcess::Command{{own_path(), "--probe-follower", folder.string(), mode}, {}, {}});
    wait_until([&] { return std::filesystem::exists(folder / "port"); }, Seconds(10), "a follower listened");
    arguments.push_back(std::to_string(static_cast<int>(read_number(folder / "port"))));
  }
  arguments.insert(arguments.end(), {std::to_string(image_bytes), std::to_string(seconds), mode});
  ChildProcess leader(ChildProcess::Command{arguments, {}, {}});
  const std::filesystem::path result = work.path() / "leader" / "result";
  Usage leader_usage;
  const auto finished = [&] {
    leader_usage = leader.usage();
    return std::filesystem::exists(result);
  };
  wait_until(finished, Seconds(seconds + 60), "the probe ended");
  double follower_cpu = 0;
  for (const ChildProcess& follower : followers)
    follower_cpu += follower.usage().cpu_seconds / 2;
  if (leader.wait() != 0) throw std::runtime_error("the probe's leader failed");
  double images = 0;
  double elapsed = 0;
  std::ifstream(result) >> images >> elapsed;
  if (images == 0) throw std::runtime_error("the probe stored nothing");
  return {images / elapsed, leader_usage.cpu_seconds * 1000 / images, follower_cpu * 1000 / images};
}

}  // namespace bench
