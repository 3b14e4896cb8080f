// Collection: tombstones that every member holds, and that are old, are forgotten.
//
// The leader begins when the catalogs of all members equal its own: then there is no stray anywhere. It raises the
// watermark, a record like any other, to a stamp above all tombstones; when that is on a majority it tells everybody to
// forget them, and forgets them itself. What a member offers later without the leader knowing it, stamped below the
// watermark, was deleted and collected, or was never acknowledged: it is put aside, not taken in.
#pragma once

#include "core/landing.hpp"
#include "core/record_push.hpp"
#include "core/repair.hpp"

namespace cloudp2p::core {

class Collection {
 public:
  Collection(Services& services, Landing& landing, RecordPush& push, Repair& repair)
      : services_(services), landing_(landing), push_(push), repair_(repair) {}

  void tick();
  /// What it takes to name this record in an order.
  [[nodiscard]] static wire::Entry named(const ImageRecord& record);
  void on_forget(const wire::Forget& order);
  /// Tells one member to forget these.
  void order(ConnectionId member, std::vector<wire::Entry> entries);

 private:
  using Entries = std::vector<CatalogEntry>;
  [[nodiscard]] bool all_equal() const;
  void raise_watermark(std::vector<wire::Entry> dead);
  void forget(const ImageRecord& record);
  void forgotten(const CatalogEntry& held);

  Services& services_;
  Landing& landing_;
  RecordPush& push_;
  Repair& repair_;
  bool busy_ = false;
  TimePoint next_{};
};

}  // namespace cloudp2p::core
