// Nodes: the `cloud-p2p` processes, each in its namespace, with a small disk of its own.
//
// Nodes are numbered from 1. A process that ends by itself is a finding, unless its disk was full.
// Thread: the one that injects the faults.
#pragma once

#include "nemesis/clocks.hpp"
#include "nemesis/network.hpp"
#include "support/process.hpp"

#include <map>
#include <optional>
#include <set>

namespace nemesis {

#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kClocksMove = false;  ///< This sanitizer wants to be the first library of a process.
#else
inline constexpr bool kClocksMove = true;
#endif

struct Server {
  std::string program;
  std::string broken_rule;  ///< Empty: none. Only the program that is made for it breaks one.
};

class Nodes {
 public:
  /// `folder`: in the sandbox; logs, disks and the configuration go there. Starts nothing.
  Nodes(const Network& network, Server server, std::string folder, unsigned count, std::uint64_t disk_bytes);

  [[nodiscard]] unsigned count() const { return static_cast<unsigned>(processes_.size()) - 1; }
  [[nodiscard]] std::string config_path() const { return folder_ + "/config.json"; }
  [[nodiscard]] std::string images_of(unsigned node) const { return disk_of(node) + "/images"; }

  void start(unsigned node);
  /// SIGKILL; not there, nothing done.
  void kill(unsigned node);
  void freeze(unsigned node);
  void thaw(unsigned node);
  /// The same for a machine: by its clocks no time has passed.
  void pause(unsigned node);
  void resume(unsigned node);
  [[nodiscard]] bool running(unsigned node);

  [[nodiscard]] Clocks& clocks(unsigned node) { return clocks_.at(node - 1); }

  /// Leaves `left_bytes` on the node's disk.
  void fill_disk(unsigned node, std::uint64_t left_bytes);
  void empty_disk(unsigned node);
  /// Flips one bit in each of at most `count` stored images, drawn by `dice`. How many it were.
  std::size_t flip_bits(unsigned node, std::size_t count, std::uint64_t dice);

  /// Which ended without being killed, each once; they are started again. A full disk is an excuse.
  [[nodiscard]] std::vector<std::string> surprises();
  /// Kills all that run. What else is to be said: surprises, and what sanitizers wrote into the logs.
  [[nodiscard]] std::vector<std::string> end();

 private:
  [[nodiscard]] std::string disk_of(unsigned node) const { return folder_ + "/node" + std::to_string(node); }
  [[nodiscard]] std::string ballast_of(unsigned node) const { return disk_of(node) + "/ballast"; }
  /// Everything that its processes wrote, those that run left out.
  [[nodiscard]] std::string log_of(unsigned node) const { return folder_ + "/node" + std::to_string(node) + ".log"; }
  void write_config();
  void end_of(unsigned node, const std::string& how);

  const Network& network_;
  const Server server_;
  const std::string folder_;
  std::vector<std::optional<support::Process>> processes_;  ///< By node; none: down on purpose.
  std::vector<Clocks> clocks_;                              ///< By node, from 1.
  std::map<unsigned, std::chrono::steady_clock::time_point> paused_;  ///< Since when.
  std::set<unsigned> full_;
  std::vector<std::string> surprises_;  ///< Not told yet.
};

}  // namespace nemesis
