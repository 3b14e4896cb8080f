#include "nemesis/nodes.hpp"

#include "nemesis/sandbox.hpp"
#include "sim/random.hpp"
#include "support/temporary_folder.hpp"

#include <cloudp2p/host.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace nemesis {
namespace {

constexpr std::uint64_t kFreeBytesMin = 4 * 1024 * 1024;
constexpr int kOutOfOrder = 1;  ///< The exit status of a node that can not start.

std::uint64_t free_bytes(const std::string& path) {
  struct statvfs space {};
  if (::statvfs(path.c_str(), &space) != 0) return 0;
  return static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
}

void flip_bit(const std::string& path, cloudp2p::sim::Random& random) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  const auto size = ::lseek(file, 0, SEEK_END);
  const auto at = static_cast<off_t>(random.below(static_cast<std::uint64_t>(size)));
  unsigned char byte = 0;
  if (::pread(file, &byte, 1, at) == 1) {
    byte = static_cast<unsigned char>(byte ^ (1U << random.below(8)));
    (void)!::pwrite(file, &byte, 1, at);
  }
  ::close(file);
}

}  // namespace

Nodes::Nodes(const Network& network, Server server, std::string folder, unsigned count, std::uint64_t disk_bytes)
    : network_(network), server_(std::move(server)), folder_(std::move(folder)), processes_(count + 1) {
  for (unsigned node = 1; node <= count; ++node) {
    mount_memory(disk_of(node), disk_bytes);
    clocks_.emplace_back(disk_of(node) + "/clocks");
  }
  write_config();
}

void Nodes::write_config() {
  const cloudp2p::Status key = cloudp2p::generate_key_file(folder_ + "/key");
  if (!key.ok()) throw std::runtime_error(key.error().text());
  std::string peers;
  for (unsigned node = 1; node <= count(); ++node)
    peers +=
        fmt::format("{}{{\"id\":{},\"address\":\"{}:{}\"}}", node == 1 ? "" : ",", node, Network::address(node), kPort);
  support::write_file(config_path(), fmt::format("{{\"peers\":[{}],\"encryption_key_file\":\"{}/key\","
                                                 "\"store\":{{\"free_bytes_min\":{}}}}}\n",
                                                 peers, folder_, kFreeBytesMin));
}

void Nodes::start(unsigned node) {
  if (processes_.at(node)) return;
  support::Launch launch;
  launch.program = server_.program;
  launch.environment = {
      {"CONFIG_FILE", config_path()}, {"NODE_ID", std::to_string(node)}, {"SHARED_DIR", images_of(node)}};
  if (!server_.broken_rule.empty()) launch.environment["BREAK_RULE"] = server_.broken_rule;
  if (kClocksMove) {
    launch.environment["LD_PRELOAD"] = CLOCK_SHIM;
    launch.environment[kClockVariable] = clocks(node).path();
  }
  network_.inside(node, [&] { processes_.at(node).emplace(std::move(launch)); });
}

void Nodes::kill(unsigned node) {
  auto& process = processes_.at(node);
  if (!process) return;
  process->signal(SIGKILL);
  (void)process->wait();
  paused_.erase(node);
  end_of(node, "killed");
}

void Nodes::end_of(unsigned node, const std::string& how) {
  support::Process& process = *processes_.at(node);
  std::ofstream log(log_of(node), std::ios::app);
  log << process.out() << process.err() << "---- " << how << "\n";
  processes_.at(node).reset();
}

void Nodes::freeze(unsigned node) {
  if (running(node)) processes_.at(node)->signal(SIGSTOP);
}

void Nodes::thaw(unsigned node) {
  if (running(node)) processes_.at(node)->signal(SIGCONT);
}

void Nodes::pause(unsigned node) {
  if (running(node) && paused_.emplace(node, std::chrono::steady_clock::now()).second) freeze(node);
}

void Nodes::resume(unsigned node) {
  const auto paused = paused_.extract(node);
  if (paused.empty()) return;
  const std::chrono::nanoseconds gone = std::chrono::steady_clock::now() - paused.mapped();
  if (kClocksMove) clocks(node).step_boot(-gone.count());
  thaw(node);
}

bool Nodes::running(unsigned node) {
  auto& process = processes_.at(node);
  return process && process->running();
}

void Nodes::fill_disk(unsigned node, std::uint64_t left_bytes) {
  full_.insert(node);
  const std::uint64_t free = free_bytes(disk_of(node));
  const int file = ::open(ballast_of(node).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) throw std::system_error(errno, std::generic_category(), ballast_of(node));
  if (free > left_bytes) (void)::posix_fallocate(file, 0, static_cast<off_t>(free - left_bytes));
  ::close(file);
}

void Nodes::empty_disk(unsigned node) {
  surprises_ = surprises();  // As long as its disk excuses it.
  ::unlink(ballast_of(node).c_str());
  full_.erase(node);
}

std::size_t Nodes::flip_bits(unsigned node, std::size_t count, std::uint64_t dice) {
  cloudp2p::sim::Random random(dice);
  std::vector<std::string> files = support::visible_files(images_of(node));
  std::size_t flipped = 0;
  for (; flipped < count && !files.empty(); ++flipped) {
    const auto at = files.begin() + static_cast<std::ptrdiff_t>(random.below(files.size()));
    flip_bit(images_of(node) + "/" + *at, random);
    files.erase(at);
  }
  return flipped;
}

std::vector<std::string> Nodes::surprises() {
  std::vector<std::string> out = std::move(surprises_);
  surprises_.clear();
  for (unsigned node = 1; node <= count(); ++node) {
    auto& process = processes_.at(node);
    if (!process || process->running()) continue;
    const int status = process->wait().value_or(-1);
    const bool no_room = full_.contains(node) && status == kOutOfOrder;
    if (!no_room)
      out.push_back(fmt::format("node {} ended by itself, exit status {}: {}", node, status, process->err()));
    end_of(node, fmt::format("ended by itself, exit status {}", status));
    start(node);
  }
  return out;
}

std::vector<std::string> Nodes::end() {
  std::vector<std::string> out = surprises();
  for (unsigned node = 1; node <= count(); ++node) {
    kill(node);
    const std::string log = support::read_file(log_of(node));
    const std::size_t at = log.find("Sanitizer");
    if (at != std::string::npos)
      out.push_back(fmt::format("node {}: {}", node, log.substr(log.rfind('\n', at) + 1, 2'000)));
  }
  return out;
}

}  // namespace nemesis
