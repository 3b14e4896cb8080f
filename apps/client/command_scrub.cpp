// scrub: every node re-hashes all it holds.
#include "commands.hpp"
#include "progress.hpp"

namespace client {

using namespace std::chrono_literals;
using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::JsonWriter;
using cloudp2p::NodeId;
using cloudp2p::Result;
using cloudp2p::ScrubAction;
using cloudp2p::ScrubPass;
using cloudp2p::ScrubView;

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kFirstLook = 50ms;
constexpr auto kLookEvery = 500ms;

std::uint64_t found_bad(const ScrubPass& pass) { return pass.damaged + pass.gone; }

/// What a node that lacks nothing found is repaired, also what it could not count one by one.
bool all_repaired(const ScrubPass& pass) {
  return pass.missing == 0 && (pass.repaired >= found_bad(pass) || (!pass.running && pass.unchecked == 0));
}

/// One node's pass as it is followed here.
struct Watched {
  ScrubPass pass;
  Error error;  ///< Set: it does not answer, or refused.
  Clock::time_point changed_at{};
  Clock::time_point begun_at{};
  bool given_up = false;
};

class Following {
 public:
  Following(Session& session, cloudp2p::ClientHost& host, bool repair)
      : session_(session), host_(host), repair_(repair), patience_((*session.config())->timeout) {}

  /// False: it could not begin anywhere, or was interrupted; `failure` says what to return.
  bool begin() {
    if (!ask(ScrubAction::begin, {})) return false;
    for (auto& [id, node] : nodes_) node.given_up = static_cast<bool>(node.error);
    return true;
  }
  void until_done() {
    const bool bar = session_.out.bar_wanted();
    for (auto wait = kFirstLook; !done(); wait = std::min(2 * wait, kLookEvery)) {
      if (bar && wait == kLookEvery) session_.out.draw_bar(lines());
      if (!pause(wait) || !ask(ScrubAction::look, {}) || !begin_again_where_lost()) break;
    }
    if (bar) session_.out.erase_bar();
  }
  [[nodiscard]] const std::map<NodeId, Watched>& nodes() const { return nodes_; }
  [[nodiscard]] int failure() const { return failure_; }

 private:
  bool ask(ScrubAction action, const std::vector<NodeId>& whom) {
    const Result<std::vector<ScrubView>> views = host_.scrub(action, whom);
    if (!views) {
      failure_ = cloudp2p::exit_code(views.code());
      if (views.code() != Errc::cancelled) failure_ = session_.out.failure(views.error());
      return false;
    }
    for (const ScrubView& view : *views) note(view, action);
    return true;
  }
  void note(const ScrubView& view, ScrubAction action) {
    Watched& node = nodes_[view.node];
    if (node.given_up) return;
    const auto now = Clock::now();
    node.error = Error{view.code, view.message};
    if (view.code != Errc::ok) return;
    const bool another = view.pass.number != node.pass.number;
    if (another && action == ScrubAction::look) {
      lost_.push_back(view.node);  // It restarted.
      return;
    }
    if (another) node.begun_at = now;
    const bool moved = view.pass.images_checked != node.pass.images_checked || view.pass.repaired != node.pass.repaired ||
                       view.pass.missing != node.pass.missing;
    if (another || moved) node.changed_at = now;
    node.pass = view.pass;
  }
  bool begin_again_where_lost() {
    const std::vector<NodeId> lost = std::exchange(lost_, {});
    return lost.empty() || ask(ScrubAction::begin, lost);
  }
  bool done() {
    bool all = true;
    for (auto& [id, node] : nodes_) {
      const bool silent = static_cast<bool>(node.error);
      const bool waits_for_repair = repair_ && !silent && !node.pass.running && !all_repaired(node.pass);
      const bool settled = !silent && !node.pass.running && !waits_for_repair;
      // A scrub that makes room for uploads may stand still for long; a node that is gone or a repair may not.
      const bool overdue = (silent || waits_for_repair) && Clock::now() - node.changed_at > patience_;
      node.given_up = node.given_up || overdue;
      all = all && (settled || node.given_up);
    }
    return all;
  }
  bool pause(std::chrono::milliseconds wait) {
    if (!session_.interrupts.wait(wait)) return true;
    failure_ = cloudp2p::exit_code(Errc::cancelled);
    return false;
  }
  [[nodiscard]] std::string lines() const {
    std::string out;
    // A line that wraps would be two, and stay on the screen.
    for (const auto& [id, node] : nodes_) out += (out.empty() ? "" : "\n") + line(id, node).substr(0, terminal_columns() - 1);
    return out;
  }
  [[nodiscard]] static std::string line(NodeId id, const Watched& node) {
    const ScrubPass& pass = node.pass;
    const std::string start = "node " + to_string(id) + "  ";
    if (node.error) return start + "does not answer";
    if (!pass.running) return start + (all_repaired(pass) ? "done" : "waits for repair");
    const double share = pass.images_total == 0 ? 0
                                                : std::min(1.0, static_cast<double>(pass.images_checked) /
                                                                    static_cast<double>(pass.images_total));
    const double seconds = std::chrono::duration<double>(Clock::now() - node.begun_at).count();
    std::string text = start + std::to_string(static_cast<int>(share * 100)) + "%  " +
                       std::to_string(pass.images_checked) + " of " + std::to_string(pass.images_total) + " images  " +
                       human_bytes(pass.bytes_checked) + " of " + human_bytes(pass.bytes_total);
    if (share > 0) text += "  " + human_seconds(seconds * (1 - share) / share) + " left";
    return found_bad(pass) > 0 ? text + "  " + std::to_string(found_bad(pass)) + " damaged" : text;
  }

  Session& session_;
  cloudp2p::ClientHost& host_;
  const bool repair_;
  const Clock::duration patience_;
  std::map<NodeId, Watched> nodes_;
  std::vector<NodeId> lost_;
  int failure_ = 0;
};

const char* state_of(const Watched& node) {
  if (node.error) return node.pass.number == 0 ? "not asked" : "lost";
  if (node.pass.running) return "running";
  return node.pass.stopped ? "stopped" : "done";
}

struct Totals {
  std::uint64_t checked = 0, bad = 0, repaired = 0, unchecked = 0, unasked = 0, refused = 0, missing = 0;
};

Totals totals_of(const std::map<NodeId, Watched>& nodes) {
  Totals out;
  for (const auto& [id, node] : nodes) {
    out.checked += node.pass.images_checked;
    out.bad += found_bad(node.pass);
    out.repaired += all_repaired(node.pass) ? found_bad(node.pass) : node.pass.repaired;
    out.unchecked += node.pass.unchecked;
    out.missing += node.pass.missing;
    out.unasked += node.error ? 1 : 0;
    out.refused += node.error.code == Errc::permission ? 1 : 0;
  }
  return out;
}

void print_json(Output& out, const std::map<NodeId, Watched>& nodes, const Totals& totals) {
  out.object([&](JsonWriter& json) {
    json.field("checked", totals.checked).field("damaged", totals.bad).field("repaired", totals.repaired);
    json.field("unchecked", totals.unchecked).field("not_asked", totals.unasked).key("nodes").begin_array();
    for (const auto& [id, node] : nodes) {
      const ScrubPass& pass = node.pass;
      json.begin_object().field("id", value(id)).field("state", state_of(node)).field("message", node.error.message);
      json.field("images_checked", pass.images_checked).field("bytes_checked", pass.bytes_checked);
      json.field("damaged", pass.damaged).field("gone", pass.gone).field("repaired", pass.repaired);
      json.field("unchecked", pass.unchecked).field("missing", pass.missing).field("begun_ms", pass.begun_ms);
      json.field("oldest_verified_ms", pass.oldest_verified_ms).end_object();
    }
    json.end_array();
  });
}

void print_table(Output& out, const std::map<NodeId, Watched>& nodes) {
  Table table({{"NODE", true}, {"STATE"}, {"CHECKED", true}, {"BYTES", true}, {"DAMAGED", true}, {"GONE", true},
               {"REPAIRED", true}, {"OLDEST VERIFICATION"}});
  for (const auto& [id, node] : nodes) {
    const ScrubPass& pass = node.pass;
    table.add({to_string(id), state_of(node), std::to_string(pass.images_checked), human_bytes(pass.bytes_checked),
               std::to_string(pass.damaged), std::to_string(pass.gone), std::to_string(pass.repaired),
               date_or_dash(pass.oldest_verified_ms)});
  }
  out.print(table.text());
}

void print_notes(Session& session, const std::map<NodeId, Watched>& nodes, const Totals& totals, bool repair) {
  for (const auto& [id, node] : nodes)
    if (node.error) (void)session.out.failure(node.error);
  if (session.interrupts.interrupted())
    return session.out.note("The nodes go on: scrub shows how far they are, scrub --stop ends it.");
  if (totals.bad > 0 && !repair)
    session.out.note("The damaged copies are in the quarantine and fetched again from other nodes; "
                     "scrub --repair waits for it.");
  if ((totals.bad > totals.repaired || totals.missing > 0) && repair)
    session.out.note("Not everything could be fetched again: `members` shows what is missing where.");
}

int status_of(const Totals& totals, bool repair) {
  if (totals.bad > (repair ? totals.repaired : 0) || (repair && totals.missing > 0)) return cloudp2p::exit_code(Errc::integrity);
  if (totals.refused > 0) return cloudp2p::exit_code(Errc::permission);
  if (totals.unasked > 0) return cloudp2p::exit_code(Errc::unreachable);
  return totals.unchecked > 0 ? cloudp2p::exit_code(Errc::io) : 0;
}

int stop(Session& session, cloudp2p::ClientHost& host) {
  const Result<std::vector<ScrubView>> views = host.scrub(ScrubAction::stop);
  if (!views) return session.out.failure(views.error());
  std::map<NodeId, Watched> nodes;
  for (const ScrubView& view : *views) {
    nodes[view.node].pass = view.pass;
    nodes[view.node].error = Error{view.code, view.message};
  }
  const Totals totals = totals_of(nodes);
  if (session.out.json()) print_json(session.out, nodes, totals);
  else if (!session.out.quiet()) print_table(session.out, nodes);
  print_notes(session, nodes, {}, true);
  return totals.refused > 0 ? cloudp2p::exit_code(Errc::permission)
                            : totals.unasked > 0 ? cloudp2p::exit_code(Errc::unreachable) : 0;
}

}  // namespace

int run_scrub(Session& session, const Command& command) {
  if (command.stop && command.repair)
    return session.out.failure(Error{Errc::invalid_argument, "scrub: give --repair or --stop, not both"});
  const Result<cloudp2p::ClientHost*> host = session.host();
  if (!host) return session.out.failure(host.error());
  if (command.stop) return stop(session, **host);
  Following following(session, **host, command.repair);
  if (!following.begin()) return following.failure();
  following.until_done();
  const Totals totals = totals_of(following.nodes());
  if (session.out.json()) {
    print_json(session.out, following.nodes(), totals);
  } else if (!session.out.quiet()) {
    print_table(session.out, following.nodes());
  }
  print_notes(session, following.nodes(), totals, command.repair);
  return following.failure() != 0 ? following.failure() : status_of(totals, command.repair);
}

}  // namespace client
