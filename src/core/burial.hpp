// Burial: the files of deleted images go to the trash once their tombstones are final.
//
// A tombstone that reached only a minority may lose to the image, whose bytes must then still be there. It is final when a
// serving leader holds it: a leader writes its own copy last, behind a majority. A follower asks for the leader's bucket
// hashes, and buries what lies in buckets that are equal. Until then the catalog goes on naming the file.
#pragma once

#include "core/landing.hpp"

namespace cloudp2p::core {

class Burial {
 public:
  Burial(Services& services, Landing& landing) : services_(services), landing_(landing) {}

  void tick();

 private:
  using Entries = std::vector<CatalogEntry>;
  void listed(Result<Entries> page);
  void ask_leader(std::shared_ptr<const Entries> page);
  void compared(const Entries& page, const wire::Message& answer, const Buffer& hashes);
  void bury(const CatalogEntry& dead);
  void end_pass();

  Services& services_;
  Landing& landing_;
  Digest after_;
  bool busy_ = false;
  TimePoint next_{};
};

}  // namespace cloudp2p::core
