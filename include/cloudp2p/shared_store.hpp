// SharedStore: the one store of nodes that all mount the same directory, and the right to write to it.
//
// Purpose:   with Config::shared only the leader has the store open. It takes it when it is elected and lets go of it
//            when it leads no more; what a leader made durable, its successor finds.
// Thread:    every call from the node's thread; callbacks on the node's thread, never inline, exactly once.
// Ownership: what `take` yields belongs to the SharedStore and lives until `let_go`, or until the SharedStore ends.
// Order:     everything that the stores of one tenure owe is called back before the next `take` is.
// Fencing:   two are never taken at a time. `take` waits until the former writer has let go of it or is gone. A writer
//            whose hold was broken all the same, or superseded by a later term, finds out before and after each change:
//            changes then fail with Errc::stale_term, and the images' store reports StoreHealth::failed until `let_go`.
// Durability: once taken, everything that was called back as durable in an earlier tenure is there.
// Errors:    of `take`: cancelled (`let_go` came first), stale_term (a later term had it: see `newest_term`), or why the
//            store does not open. While another node holds it, or the disk is full, it goes on trying.
#pragma once

#include <cloudp2p/catalog.hpp>
#include <cloudp2p/image_store.hpp>

namespace cloudp2p {

/// The right to the one store that all nodes mount; the header begins with its contract.
class SharedStore {
 public:
  /// The stores of one tenure.
  struct Opened {
    ImageStore* images = nullptr;  ///< Takes writes while the tenure lasts.
    Catalog* catalog = nullptr;    ///< Already opened.
    bool catalog_is_new = false;   ///< There was none: its images are not known.
  };

  virtual ~SharedStore() = default;
  /// Not to be called again before `let_go`.
  virtual void take(Term term, Callback<void(Result<Opened>)> done) = 0;
  /// What is under way ends in its own time; nothing new may be asked of the stores.
  virtual void let_go() = 0;

  /// The highest term under which it was ever taken, as far as `take` has seen.
  [[nodiscard]] virtual Term newest_term() const = 0;
  /// Why `take` has not called back yet, for people: "node 3 to let go of the directory". Empty: nothing keeps it.
  [[nodiscard]] virtual std::string waits_for() const = 0;
  /// Of the directory, while this node does not hold it.
  [[nodiscard]] virtual StoreStatus status() const = 0;
  /// Equal for all who share the directory, and for nobody else.
  [[nodiscard]] virtual std::uint64_t identity() const = 0;
};

}  // namespace cloudp2p
