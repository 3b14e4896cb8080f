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

struct Follower {
  ChildProcess process;
  std::string port;
};

Follower start_follower(const std::filesystem::path& folder, ProbeSync sync) {
  std::filesystem::create_directory(folder);
  const std::string mode = sync == ProbeSync::whole_filesystem ? "1" : "0";
  Follower out{ChildProcess({{own_path(), "--probe-follower", folder.string(), mode}, {}, {}}), {}};
  wait_until([&] { return std::filesystem::exists(folder / "port"); }, Seconds(10), "a follower listened");
  out.port = std::to_string(static_cast<int>(read_number(folder / "port")));
  return out;
}

}  // namespace

ProbeResult run_probe(const Options& options, ProbeSync sync, std::size_t image_bytes, double seconds) {
  const WorkFolder work(options);
  const std::string mode = sync == ProbeSync::whole_filesystem ? "1" : "0";
  std::vector<Follower> followers;
  std::vector<std::string> arguments{own_path(), "--probe-leader", (work.path() / "leader").string()};
  std::filesystem::create_directory(work.path() / "leader");
  for (const char* name : {"follower-1", "follower-2"}) {
    followers.push_back(start_follower(work.path() / name, sync));
    arguments.push_back(followers.back().port);
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
  for (const Follower& follower : followers)
    follower_cpu += follower.process.usage().cpu_seconds / 2;
  if (leader.wait() != 0) throw std::runtime_error("the probe's leader failed");
  double images = 0;
  double elapsed = 0;
  std::ifstream(result) >> images >> elapsed;
  if (images == 0) throw std::runtime_error("the probe stored nothing");
  return {images / elapsed, leader_usage.cpu_seconds * 1000 / images, follower_cpu * 1000 / images};
}

double run_copy_probe(const Options& options, ProbeSync sync, const std::filesystem::path& from) {
  const WorkFolder work(options);
  const Follower follower = start_follower(work.path() / "follower", sync);
  const std::filesystem::path result = work.path() / "result";
  ChildProcess source(
      {{own_path(), "--probe-source", from.string(), follower.port, result.string()}, {}, {}});
  if (source.wait() != 0) throw std::runtime_error("the probe's source failed");
  double images = 0;
  double elapsed = 0;
  std::ifstream(result) >> images >> elapsed;
  if (images == 0) throw std::runtime_error("the probe copied nothing");
  return images / elapsed;
}

}  // namespace bench
