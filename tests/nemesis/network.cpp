#include "nemesis/network.hpp"

#include "nemesis/sandbox.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <system_error>

namespace nemesis {
namespace {

constexpr const char* kSwitch = "switch0";
constexpr unsigned kClientsHost = 100;

std::string name_of(unsigned node) {
  return "n" + std::to_string(node);
}
std::string port_of(unsigned node) {
  return "port" + std::to_string(node);
}

int open_namespace(const std::string& path) {
  const int out = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (out < 0) throw NotPossible("cannot open the namespace " + path);
  return out;
}

void enter(int descriptor) {
  if (::setns(descriptor, CLONE_NEWNET) != 0) throw std::system_error(errno, std::generic_category(), "setns");
}

}  // namespace

Network::Network(unsigned nodes) : rules_(nodes + 1), applied_(nodes + 1) {
  namespaces_.push_back(open_namespace("/proc/thread-self/ns/net"));
  command({"ip", "link", "set", "lo", "up"});
  command({"ip", "link", "add", kSwitch, "type", "bridge"});
  command({"ip", "addr", "add", address(kClients) + "/24", "dev", kSwitch});
  command({"ip", "link", "set", kSwitch, "up"});
  for (unsigned node = 1; node <= nodes; ++node)
    make_node(node);
  for (unsigned end = 0; end <= nodes; ++end)
    inside(end, [] { command({"nft", "-f", "-"}, text_of({})); });
}

Network::~Network() {
  for (const int descriptor : namespaces_)
    ::close(descriptor);
}

void Network::make_node(unsigned node) {
  const std::string name = name_of(node);
  command({"ip", "netns", "add", name});
  command({"ip", "link", "add", port_of(node), "type", "veth", "peer", "name", "eth0", "netns", name});
  command({"ip", "link", "set", port_of(node), "master", kSwitch, "up"});
  command({"ip", "-n", name, "link", "set", "lo", "up"});
  command({"ip", "-n", name, "addr", "add", address(node) + "/24", "dev", "eth0"});
  command({"ip", "-n", name, "link", "set", "eth0", "up"});
  namespaces_.push_back(open_namespace("/run/netns/" + name));
}

std::string Network::address(unsigned node) {
  return "10.77.0." + std::to_string(node == kClients ? kClientsHost : node);
}

void Network::inside(unsigned node, const std::function<void()>& what) const {
  struct Return {
    int home;
    ~Return() { (void)::setns(home, CLONE_NEWNET); }
  };
  enter(namespaces_.at(node));
  const Return back{namespaces_.front()};
  what();
}

std::string Network::text_of(const Rules& rules) {
  std::string in;
  for (unsigned from = 0; from < rules.cut.size(); ++from) {
    if (rules.cut.at(from) > 0) in += "ip saddr " + address(from) + " drop\n";
  }
  if (rules.loss_percent > 0)
    in += "iifname != \"lo\" numgen random mod 100 < " + std::to_string(rules.loss_percent) + " drop\n";
  std::string before;
  if (rules.through_proxy) {
    const std::string port = "tcp dport " + std::to_string(kPort);
    before = "iifname \"eth0\" " + port + " redirect to :" + std::to_string(kProxyPort) + "\n";
    in += "iifname \"eth0\" " + port + " reject with tcp reset\n";
  }
  // The chain for the proxy is never removed: connections that it has turned would break.
  return "table ip nemesis {\n"
         " chain before { type nat hook prerouting priority -100; }\n"
         " chain in { type filter hook input priority 0; }\n"
         "}\n"
         "flush table ip nemesis\n"
         "table ip nemesis {\n chain before {\n" +
         before + "}\n chain in {\n" + in + "}\n}\n";
}

void Network::apply() {
  for (unsigned end = 0; end < rules_.size(); ++end) {
    if (rules_[end] == applied_[end]) continue;
    inside(end, [&] { command({"nft", "-f", "-"}, text_of(rules_[end])); });
    applied_[end] = rules_[end];
  }
}

void Network::plug(unsigned node, bool in) {
  command({"ip", "link", "set", port_of(node), in ? "up" : "down"});
}

}  // namespace nemesis
