// A cluster of real processes on loopback: start, kill, freeze, restart, ask.
//
// Each node has a port that was free and a folder of its own; the key is fresh. Everything ends with the object.
#pragma once

#include "support/process.hpp"
#include "support/temporary_folder.hpp"

namespace support {

/// Ports that were free a moment ago, all different, and below those that the system gives to outgoing connections:
/// none is taken while its node is down.
[[nodiscard]] std::vector<unsigned> free_ports(std::size_t count);

struct ClusterOptions {
  std::string server;  ///< Paths of the programs: CLOUD_P2P_EXE and CLIENT_EXE.
  std::string client;
  std::size_t nodes = 3;
  std::string settings;  ///< Further members of the config file: `, "store": {…}`.
  bool with_key = true;
};

class Cluster {
 public:
  explicit Cluster(ClusterOptions options);
  ~Cluster();

  // Nodes are numbered from 1.
  void start(unsigned node) { start_as(node, server_launch(node)); }
  /// The same, as told: further arguments, another environment.
  void start_as(unsigned node, Launch launch);
  void start_all();
  /// SIGKILL.
  void kill(unsigned node);
  void signal(unsigned node, int number);
  [[nodiscard]] Process& process(unsigned node);
  [[nodiscard]] bool running(unsigned node);

  /// The node that leads, as the live nodes' own lines and `discover` agree; 0 when none does in time.
  [[nodiscard]] unsigned wait_for_leader(std::chrono::milliseconds bound = kGenerous);
  /// Until every running node holds every image.
  [[nodiscard]] bool wait_for_repair(std::chrono::milliseconds bound = kGenerous);

  /// Runs the client with this cluster's config and key.
  [[nodiscard]] Finished client(std::vector<std::string> arguments, std::string input = {});
  [[nodiscard]] Launch client_launch(std::vector<std::string> arguments) const;
  [[nodiscard]] Launch server_launch(unsigned node) const;

  [[nodiscard]] std::string config_path() const { return folder_ / "config.json"; }
  [[nodiscard]] std::string shared_dir(unsigned node) const { return folder_ / ("node" + std::to_string(node)); }
  [[nodiscard]] std::string address(unsigned node) const;
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }
  [[nodiscard]] std::size_t size() const { return options_.nodes; }

 private:
  const ClusterOptions options_;
  TemporaryFolder folder_;
  std::vector<unsigned> ports_;
  std::string key_;
  std::vector<std::optional<Process>> processes_;
};

}  // namespace support
