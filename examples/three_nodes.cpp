// A whole cluster in one process: three nodes, each on a thread and in a folder of its own, and a client. What a test of a
// program wants that talks to real sockets and disks; against crashes and partitions use the simulator
// (simulate_your_program.cpp).
//   PEERS=1=127.0.0.1:7001,2=127.0.0.1:7002,3=127.0.0.1:7003 ./three_nodes FOLDER
#include <cloudp2p/host.hpp>

#include <cstdlib>
#include <iostream>
#include <map>
#include <thread>

namespace {

using namespace cloudp2p;

class Silent final : public LogSink {
 public:
  void log(LogLevel, std::string_view) override {}
};

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

[[noreturn]] void give_up(const Error& error) {
  std::cerr << error.text() << '\n';
  std::exit(exit_code(error.code));
}

class Cluster {
 public:
  Cluster(Config config, std::string folder, LogSink& log) : config_(std::move(config)), folder_(std::move(folder)), log_(log) {
    for (const PeerAddress& peer : config_.peers) start(peer.id);
  }

  void start(NodeId id) {
    Config own = config_;
    own.node_id = id;
    own.shared_dir = folder_ + "/" + to_string(id);
    auto host = Host::open(own, log_);
    if (!host) give_up(host.error());
    nodes_[id] = std::move(*host);
  }
  /// To the others this is a crash.
  void kill(NodeId id) { nodes_.erase(id); }

  /// Whether every node runs, holds so many images and lacks none.
  [[nodiscard]] bool complete(std::uint64_t images) {
    for (const auto& [id, node] : nodes_) {
      const NodeStatus status = node->status();
      if (status.catalog.images != images || status.catalog.missing != 0) return false;
    }
    return nodes_.size() == config_.peers.size();
  }

 private:
  const Config config_;
  const std::string folder_;
  LogSink& log_;
  std::map<NodeId, std::unique_ptr<Host>> nodes_;
};

/// Who led then.
NodeId upload(ClientHost& client, const std::string& name) {
  const std::string jpeg = "\xff\xd8\xff\xe0 " + name;
  // Blocks while a leader is elected, and tries again under the next one.
  const auto stored = client.upload(memory_source(name, Buffer::copy_of(std::as_bytes(std::span(jpeg)))));
  if (!stored) give_up(stored.error());
  std::cout << name << ": stored by node " << to_string(stored->leader) << '\n';
  return stored->leader;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) give_up({Errc::invalid_argument, "usage: three_nodes FOLDER"});
  const auto config = load_config({}, environment);
  if (!config) give_up(config.error());
  Silent log;
  Cluster cluster(*config, argv[1], log);
  const auto client = ClientHost::open(*config, log);
  if (!client) give_up(client.error());

  const NodeId leader = upload(**client, "before.jpg");
  cluster.kill(leader);
  upload(**client, "meanwhile.jpg");
  cluster.start(leader);
  while (!cluster.complete(2)) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::cout << "every node holds both\n";
}
