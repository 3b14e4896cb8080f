#include "cluster.hpp"

#include <cloudp2p/json_writer.hpp>

#include <arpa/inet.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>
#include <sstream>

namespace bench {
namespace {

bool in_memory(const std::filesystem::path& folder) {
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) != 0) throw std::runtime_error(folder.string() + " is not there");
  return info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC;
}

bool can_listen(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

/// Below the range that the system gives to outgoing connections: a node must find its port free when it comes back.
std::uint16_t free_port(std::random_device& random) {
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const auto port = static_cast<std::uint16_t>(20'000 + random() % 10'000);
    if (can_listen(port)) return port;
  }
  throw std::runtime_error("no free port between 20000 and 30000");
}

std::string random_key(std::random_device& random) {
  std::array<std::byte, 32> key;
  for (std::byte& byte : key)
    byte = static_cast<std::byte>(random());
  return cloudp2p::to_hex(key);
}

void write_config(const std::filesystem::path& file, const std::vector<cloudp2p::PeerAddress>& peers,
                  const std::string& takeover) {
  std::string out;
  cloudp2p::JsonWriter json(out);
  json.begin_object().key("peers").begin_array();
  for (const cloudp2p::PeerAddress& peer : peers)
    json.begin_object().field("id", value(peer.id)).field("address", to_string(peer.address)).end_object();
  json.end_array().field("takeover", takeover).end_object();
  std::ofstream(file) << out << '\n';
}

/// Folders that are done with, removed when the program ends.
///
/// Not at once: for 35 seconds ext4 looks at every deleted inode again whenever it makes a file, so that removing what
/// one measurement left would make the files of the next one several times dearer.
class Leftovers {
 public:
  ~Leftovers() {
    std::error_code ignored;
    for (const std::filesystem::path& folder : folders_)
      std::filesystem::remove_all(folder, ignored);
  }
  void add(const std::filesystem::path& folder, bool keep) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, ignored)) {
      if (entry.is_regular_file(ignored)) std::filesystem::resize_file(entry.path(), 0, ignored);
    }
    if (!keep) folders_.push_back(folder);
  }

 private:
  std::vector<std::filesystem::path> folders_;
};

Leftovers& leftovers() {
  static Leftovers out;
  return out;
}

}  // namespace

WorkFolder::WorkFolder(const Options& options) : keep_(options.keep) {
  std::filesystem::path parent = options.folder;
  if (options.folder.empty()) parent = std::filesystem::temp_directory_path();
  if (options.folder.empty() && in_memory(parent)) parent = "/var/tmp";
  if (in_memory(parent))
    throw std::runtime_error(parent.string() + " is in memory: give a folder on a disk with --dir");
  std::string name = (parent / "cloudp2p-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder in " + parent.string());
  path_ = name;
}

WorkFolder::~WorkFolder() {
  leftovers().add(path_, keep_);
}

Cluster::Cluster(const Options& options, Setup setup) : options_(options), work_(options) {
  std::random_device random;
  client_.encryption_key = random_key(random);
  while (client_.peers.size() < kNodes) {
    const cloudp2p::Address address{"127.0.0.1", free_port(random)};
    const auto taken = [&](const cloudp2p::PeerAddress& peer) { return peer.address == address; };
    if (std::any_of(client_.peers.begin(), client_.peers.end(), taken)) continue;
    client_.peers.push_back({cloudp2p::NodeId{static_cast<std::uint32_t>(client_.peers.size() + 1)}, address});
  }
  write_config(work_.path() / "config.json", client_.peers, setup.takeover);
}

Cluster::~Cluster() {
  for (ChildProcess& process : processes_)
    process.kill_now();
}

std::filesystem::path Cluster::folder(std::size_t node) const {
  return work_.path() / ("node-" + std::to_string(node + 1));
}

std::filesystem::path Cluster::output_file(std::size_t node) const {
  return work_.path() / ("node-" + std::to_string(node + 1) + ".log");
}

std::string Cluster::output(std::size_t node) const {
  std::ostringstream out;
  out << std::ifstream(output_file(node)).rdbuf();
  return out.str();
}

bool Cluster::has_said(std::size_t node, const std::string& words) const {
  return output(node).find(words) != std::string::npos;
}

std::optional<double> Cluster::said_at(std::size_t node, const std::string& words) const {
  return time_of_line(output(node), words);
}

void Cluster::forget_output(std::size_t node) const {
  std::filesystem::remove(output_file(node));
}

void Cluster::start(std::size_t node) {
  ChildProcess::Command command;
  command.arguments = options_.server.empty() ? std::vector<std::string>{own_path(), "--serve"}
                                              : std::vector<std::string>{options_.server};
  command.environment = {{"CONFIG_FILE", (work_.path() / "config.json").string()},
                         {"NODE_ID", std::to_string(node + 1)},
                         {"SHARED_DIR", folder(node).string()},
                         {"ENCRYPTION_KEY", client_.encryption_key}};
  if (!options_.nodes_talk) command.output_file = output_file(node).string();
  processes_.at(node) = ChildProcess(command);
}

void Cluster::start() {
  for (std::size_t node = 0; node < kNodes; ++node)
    start(node);
  wait_until_settled();
}

void Cluster::stop() {
  for (const ChildProcess& process : processes_)
    process.signal(SIGTERM);
  for (ChildProcess& process : processes_)
    process.wait();
}

void Cluster::stop(std::size_t node) {
  processes_.at(node).signal(SIGTERM);
  processes_.at(node).wait();
}

std::unique_ptr<cloudp2p::ClientHost> Cluster::connect() {
  auto client = cloudp2p::ClientHost::open(client_, quiet_);
  if (!client) throw std::runtime_error(client.error().text());
  return std::move(*client);
}

std::optional<std::size_t> Cluster::settled_leader(cloudp2p::ClientHost& client) const {
  const auto view = client.members();
  if (!view || view->leader == cloudp2p::kNobody || view->answered_by != view->leader) return std::nullopt;
  if (view->members.size() != kNodes || view->under_replicated > 0) return std::nullopt;
  for (const cloudp2p::MemberView& member : view->members) {
    if (!member.reachable || !member.voter || member.report.missing > 0) return std::nullopt;
    if (member.report.catalog_root != view->members.front().report.catalog_root) return std::nullopt;
  }
  return index_of(view->leader);
}

std::size_t Cluster::wait_until_settled(Seconds patience) {
  const auto client = connect();
  std::optional<std::size_t> leader;
  const auto settled = [&] {
    for (std::size_t node = 0; node < kNodes; ++node) {
      if (!processes_.at(node).running()) {
        throw std::runtime_error("node " + std::to_string(node + 1) + " ended:\n" + output(node));
      }
    }
    leader = settled_leader(*client);
    return leader.has_value();
  };
  wait_until(settled, patience, "all nodes agreed", std::chrono::milliseconds(20));
  return *leader;
}

std::optional<NodeLine> Cluster::status(std::size_t node) {
  if (!options_.server.empty() || options_.nodes_talk) return std::nullopt;
  const std::size_t before = output(node).size();
  process(node).signal(SIGUSR1);
  std::optional<NodeLine> out;
  wait_until([&] { return (out = last_status(output(node), before)).has_value(); }, Seconds(10),
             "a node told its status");
  return out;
}

}  // namespace bench
