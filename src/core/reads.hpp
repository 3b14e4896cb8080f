// Reads: list and info (linearizable, on the leader), bytes from any holder, verification of this node's copies.
//
// A linearizable answer is given after a heartbeat round that began after the request was acknowledged by a majority: the
// node led at some moment after it was asked. Many requests share a round.
#pragma once

#include "core/copies.hpp"

#include <deque>

namespace cloudp2p::core {

class Reads {
 public:
  /// `begin_round` starts a heartbeat round and returns its number; `unstable` tells records that must not be shown.
  Reads(Services& services, Copies& copies, std::function<std::uint64_t()> begin_round,
        std::function<bool(const Digest&)> unstable)
      : services_(services), copies_(copies), begin_round_(std::move(begin_round)), unstable_(std::move(unstable)) {}

  void on_list(ConnectionId connection, const wire::List& ask);
  void on_info(ConnectionId connection, const wire::Info& ask);
  void on_fetch(ConnectionId connection, const wire::Fetch& ask);
  void on_credit(ConnectionId connection, const wire::Credit& credit);
  void on_cancel(ConnectionId connection, wire::RequestId request) { fetches_.erase({connection, request}); }
  void on_verify(ConnectionId connection, const wire::Verify& ask);
  void on_drained(ConnectionId connection);
  void on_connection_closed(ConnectionId connection);
  void on_round_confirmed(std::uint64_t round);
  void on_stepped_down();
  /// `answer` runs when a heartbeat round that began after this call was acknowledged by a majority; if that fails, the
  /// asker gets an error instead. At once for a stale read.
  void confirmed(ConnectionId connection, wire::RequestId request, bool stale, std::function<void()> answer);

 private:
  using Key = std::pair<ConnectionId, wire::RequestId>;
  static constexpr std::uint64_t kNoRound = ~std::uint64_t{0};  ///< Waits for the next round to begin.
  struct Waiting {
    std::uint64_t round = kNoRound;
    ConnectionId connection = kNoConnection;
    wire::RequestId request = 0;
    std::function<void()> answer;
  };
  struct Serving {
    CatalogEntry entry;
    std::uint64_t next = 0;   ///< Offset of the next read.
    std::uint64_t limit = 0;  ///< Granted by the asker.
    bool reading = false;
  };

  void begin_round();
  void answer_ready();
  [[nodiscard]] bool may_answer(ConnectionId connection, wire::RequestId request, Term term);
  [[nodiscard]] bool shows(const CatalogEntry& entry) const;
  void answer_list(ConnectionId connection, const wire::List& ask);
  void answer_info(ConnectionId connection, const wire::Info& ask);
  void serve(const Key& key);
  void send_read(const Key& key, std::uint64_t offset, Result<Buffer> bytes);
  void end_fetch(const Key& key, Errc code, const std::string& message);

  Services& services_;
  Copies& copies_;
  std::function<std::uint64_t()> begin_round_;
  std::function<bool(const Digest&)> unstable_;
  std::deque<Waiting> waiting_;
  std::uint64_t round_in_flight_ = 0;  ///< 0: none.
  std::uint64_t confirmed_round_ = 0;
  std::set<Key> asking_;  ///< The catalog, for lists and infos that have to be the newest.
  std::map<Key, Serving> fetches_;
};

}  // namespace cloudp2p::core
