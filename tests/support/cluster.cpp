#include "support/cluster.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

namespace support {
namespace {

constexpr std::string_view kFound = "[Client] Leader discovered: Node ";

std::string fresh_key() {
  std::random_device entropy;
  std::string out;
  while (out.size() < 64)
    out += "0123456789abcdef"[entropy() % 16];
  return out;
}

std::string config_text(const std::vector<unsigned>& ports, const std::string& settings) {
  std::string peers;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    peers += (i == 0 ? "" : ",") + std::string("{\"id\":") + std::to_string(i + 1) +
             ",\"address\":\"127.0.0.1:" + std::to_string(ports[i]) + "\"}";
  }
  return "{\"peers\":[" + peers + "],\"shared_dir\":\"./images\"" + settings + "}\n";
}

}  // namespace

std::vector<unsigned> free_ports(std::size_t count) {
  constexpr unsigned kFirst = 12'000;
  constexpr unsigned kSpan = 18'000;
  std::random_device entropy;
  std::vector<int> sockets;
  std::vector<unsigned> out;
  while (out.size() < count) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const unsigned port = kFirst + entropy() % kSpan;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockets.push_back(socket);  // Kept until all are there, so that none is given twice.
    if (::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) out.push_back(port);
  }
  for (const int socket : sockets)
    ::close(socket);
  return out;
}

Cluster::Cluster(ClusterOptions options)
    : options_(std::move(options)), ports_(free_ports(options_.nodes)), processes_(options_.nodes) {
  if (options_.with_key) key_ = fresh_key();
  write_file(config_path(), config_text(ports_, options_.settings));
}

Cluster::~Cluster() = default;

std::string Cluster::address(unsigned node) const {
  return "127.0.0.1:" + std::to_string(ports_.at(node - 1));
}

Launch Cluster::server_launch(unsigned node) const {
  Launch out;
  out.program = options_.server;
  out.folder = folder_.path();
  out.environment = {
      {"CONFIG_FILE", "config.json"}, {"NODE_ID", std::to_string(node)}, {"SHARED_DIR", shared_dir(node)}};
  if (!key_.empty()) out.environment["ENCRYPTION_KEY"] = key_;
  return out;
}

Launch Cluster::client_launch(std::vector<std::string> arguments) const {
  Launch out;
  out.program = options_.client;
  out.arguments = std::move(arguments);
  out.folder = folder_.path();
  out.environment = {{"CONFIG_FILE", "config.json"}};
  if (!key_.empty()) out.environment["ENCRYPTION_KEY"] = key_;
  return out;
}

void Cluster::start_as(unsigned node, Launch launch) {
  processes_.at(node - 1).emplace(std::move(launch));
}

void Cluster::start_all() {
  for (unsigned node = 1; node <= size(); ++node)
    start(node);
}

void Cluster::kill(unsigned node) {
  signal(node, SIGKILL);
  (void)process(node).wait();
}

void Cluster::signal(unsigned node, int number) {
  process(node).signal(number);
}

Process& Cluster::process(unsigned node) {
  return processes_.at(node - 1).value();
}

bool Cluster::running(unsigned node) {
  auto& process = processes_.at(node - 1);
  return process && process->running();
}

unsigned Cluster::wait_for_leader(std::chrono::milliseconds bound) {
  unsigned leader = 0;
  const bool found = eventually(
      [&] {
        const Finished answer = client({"--timeout", "5s", "discover"});
        if (answer.exit_status != 0 || answer.out.rfind(kFound, 0) != 0) return false;
        leader = static_cast<unsigned>(std::stoul(answer.out.substr(kFound.size())));
        return true;
      },
      bound);
  return found ? leader : 0;
}

bool Cluster::wait_for_repair(std::chrono::milliseconds bound) {
  const auto complete = [&] {
    const Finished answer = client({"-o", "json", "members"});
    return answer.exit_status == 0 && answer.out.find("\"under_replicated\":0,") != std::string::npos &&
           answer.out.find("\"reachable\":false") == std::string::npos;
  };
  return eventually(complete, bound);
}

Finished Cluster::client(std::vector<std::string> arguments, std::string input) {
  Launch launch = client_launch(std::move(arguments));
  launch.input = std::move(input);
  return run(std::move(launch));
}

}  // namespace support
