// discover, step-down, ping: who leads, who shall, who answers.
#include "commands.hpp"
#include "health.hpp"

#include <charconv>

namespace client {

using cloudp2p::PeerAddress;
using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::JsonWriter;
using cloudp2p::LeaderView;
using cloudp2p::NodeId;
using cloudp2p::Result;

namespace {

/// All configured nodes, or those that were asked for.
Result<std::vector<PeerAddress>> nodes_meant(const std::vector<PeerAddress>& peers,
                                             const std::vector<std::string>& asked) {
  if (asked.empty()) return peers;
  std::vector<PeerAddress> out;
  for (const std::string& text : asked) {
    std::uint32_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
    const auto peer =
        std::find_if(peers.begin(), peers.end(), [&](const PeerAddress& each) { return value(each.id) == number; });
    if (!whole || peer == peers.end())
      return Error{Errc::invalid_argument, "ping: " + text + " is not the number of a configured node"};
    out.push_back(*peer);
  }
  return out;
}

}  // namespace

int run_discover(Session& session) {
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  const Result<LeaderView> leader = (*host)->discover();
  if (!leader) return session.out.failure(leader.error());
  if (session.out.json()) {
    session.out.object([&](JsonWriter& json) {
      write_leader(json, leader->leader);
      json.field("term", leader->term).field("address", leader->address);
      json.field("quorum", leader->quorum_none ? "none" : "majority");
    });
    return 0;
  }
  session.out.print("[Client] Leader discovered: Node " + to_string(leader->leader));
  if (leader->quorum_none) session.out.note(kNoQuorumRule);
  return 0;
}

int run_step_down(Session& session) {
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  const Result<cloudp2p::StepDownOutcome> outcome = (*host)->step_down();
  if (!outcome) return session.out.failure(outcome.error());
  if (session.out.json()) {
    session.out.object([&](JsonWriter& json) {
      json.field("former", value(outcome->former));
      write_leader(json, outcome->now.leader);
      json.field("term", outcome->now.term).field("address", outcome->now.address);
    });
    return 0;
  }
  session.out.print("[Client] ✓ Node " + to_string(outcome->former) + " stepped down: Node " +
                    to_string(outcome->now.leader) + " leads now");
  return 0;
}

int run_ping(Session& session, const Command& command) {
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  const Result<std::vector<PeerAddress>> nodes = nodes_meant((*session.config())->peers, command.arguments);
  if (!nodes) return session.out.failure(nodes.error());
  ManyResults results;
  for (const PeerAddress& peer : *nodes) {
    if (session.interrupts.interrupted()) return cloudp2p::exit_code(Errc::cancelled);
    const std::string title = "node " + to_string(peer.id) + " at " + to_string(peer.address);
    // The first answer includes the handshake; the second one is the round trip.
    Result<LeaderView> answer = (*host)->ping(peer.id);
    const auto begun = std::chrono::steady_clock::now();
    if (answer) answer = (*host)->ping(peer.id);
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
    results.add(answer ? 0 : session.out.failure(answer.error(), title));
    if (!answer) continue;
    if (session.out.json()) {
      session.out.object([&](JsonWriter& json) {
        json.field("id", value(peer.id)).field("address", to_string(peer.address)).field("round_trip_ms", ms);
        write_leader(json, answer->leader);
      });
      continue;
    }
    char time[32];
    std::snprintf(time, sizeof time, "%.2f ms", ms);
    session.out.print(title + ": " + time);
  }
  return results.exit_status();
}

}  // namespace client
