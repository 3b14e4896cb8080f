#include "status_line.hpp"

#include <spdlog/fmt/fmt.h>

namespace server {

using cloudp2p::ElectionRole;
using cloudp2p::NodeStatus;

namespace {

std::string role_of(const NodeStatus& status) {
  const cloudp2p::ElectionView& view = status.election;
  if (!status.recovered) return "reads its disk";
  const bool led = view.leader != cloudp2p::kNobody;
  switch (view.role) {
    case ElectionRole::leader: return status.serving ? "leads" : "leads, and takes over";
    case ElectionRole::learner:
      return led ? "learns from node " + to_string(view.leader) : "learns, and sees no leader";
    case ElectionRole::follower:
    case ElectionRole::candidate: break;
  }
  return led ? "follows node " + to_string(view.leader) : "sees no leader";
}

}  // namespace

std::string status_line(const NodeStatus& status) {
  std::string out =
      fmt::format("node {} {} (term {}); {} images, {} missing here; disk {}", to_string(status.id), role_of(status),
                  status.election.term, status.catalog.images, status.catalog.missing, name(status.store.health));
  if (!status.store.problem.empty()) out += ": " + status.store.problem;
  if (status.under_replicated > 0)
    out += fmt::format("; {} images have fewer copies than they should", status.under_replicated);
  if (!status.membership_note.empty()) out += "; " + status.membership_note;
  return cloudp2p::printable(out);
}

}  // namespace server
