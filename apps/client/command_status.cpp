// status, members: how every node is, and whether all is in its place.
#include "commands.hpp"
#include "health.hpp"

namespace client {

using cloudp2p::ClusterView;
using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::JsonWriter;
using cloudp2p::LeaderView;
using cloudp2p::MemberView;
using cloudp2p::Result;

namespace {

constexpr std::chrono::milliseconds kLookAgain{100};

std::string remark_on(const MemberView& member) {
  if (member.silent.count() > 0) {
    return "silent for " + seconds_of(member.silent) + (member.reachable ? ": is it stopped or overloaded?" : "");
  }
  if (!member.reachable || !member.reported) return "";
  const std::string health = health_of(member);
  std::string remark =
      health == "ok" ? "" : "store " + health + (health == "full" ? ": make room there" : ": see its log");
  if (!member.member) remark += (remark.empty() ? "" : "; ") + std::string("no member");
  if (member.other_file) remark += (remark.empty() ? "" : "; ") + std::string("its file lists other nodes");
  return remark;
}

std::string table_of(const ClusterView& view) {
  Table table({{"NODE", true},
               {"ADDRESS"},
               {"ROLE"},
               {"IMAGES", true},
               {"MISSING", true},
               {"DAMAGED", true},
               {"OLDEST VERIFICATION"},
               {"FREE", true},
               {""}});
  for (const MemberView& member : view.members) {
    const bool known = member.reachable && member.reported;
    const bool holds = known && (!view.shared || member.id == view.leader);
    table.add({to_string(member.id), shown(member.address), role_of(view, member),
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
  if (!view.change.empty()) text += "\nMembers: " + shown(view.change);
  return text + (view.quorum_none ? std::string("\n") + kNoQuorumRule : "");
}

void write_report(JsonWriter& json, const MemberView& member) {
  const cloudp2p::MemberReport& report = member.report;
  if (!member.reported) {
    for (const char* key : {"images", "missing", "damaged", "oldest_verified_ms", "free_bytes", "health"}) json.field(key, nullptr);
    return;
  }
  json.field("images", report.images).field("missing", report.missing).field("damaged", report.damaged);
  json.field("oldest_verified_ms", report.oldest_verified_ms).field("free_bytes", report.free_bytes);
  json.field("health", health_of(member));
}

void print_json(Output& out, const ClusterView& view, const Verdict* verdict = nullptr) {
  out.object([&](JsonWriter& json) {
    write_leader(json, view.leader);
    json.field("term", view.term).field("cluster", view.cluster.hex());
    json.field("quorum", view.quorum_none ? "none" : "majority").field("answered_by", value(view.answered_by));
    json.field("copies_wanted", copies_wanted(view))
        .field("shared", view.shared)
        .field("under_replicated", view.under_replicated);
    if (view.change.empty()) {
      json.field("change", nullptr);
    } else {
      json.field("change", view.change);
    }
    if (verdict != nullptr) write_verdict(json, *verdict);
    json.key("members").begin_array();
    for (const MemberView& member : view.members) {
      json.begin_object().field("id", value(member.id)).field("address", member.address);
      json.field("role", role_of(view, member)).field("reachable", member.reachable).field("voter", member.voter);
      write_report(json, member);
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

/// The leader hears of its members' copies a heartbeat later: while images are stored, some always seem to lack one. And a
/// new one takes over before it serves. Only what is still so after a while counts.
Result<ClusterView> settled(Session& session, cloudp2p::ClientHost& host, ClusterView view) {
  constexpr int kLooks = 20;
  const std::uint64_t images = images_of_leader(view);
  const auto passing = [](const ClusterView& seen) -> std::size_t {
    return (!seen.shared && seen.under_replicated > 0 ? 1 : 0) + (waits(seen) ? 1 : 0);
  };
  for (int look = 0; look < kLooks && passing(view) > 0; ++look) {
    if (verdict_on(view).problems.size() > passing(view)) break;  // It is not well anyway.
    if (session.interrupts.wait(kLookAgain)) return Errc::cancelled;
    Result<ClusterView> next = confirmed_view(host);
    if (!next) return next;
    view = std::move(*next);
    if (copies_behind(view, images) == 0) view.under_replicated = 0;
  }
  return view;
}

/// One line, or one object, and an exit status that a monitor can use.
int report_check(Output& out, const ClusterView& view) {
  const Verdict verdict = verdict_on(view);
  if (out.json()) {
    print_json(out, view, &verdict);
  } else if (!out.quiet() || verdict.condition != Condition::ok) {
    out.print(shown(one_line(view, verdict)));
  }
  return exit_status_of(verdict.condition);
}

/// The same when there is nothing to look at. What was interrupted is no answer.
int report_unseen(Output& out, const Error& error) {
  if (error.code == Errc::cancelled) return out.failure(error);
  const Verdict verdict = verdict_on(error);
  if (out.json()) {
    out.object([&](JsonWriter& json) {
      write_leader(json, cloudp2p::kNobody);
      write_verdict(json, verdict);
    });
  } else {
    out.print(shown(name_of(verdict.condition) + (": " + verdict.problems.front())));
  }
  return exit_code(error.code);
}

int report_status(Output& out, const ClusterView& view) {
  const bool led = view.leader != cloudp2p::kNobody;
  if (led && !out.json()) out.print("[Client] Current leader: Node " + to_string(view.leader));
  if (!out.quiet() || out.json()) print_view(out, view);
  if (led) return 0;
  return out.failure(Error{Errc::no_leader,
                           "no node leads: a majority of the nodes must be running and reach each other; start the "
                           "unreachable ones, then try again"});
}

}  // namespace

int run_status(Session& session, const Command& command) {
  const auto unseen = [&](const Error& error) {
    return command.check ? report_unseen(session.out, error) : session.out.failure(error);
  };
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return unseen(host.error());
  Result<ClusterView> view = confirmed_view(**host);
  if (view && command.check) view = settled(session, **host, std::move(*view));
  if (!view) return unseen(view.error());
  return command.check ? report_check(session.out, *view) : report_status(session.out, *view);
}

int run_members(Session& session) {
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  const Result<ClusterView> view = (*host)->members();
  if (!view) return session.out.failure(view.error());
  print_view(session.out, *view);
  return 0;
}

}  // namespace client
