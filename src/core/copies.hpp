// Copies: re-hashes the copies that this node holds, and acts on what is found.
//
// A copy that is good is dated. The file of one that is bad goes to the quarantine, and only then its record says that
// the bytes are missing: nobody is served from it any more, and repair fetches the image from another node. A file that
// can not be moved stays recorded, so that no start takes it for litter. A copy is bad when its digest is wrong, or when
// it could not be read for kUnreadablePatience: a disk that hiccups is no reason to give good copies up.
#pragma once

#include "core/services.hpp"

namespace cloudp2p::core {

class Copies {
 public:
  explicit Copies(Services& services) : services_(services) {}

  /// Calls back when what was found is recorded: ok; integrity or not_found for a bad copy; busy when the copy was
  /// replaced or deleted meanwhile; io and anything else when it could not be looked at. One check of an image at a time: who
  /// asks for another gets the same answer.
  void check(const CatalogEntry& entry, Callback<void(const Status&)> done);
  /// A reader met this: the file is gone, or too short.
  void lost(const CatalogEntry& entry, const Error& error);

 private:
  struct UnderWay {
    CatalogEntry entry;
    std::vector<Callback<void(const Status&)>> waiting;
  };
  void verify(const Digest& digest);
  void verified(const Digest& digest, const Status& status);
  void good(const CatalogEntry& entry);
  [[nodiscard]] bool unreadable_for_long(const Digest& digest);
  void bad(const CatalogEntry& entry, const Error& error);
  void put_aside(const CatalogEntry& entry, const Error& error);
  void forget(const CatalogEntry& entry, const Error& error);
  void finish(const Digest& digest, const Status& status);

  Services& services_;
  std::map<Digest, UnderWay> under_way_;
  std::map<Digest, TimePoint> unreadable_since_;  ///< At most kUnreadableMax.
};

}  // namespace cloudp2p::core
