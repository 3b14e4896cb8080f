#include "core/tenure.hpp"

#include "core/reconcile.hpp"

#include <fmt/format.h>

namespace cloudp2p::core {

Tenure::Tenure(Services& services, Actions actions) : services_(services), actions_(std::move(actions)) {
  NodePorts& ports = services.ports;
  if (!services.shared()) return;
  closed_images_ = std::make_unique<ClosedImages>(*ports.executor, *ports.shared);
  closed_catalog_ = std::make_unique<ClosedCatalog>(*ports.executor);
  ports.images = closed_images_.get();
  ports.catalog = closed_catalog_.get();
}

void Tenure::begin(Term term) {
  lasts_ = true;
  services_.ports.shared->take(term, services_.guard([this, term](const Result<SharedStore::Opened>& opened) {
    taken(term, opened);
  }));
}

void Tenure::end() {
  lasts_ = false;
  services_.ports.images = closed_images_.get();
  services_.ports.catalog = closed_catalog_.get();
  services_.ports.shared->let_go();
}

void Tenure::taken(Term term, const Result<SharedStore::Opened>& opened) {
  if (opened.code() == Errc::cancelled) return;
  if (opened.code() == Errc::stale_term) return meet(services_.ports.shared->newest_term(), term);
  if (!opened.ok()) {
    // As when the catalog of a node of its own fails: it leaves office, and votes no more.
    services_.catalog_failed = true;
    return services_.log(LogLevel::error, "shared_open_failed", "cannot open the shared directory: " + opened.error().text() +
                                              "; restart this node once mended");
  }
  // Made by another cluster, or the state files were lost: what is stamped now must be newer than all that is here.
  const Stamp newest = opened->catalog->summary().newest;
  if (newest.term > term || (newest.term == term && newest.leader != services_.self)) return meet(newest.term, term);
  services_.ports.images = opened->images;
  services_.ports.catalog = opened->catalog;
  // Beside a new catalog every file would look unlisted.
  if (opened->catalog_is_new) return reconciled(term);
  reconcile(services_, services_.guard([this, term] { reconciled(term); }));
}

/// To lead, this node has to be elected in a later term.
void Tenure::meet(Term newer, Term own) {
  services_.log(LogLevel::info, "shared_term_newer", fmt::format("the shared directory was written in term {}: standing for a later one", newer));
  actions_.meet_newer_term(std::max(newer, own + 1));
}

void Tenure::reconciled(Term term) {
  if (services_.leads(term)) actions_.take_over(term);
}

std::string Tenure::text() const {
  if (!services_.shared() || services_.view().role != ElectionRole::leader) return {};
  const std::string what = services_.ports.shared->waits_for();
  return what.empty() ? what : "waiting for " + what;
}

}  // namespace cloudp2p::core
