// Tenure: the time for which a leader holds the directory that all nodes share.
//
// Between tenures the node has a closed store. A tenure begins when the node is elected: it takes the store, which waits
// for the former leader to let go of it, brings files and records together, and only then takes over. It ends with the
// office. Does nothing on a node that has a directory of its own.
#pragma once

#include "core/closed_store.hpp"
#include "core/services.hpp"

namespace cloudp2p::core {

class Tenure {
 public:
  struct Actions {
    std::function<void(Term)> take_over;        ///< The store of all is open here, and in order.
    std::function<void(Term)> meet_newer_term;  ///< Somebody held it in this one.
  };
  Tenure(Services& services, Actions actions);

  void begin(Term term);
  void end();
  /// It has begun, and not ended.
  [[nodiscard]] bool lasts() const noexcept { return lasts_; }
  /// For people: what the leader waits for; empty when it waits for nothing.
  [[nodiscard]] std::string text() const;

 private:
  void taken(Term term, const Result<SharedStore::Opened>& opened);
  void meet(Term newer, Term own);
  void reconciled(Term term);

  Services& services_;
  const Actions actions_;
  std::unique_ptr<ClosedImages> closed_images_;
  std::unique_ptr<ClosedCatalog> closed_catalog_;
  bool lasts_ = false;
};

}  // namespace cloudp2p::core
