// Scrub: re-hashes everything that this node holds, in the background and on demand.
//
// Background: the copy that was verified longest ago comes first, and its new date puts it last: the catalog is the
// position, durable and never behind. Nothing is read before it has to be: copies become due so early that at the
// allowed rate each is re-hashed within `scrub_interval`. On demand: one pass over all copies by digest, as fast as the
// store verifies; a restart forgets it. Both yield: while uploads or repairs touch this node, at most one image a tick.
// What is found is acted on by Copies: a bad copy goes to the quarantine and repair fetches it, whoever asked.
#pragma once

#include "core/copies.hpp"

#include <deque>

namespace cloudp2p::core {

class Scrub {
 public:
  Scrub(Services& services, Copies& copies) : services_(services), copies_(copies) {}

  /// Every heartbeat interval. `quiet`: neither uploads nor repairs touch this node now.
  void tick(bool quiet);
  void on_ask(ConnectionId connection, const wire::Scrub& ask);
  /// What the catalog holds after a change.
  void on_recorded(const CatalogEntry& held);
  [[nodiscard]] std::int64_t oldest_verified_ms() const noexcept { return oldest_ms_; }

 private:
  struct Pass {
    ScrubPass shown;
    std::size_t bucket = 0;  ///< Read up to here.
    Digest after;
    std::deque<CatalogEntry> waiting;
    std::size_t checking = 0;
    bool reading = false;
    std::set<Digest> awaited;  ///< Bad copies that are not replaced yet; the first kAwaitedMax of them.
  };
  using PassPtr = std::shared_ptr<Pass>;

  [[nodiscard]] bool able() const;
  /// In bytes a second, and how old a verification must be at least before it is repeated.
  [[nodiscard]] double background_rate() const;
  [[nodiscard]] std::int64_t due_age_ms(double rate) const;
  void begin(const CatalogEntry& entry, double rate, Callback<void(const Status&)> done);

  void go_on_in_background();
  void look_for_due(Callback<void()> looked);
  void note_oldest(const std::vector<CatalogEntry>& stalest, std::int64_t now_ms);

  void begin_pass();
  void go_on_with(const PassPtr& pass, std::size_t at_once);
  void read_on(const PassPtr& pass);
  void checked(const PassPtr& pass, const CatalogEntry& entry, const Status& status);
  void finish(const PassPtr& pass);

  Services& services_;
  Copies& copies_;
  bool quiet_ = true;
  std::deque<CatalogEntry> due_;
  bool looking_ = false;
  bool checking_ = false;
  TimePoint next_look_{};
  TimePoint next_check_{};  ///< The rate allows no further image before.
  std::int64_t oldest_ms_ = 0;
  PassPtr pass_;  ///< Under way, or the last one.
};

}  // namespace cloudp2p::core
