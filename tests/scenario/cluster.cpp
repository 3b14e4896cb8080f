#include "scenario/cluster.hpp"

#include "crypto/digest.hpp"
#include "support/cluster.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <exception>
#include <filesystem>
#include <set>
#include <sstream>

namespace scenario {

using cloudp2p::ClusterView;
using cloudp2p::Digest;
using cloudp2p::kNobody;
using cloudp2p::LeaderView;
using cloudp2p::MemberView;
using cloudp2p::Result;

namespace {

std::string address_of(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

/// At once: a node that starts just now reads the former text or this one.
void replace_file(const std::string& path, const std::string& text) {
  support::write_file(path + ".new", text);
  std::filesystem::rename(path + ".new", path);
}

}  // namespace

Cluster::Cluster(const ClusterOptions& options) : options_(options) {
  const std::vector<unsigned> ports = support::free_ports(options.nodes);
  for (unsigned i = 0; i < options.nodes; ++i) ports_[NodeId{i + 1}] = static_cast<std::uint16_t>(ports[i]);
  REQUIRE(cloudp2p::generate_key_file(path("key")).ok());
  write_config(options.settings);
  if (!options.start) return;
  start_all();
  REQUIRE(wait_for_leader() != kNobody);
}

Cluster::~Cluster() {
  if (std::uncaught_exceptions() > 0) print_logs();
}

void Cluster::print_logs() {
  constexpr std::size_t kTail = 6'000;
  for (const NodeId id : ids()) {
    const std::string text = log(id);
    MESSAGE("log of node " << to_string(id) << ":\n" << text.substr(text.size() - std::min(text.size(), kTail)));
  }
}

void Cluster::write_config(const std::string& settings) {
  std::string peers;
  for (const auto& [id, port] : ports_) {
    if (!listed_.empty() && std::find(listed_.begin(), listed_.end(), id) == listed_.end()) continue;
    peers += (peers.empty() ? "" : ",") + std::string("{\"id\":") + to_string(id);
    peers += ",\"address\":\"" + address_of(port) + "\"}";
  }
  const std::string common = "{\"peers\":[" + peers + "],\"encryption_key_file\":\"" + path("key") + "\"";
  replace_file(path("config.json"), common + (settings.empty() ? "" : "," + settings) + "}\n");
  if (client_) return;
  const std::string& mine = options_.client_settings;
  replace_file(path("client.json"), common + (mine.empty() ? "" : "," + mine) + "}\n");
}

void Cluster::list_peers(const std::vector<NodeId>& listed) {
  listed_ = listed;
  write_config(options_.settings);
}

void Cluster::move(NodeId id) {
  ports_[id] = static_cast<std::uint16_t>(support::free_ports(1).front());
  write_config(options_.settings);
}

std::vector<NodeId> Cluster::ids() const {
  std::vector<NodeId> out;
  for (const auto& each : ports_) out.push_back(each.first);
  return out;
}

std::uint16_t Cluster::port(NodeId id) const { return ports_.at(id); }

std::string Cluster::images_of(NodeId id) const {
  const auto at = images_at_.find(id);
  return at == images_at_.end() ? path("node" + to_string(id)) : at->second;
}

void Cluster::start(NodeId id, const std::vector<std::string>& more_arguments) {
  earlier_logs_[id] = log(id);
  support::Launch launch;
  const auto other = servers_.find(id);
  launch.program = other == servers_.end() ? CLOUD_P2P_EXE : other->second;
  launch.arguments = {"--config", path("config.json"), "--node-id", to_string(id), "--shared-dir", images_of(id)};
  launch.arguments.insert(launch.arguments.end(), more_arguments.begin(), more_arguments.end());
  nodes_[id].emplace(std::move(launch));
}

void Cluster::start_all() {
  for (const NodeId id : ids()) start(id);
}

Process& Cluster::node(NodeId id) { return nodes_.at(id).value(); }

std::size_t Cluster::resident_bytes(NodeId id) {
  std::istringstream words(support::read_file("/proc/" + std::to_string(node(id).pid()) + "/status"));
  for (std::string word; words >> word;) {
    std::size_t kib = 0;
    if (word == "VmRSS:" && words >> kib) return kib * 1024;
  }
  return 0;
}

std::string Cluster::log(NodeId id) {
  const auto& node = nodes_[id];
  return earlier_logs_[id] + (node ? node->out() + node->err() : "");
}

void Cluster::signal(NodeId id, int number) { node(id).signal(number); }

void Cluster::kill(NodeId id) { (void)stop(id, SIGKILL); }

int Cluster::stop(NodeId id, int number) {
  signal(id, number);
  const std::optional<int> status = node(id).wait();
  REQUIRE_MESSAGE(status.has_value(), "node " << to_string(id) << " did not end");
  return *status;
}

std::vector<std::string> Cluster::files_of(NodeId id) const { return support::visible_files(images_of(id)); }

bool Cluster::everywhere(const std::vector<Digest>& digests) const {
  const std::multiset<Digest> wanted(digests.begin(), digests.end());
  for (const NodeId id : ids()) {
    std::multiset<Digest> held;
    for (const std::string& name : files_of(id)) held.insert(digest_of(support::read_file(images_of(id) + "/" + name)));
    if (held != wanted) {
      MESSAGE("node " << to_string(id) << " holds " << held.size() << " images of " << wanted.size());
      return false;
    }
  }
  return true;
}

cloudp2p::Config Cluster::client_config() const {
  const cloudp2p::ConfigFlags flags{path("client.json"), {}, {}, {}, {}, {}, {}, {}, {}};
  Result<cloudp2p::Config> config = cloudp2p::load_config(flags, [](const char*) { return std::nullopt; });
  REQUIRE_MESSAGE(config.ok(), config.error().text());
  return *config;
}

cloudp2p::ClientHost& Cluster::client() {
  if (!client_) {
    Result<std::unique_ptr<cloudp2p::ClientHost>> opened = cloudp2p::ClientHost::open(client_config(), silent_);
    REQUIRE_MESSAGE(opened.ok(), opened.error().text());
    client_ = std::move(*opened);
  }
  return *client_;
}

NodeId Cluster::wait_for_leader(NodeId but) {
  NodeId found = kNobody;
  (void)eventually([&] {
    const Result<LeaderView> leader = client().discover();
    if (leader.ok() && leader->leader != but) found = leader->leader;
    return found != kNobody;
  });
  return found;
}

bool Cluster::wait_until_complete(std::uint64_t images) {
  std::string last;
  const bool complete = eventually([&] {
    const Result<ClusterView> view = client().members();
    if (!view.ok()) return last = view.error().text(), false;
    last = "leader " + to_string(view->leader) + ", under-replicated " + std::to_string(view->under_replicated);
    bool all = view->answered_by == view->leader && view->under_replicated == 0;
    for (const MemberView& member : view->members) {
      all = all && member.reachable && member.report.missing == 0 && member.report.images == images;
      last += "; node " + to_string(member.id) + (member.reachable ? "" : " unreachable") + ": " +
              std::to_string(member.report.images) + " images, " + std::to_string(member.report.missing) + " missing";
    }
    return all;
  });
  if (!complete) MESSAGE("wanted " << images << " images everywhere; " << last);
  return complete;
}

Process Cluster::begin_client(std::vector<std::string> arguments, const std::string& program) {
  support::Launch launch;
  launch.program = program;
  launch.arguments = {"--config", path("client.json")};
  launch.arguments.insert(launch.arguments.end(), arguments.begin(), arguments.end());
  return Process(std::move(launch));
}

Finished Cluster::run_client(std::vector<std::string> arguments, const std::string& program) {
  Process client = begin_client(std::move(arguments), program);
  const std::optional<int> status = client.wait();
  return {status.value_or(-1), client.out(), client.err()};
}

Digest digest_of(std::string_view bytes) { return cloudp2p::crypto::digest_of(std::as_bytes(std::span(bytes))); }

std::shared_ptr<cloudp2p::ImageSource> source_of(const std::string& name, const std::string& bytes) {
  return cloudp2p::memory_source(name, cloudp2p::Buffer::copy_of(std::as_bytes(std::span(bytes))));
}

std::optional<Digest> put(Cluster& cluster, const std::string& bytes) {
  const Result<cloudp2p::UploadOutcome> outcome = cluster.client().upload(source_of("picture.jpg", bytes));
  if (outcome.ok()) return outcome->digest;
  MESSAGE("upload failed: " << outcome.error().text());
  return std::nullopt;
}

}  // namespace scenario
