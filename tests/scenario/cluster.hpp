// A cluster of real `cloud-p2p` processes on loopback, with a fresh key, and a client for it.
//
// Thread:    the thread that runs the test; only `client()` may be used from others.
// Ends:      destruction kills every node and removes the folder; when a REQUIRE failed, the nodes' logs come first.
#pragma once

#include "support/process.hpp"
#include "support/silent_log.hpp"
#include "support/temporary_folder.hpp"

#include <cloudp2p/host.hpp>

namespace scenario {

using cloudp2p::NodeId;
using support::eventually;
using support::Finished;
using support::picture;
using support::Process;

struct ClusterOptions {
  unsigned nodes = 3;
  std::string settings{};         ///< Further members of the config file: `"store":{"image_bytes_max":1000}`.
  bool start = true;            ///< All nodes run and one serves when the constructor returns.
  std::string client_settings{};  ///< Of the client's own config file.
};

class Cluster {
 public:
  explicit Cluster(const ClusterOptions& options = {});
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Nodes. Ids are 1 to nodes.
  [[nodiscard]] std::vector<NodeId> ids() const;
  void start(NodeId id, const std::vector<std::string>& more_arguments = {});
  void start_all();
  /// Another build of the server, from its next start on.
  void install(NodeId id, const std::string& server) { servers_[id] = server; }
  void signal(NodeId id, int number);
  /// kill -9, and gone.
  void kill(NodeId id);
  /// SIGTERM; the exit status.
  int stop(NodeId id, int number = 15);
  [[nodiscard]] Process& node(NodeId id);
  [[nodiscard]] std::size_t resident_bytes(NodeId id);
  [[nodiscard]] std::string log(NodeId id);  ///< Both streams of its present and former processes.
  void write_config(const std::string& settings);
  /// The file that all nodes read lists these from now on; what runs reads it again with SIGHUP. The client's own file
  /// stays as it was when it was first used.
  void list_peers(const std::vector<NodeId>& listed);
  /// Another port, for the file and for the next start.
  void move(NodeId id);

  // The world around them.
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::string images_of(NodeId id) const;
  void keep_images_at(NodeId id, const std::string& path) { images_at_[id] = path; }
  [[nodiscard]] std::uint16_t port(NodeId id) const;
  /// The names of the images that a node holds, and whatever else lies there in the open.
  [[nodiscard]] std::vector<std::string> files_of(NodeId id) const;
  /// Every node holds exactly the files with these digests: content, not names, decides.
  [[nodiscard]] bool everywhere(const std::vector<cloudp2p::Digest>& digests) const;

  // Asking.
  [[nodiscard]] cloudp2p::Config client_config() const;
  [[nodiscard]] cloudp2p::ClientHost& client();
  /// A leader that serves and is none of `but`; kNobody when none does in time.
  [[nodiscard]] NodeId wait_for_leader(NodeId but = cloudp2p::kNobody);
  /// Every node is reachable, holds `images` images and misses none.
  [[nodiscard]] bool wait_until_complete(std::uint64_t images);
  /// Runs the program `client`, or another build of it.
  Finished run_client(std::vector<std::string> arguments, const std::string& program = CLIENT_EXE);
  [[nodiscard]] Process begin_client(std::vector<std::string> arguments, const std::string& program = CLIENT_EXE);

 private:
  void print_logs();

  const ClusterOptions options_;
  const support::TemporaryFolder folder_;
  std::map<NodeId, std::uint16_t> ports_;
  std::vector<NodeId> listed_;  ///< Empty: all.
  std::map<NodeId, std::optional<Process>> nodes_;
  std::map<NodeId, std::string> earlier_logs_;
  std::map<NodeId, std::string> images_at_;
  std::map<NodeId, std::string> servers_;
  support::SilentLog silent_;
  std::unique_ptr<cloudp2p::ClientHost> client_;
};

[[nodiscard]] cloudp2p::Digest digest_of(std::string_view bytes);
[[nodiscard]] std::shared_ptr<cloudp2p::ImageSource> source_of(const std::string& name, const std::string& bytes);
/// An upload through the library; the digest when it was acknowledged.
[[nodiscard]] std::optional<cloudp2p::Digest> put(Cluster& cluster, const std::string& bytes);

}  // namespace scenario
