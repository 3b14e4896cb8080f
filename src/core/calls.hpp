// Calls: the requests that this node has sent and whose answers it awaits.
//
// A call belongs to the connection that it was sent on. Its handler gets every message that answers it, until the call
// is closed; when the connection breaks, the handler gets one ErrorReply with Errc::closed and the call is over.
#pragma once

#include "core/wire.hpp"

#include <functional>
#include <map>

namespace cloudp2p::core {

/// The request that a message asks or answers; 0 for messages that stand alone.
[[nodiscard]] inline wire::RequestId request_of(const wire::Message& message) {
  return std::visit(
      [](const auto& m) -> wire::RequestId {
        if constexpr (requires { m.request; }) return m.request;
        return 0;
      },
      message);
}

class Calls {
 public:
  using Handler = std::function<void(wire::Message& answer, Buffer& payload)>;

  [[nodiscard]] wire::RequestId open(ConnectionId connection, Handler handler) {
    const wire::RequestId id = ++last_;
    calls_.emplace(id, Call{connection, std::make_shared<Handler>(std::move(handler))});
    return id;
  }
  void close(wire::RequestId id) { calls_.erase(id); }

  /// False when nobody waits for it (any more): late answers are normal.
  bool deliver(ConnectionId connection, wire::RequestId id, wire::Message& answer, Buffer& payload) {
    const auto at = calls_.find(id);
    if (at == calls_.end() || at->second.connection != connection) return false;
    const std::shared_ptr<Handler> keep = at->second.handler;
    (*keep)(answer, payload);
    return true;
  }

  [[nodiscard]] bool awaits(ConnectionId connection, wire::RequestId id) const {
    const auto at = calls_.find(id);
    return at != calls_.end() && at->second.connection == connection;
  }
  /// The request could not be sent: the handler gets one ErrorReply with Errc::closed and the call is over.
  void fail(wire::RequestId id) {
    const auto at = calls_.find(id);
    if (at == calls_.end()) return;
    const std::shared_ptr<Handler> keep = at->second.handler;
    calls_.erase(at);
    wire::Message answer = wire::ErrorReply{id, Errc::closed, "the connection broke", kNobody};
    Buffer none;
    (*keep)(answer, none);
  }

  void connection_closed(ConnectionId connection) {
    std::vector<wire::RequestId> broken;
    for (const auto& [id, call] : calls_) {
      if (call.connection == connection) broken.push_back(id);
    }
    for (const wire::RequestId id : broken) fail(id);
  }

 private:
  struct Call {
    ConnectionId connection;
    std::shared_ptr<Handler> handler;
  };
  std::map<wire::RequestId, Call> calls_;
  wire::RequestId last_ = 0;
};

}  // namespace cloudp2p::core
