// LeaderSearch: asks the nodes who leads until one says of itself that it leads and serves.
//
// Purpose:   one search for all operations that wait for a leader. The node believed to lead is asked first, the others
//            a moment later or as soon as it disappoints; each is asked again with a growing, jittered pause.
// Conflicts: the highest term wins. A claim below the term last known is believed only after two failure timeouts: an
//            isolated former leader does not know yet that it was replaced.
// Errors:    `verdict` says in one sentence what each node answered. The search ends by itself when every node failed
//            `retries` times in a row, or when nobody wants its result any more.
#pragma once

#include "core/client_listener.hpp"

#include <cloudp2p/timers.hpp>

#include <map>

namespace cloudp2p::core {

class ClientCore;

/// A leader that confirmed itself, and the connection on which it did.
struct KnownLeader {
  NodeId node = kNobody;
  Term term = 0;
  ConnectionId connection = kNoConnection;
  bool quorum_none = false;
  bool confirmed = false;
};

class LeaderSearch final : public ClientListener {
 public:
  explicit LeaderSearch(ClientCore& core) : core_(core) {}

  /// Begins unless it runs already; `hint` is asked at once. `believed`: whom to ask before the others.
  void start(const KnownLeader& believed, NodeId hint);
  void stop();
  [[nodiscard]] bool running() const noexcept { return running_; }
  /// What is wrong, from what each node last answered.
  [[nodiscard]] Error verdict() const;

  void on_link_ready(NodeId node) override;
  void on_link_failed(NodeId node, const Error& error) override;
  void on_answer(RequestId request, wire::Message& message, Buffer payload) override;

 private:
  enum class State : std::uint8_t { idle, connecting, asked, pausing };
  struct Probe {
    State state = State::idle;
    RequestId request = 0;
    TimerId timer = kNoTimer;
    unsigned failures = 0;  ///< In a row.
    Duration pause{};
    std::optional<wire::LeaderInfo> answer;  ///< The last, unless the node failed since.
    std::optional<Error> error;              ///< The last failure, unless the node answered since.
  };

  void ask(NodeId node);
  void ask_others();
  void ask_again(NodeId node, Duration delay);
  void settle(Probe& probe);
  void disappointed();
  void heard(NodeId node, const wire::LeaderInfo& info);
  [[nodiscard]] bool believable(NodeId node, const wire::LeaderInfo& info) const;
  void follow(const wire::LeaderInfo& info);
  [[nodiscard]] std::string describe(NodeId node, const Probe& probe) const;

  ClientCore& core_;
  bool running_ = false;
  std::map<NodeId, Probe> probes_;
  TimerId head_start_ = kNoTimer;
  TimePoint trust_any_from_{};
  Term floor_ = 0;
};

/// One sentence of several failures, and the code that says most: one about keys or versions if most are about those.
[[nodiscard]] Error join_failures(const std::vector<Error>& failures);

}  // namespace cloudp2p::core
