// status, discover, members, ping: who is there, who leads, and is everything in its place.
#include "commands.hpp"

namespace client {

using cloudp2p::ClusterView;
using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::JsonWriter;
using cloudp2p::LeaderView;
using cloudp2p::MemberView;
using cloudp2p::Result;
using cloudp2p::StoreHealth;

namespace {

constexpr const char* kNoQuorumRule =
    "quorum \"none\": acknowledgements say how many copies exist; the sides of a partition both write";

const char* role_of(const ClusterView& view, const MemberView& member) {
  if (!member.reachable) return "unreachable";
  if (member.id == view.leader) return "leader";
  return member.voter ? "follower" : "learner";
}

const char* health_of(const MemberView& member) {
  switch (static_cast<StoreHealth>(member.report.health)) {
    case StoreHealth::ok: return "ok";
    case StoreHealth::full: return "full";
    case StoreHealth::read_only: return "read-only";
    case StoreHealth::failed: break;
  }
  return "failed";
}

std::string remark_on(const MemberView& member) {
  if (!member.reachable) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(member.silent).count();
    return seconds > 0 ? "silent for " + std::to_string(seconds) + " s" : "";
  }
  const std::string health = health_of(member);
  std::string remark = health == "ok" ? "" : "store " + health + (health == "full" ? ": make room there" : ": see its log");
  if (!member.member) remark += (remark.empty() ? "" : "; ") + std::string("no member");
  if (member.other_file) remark += (remark.empty() ? "" : "; ") + std::string("its file lists other nodes");
  return remark;
}

/// How many copies each image should have.
std::size_t copies_wanted(const ClusterView& view) {
  if (view.shared) return 1;
  return static_cast<std::size_t>(
      std::count_if(view.members.begin(), view.members.end(), [](const MemberView& member) { return member.member; }));
}

std::string table_of(const ClusterView& view) {
  Table table({{"NODE", true}, {"ADDRESS"}, {"ROLE"}, {"IMAGES", true}, {"MISSING", true}, {"DAMAGED", true},
               {"OLDEST VERIFICATION"}, {"FREE", true}, {""}});
  for (const MemberView& member : view.members) {
    const bool known = member.reachable;
    const bool holds = known && (!view.shared || member.id == view.leader);
    table.add({to_string(member.id), member.address, role_of(view, member),
               holds ? std::to_string(member.report.images) : "-", holds ? std::to_string(member.report.missing) : "-",
               known ? std::to_string(member.report.damaged) : "-",
               holds ? date_or_dash(member.report.oldest_verified_ms) : "-",
               known ? human_bytes(member.report.free_bytes) : "-", remark_on(member)});
  }
  std::string text = table.text() + "\n";
  text += view.shared ? "One directory, shared by all nodes. Images without their one copy: "
                      : "Images with fewer than " + std::to_string(copies_wanted(view)) + " copies: ";
  text += std::to_string(view.under_replicated);
  if (view.leader == cloudp2p::kNobody || view.answered_by != view.leader)
    text += "  (as node " + to_string(view.answered_by) + " sees it)";
  if (!view.change.empty()) text += "\nMembers: " + view.change;
  return text + (view.quorum_none ? std::string("\n") + kNoQuorumRule : "");
}

void write_leader(JsonWriter& json, cloudp2p::NodeId leader) {
  if (leader == cloudp2p::kNobody) {
    json.field("leader", nullptr);
  } else {
    json.field("leader", value(leader));
  }
}

void print_json(Output& out, const ClusterView& view) {
  out.object([&](JsonWriter& json) {
    write_leader(json, view.leader);
    json.field("term", view.term).field("cluster", view.cluster.hex());
    json.field("quorum", view.quorum_none ? "none" : "majority").field("answered_by", value(view.answered_by));
    json.field("copies_wanted", copies_wanted(view)).field("shared", view.shared).field("under_replicated", view.under_replicated);
    if (view.change.empty()) {
      json.field("change", nullptr);
    } else {
      json.field("change", view.change);
    }
    json.key("members").begin_array();
    for (const MemberView& member : view.members) {
      json.begin_object().field("id", value(member.id)).field("address", member.address);
      json.field("role", role_of(view, member)).field("reachable", member.reachable).field("voter", member.voter);
      json.field("images", member.report.images).field("missing", member.report.missing);
      json.field("damaged", member.report.damaged).field("oldest_verified_ms", member.report.oldest_verified_ms);
      json.field("free_bytes", member.report.free_bytes).field("health", health_of(member));
      json.field("member", member.member).field("other_file", member.other_file);
      json.field("silent_ms", member.silent.count()).end_object();
    }
    json.end_array();
  });
}

void print_view(Output& out, const ClusterView& view) {
  if (out.json()) {
    print_json(out, view);
  } else {
    out.print(table_of(view));
  }
}

/// The leader's own view; when another node answered, the leader is looked for first.
Result<ClusterView> confirmed_view(cloudp2p::ClientHost& host) {
  Result<ClusterView> view = host.members();
  if (!view || view->leader == view->answered_by) return view;
  const Result<LeaderView> leader = host.discover();
  if (leader) return host.members();
  if (leader.code() == Errc::cancelled) return leader.error();
  view->leader = cloudp2p::kNobody;
  return view;
}

}  // namespace

int run_status(Session& session) {
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  const Result<ClusterView> view = confirmed_view(**host);
  if (!view) return session.out.failure(view.error());
  const bool led = view->leader != cloudp2p::kNobody;
  if (led && !session.out.json()) session.out.print("[Client] Current leader: Node " + to_string(view->leader));
  if (!session.out.quiet() || session.out.json()) print_view(session.out, *view);
  if (led) return 0;
  return session.out.failure(
      Error{Errc::no_leader,
            "no node leads: a majority of the nodes must be running and reach each other; start the "
            "unreachable ones, then try again"});
}

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
  session.out.print("[Client] ✓ Node " + to_string(outcome->former) + " stepped down: Node " + to_string(outcome->now.leader) +
                    " leads now");
  return 0;
}

int run_members(Session& session) {
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  const Result<ClusterView> view = (*host)->members();
  if (!view) return session.out.failure(view.error());
  print_view(session.out, *view);
  return 0;
}

int run_ping(Session& session) {
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  ManyResults results;
  for (const cloudp2p::PeerAddress& peer : (*session.config())->peers) {
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
