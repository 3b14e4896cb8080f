// StateStore: what a node has promised.
//
// Purpose:   term, vote, membership, incarnation. A message that depends on them leaves only after `save` succeeded.
// Thread:    `load` before the node starts; `save` from the node's thread, its callback on the node's thread, never
//            inline, in the order of the calls, exactly once.
// Durability: when the callback reports success the state survives power loss on this machine. Two checksummed slots are
//            written in turn, so that a torn write leaves the previous state. Saves never wait behind image or catalog I/O.
// Errors:    `load`: no value (blank) when there was never a state; Errc::format when a slot is damaged, because the other
//            may hold an older promise (the node then begins a new incarnation and says so). `save`: io, full, read_only: the
//            state on disk is then either the old or the new one, the node must stop voting.
#pragma once

#include <cloudp2p/callback.hpp>
#include <cloudp2p/error.hpp>
#include <cloudp2p/types.hpp>

namespace cloudp2p {

/// All that a node must not forget.
struct DurableState {
  ClusterId cluster;           ///< Zero until a founding membership was adopted.
  bool founded = false;        ///< The founding membership is known to be on a majority; the cluster id is final.
  NodeId node = kNobody;       ///< Whose state it is: a node that finds another's refuses to start.
  Incarnation incarnation;     ///< Drawn when the state was made; whoever makes a new state draws a new one.
  Term term = 0;               ///< The newest that this node took part in.
  NodeId voted_for = kNobody;  ///< In `term`.
  Membership membership;       ///< The newest that this node has adopted; version 0: none.
  friend bool operator==(const DurableState&, const DurableState&) = default;
};

/// Keeps one DurableState; the header begins with its contract.
class StateStore {
 public:
  virtual ~StateStore() = default;
  /// The newest state that was saved; blocks.
  [[nodiscard]] virtual Result<std::optional<DurableState>> load() = 0;
  /// Replaces the state as a whole.
  virtual void save(const DurableState& state, Callback<void(Status)> done) = 0;
};

}  // namespace cloudp2p
