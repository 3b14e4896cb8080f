// Network: a switch, a namespace with an address of its own for each node, and everything that can go wrong between.
//
// Nodes are numbered from 1; 0 is the side of the clients, which is the sandbox itself. Cuts are counted: what two
// faults cut is joined when both are over.
// Thread: `inside` from any thread; the rest from the one that injects the faults.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

namespace nemesis {

inline constexpr unsigned kClients = 0;
inline constexpr unsigned kNodesMax = 15;
inline constexpr unsigned kPort = 7000;       ///< Of every node.
inline constexpr unsigned kProxyPort = 7001;  ///< Of the proxy that may stand in front of it.

class Network {
 public:
  /// Makes all of it. Throws NotPossible.
  explicit Network(unsigned nodes);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  [[nodiscard]] static std::string address(unsigned node);
  /// Runs `what` on this thread, which is in the node's namespace meanwhile: what it opens or starts stays there.
  void inside(unsigned node, const std::function<void()>& what) const;

  /// Packets that go from one to the other are dropped on arrival; `apply` makes it so.
  void cut(unsigned from, unsigned to) { ++rules_.at(to).cut.at(from); }
  void join(unsigned from, unsigned to) { --rules_.at(to).cut.at(from); }
  /// Of what arrives, this many of 100 packets are lost; 0 none.
  void lose(unsigned node, unsigned percent) { rules_.at(node).loss_percent = percent; }
  /// New connections to the node's port go to the proxy's instead, and those that go by it are reset.
  void through_proxy(unsigned node, bool on) { rules_.at(node).through_proxy = on; }
  void apply();
  /// The cable. At once.
  void plug(unsigned node, bool in);

 private:
  struct Rules {
    std::array<int, kNodesMax + 1> cut{};
    unsigned loss_percent = 0;
    bool through_proxy = false;
    friend bool operator==(const Rules&, const Rules&) = default;
  };
  void make_node(unsigned node);
  [[nodiscard]] static std::string text_of(const Rules& rules);

  std::vector<Rules> rules_;  ///< By node; as wanted.
  std::vector<Rules> applied_;
  std::vector<int> namespaces_;  ///< Descriptors, by node; 0 is the clients'.
};

}  // namespace nemesis
