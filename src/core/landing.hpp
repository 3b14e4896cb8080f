// Landing: makes a received image durable on this node, bytes first, then its record.
//
// The term is checked again after the bytes were synced and once more after the record was: what was received from a
// leader that has been superseded meanwhile is never acknowledged. Bytes that landed without their record are remembered
// for a while, because the next leader will most likely list the same image. The files of deleted images leave from here
// too, so that a delete never takes the file from under an image that is stored again.
#pragma once

#include "core/local_put.hpp"

namespace cloudp2p::core {

class Landing {
 public:
  explicit Landing(Services& services) : services_(services) {}

  using Done = Callback<void(Result<CatalogEntry>)>;
  /// `put` must be complete. Errc::stale_term when `term` no longer stands.
  void land(std::unique_ptr<LocalPut> put, const ImageRecord& record, Term term, Done done);
  /// The bytes of an image that is already listed here were fetched again: only its presence changes.
  void land_repair(std::unique_ptr<LocalPut> put, const ImageRecord& record, Done done);
  /// Bytes that are in place without a record; the caller adopts them.
  [[nodiscard]] std::optional<StoredImage> take_orphan(const Digest& digest);
  /// Puts the record of bytes that are in place already, under the same checks of the term.
  void adopt(const StoredImage& stored, const ImageRecord& record, Term term, Done done);
  void forget_orphans() { orphans_.clear(); }
  /// Content of this digest is landing now.
  [[nodiscard]] bool under_way(const Digest& digest) const { return under_way_.contains(digest); }
  /// Bytes that are in place without a record belong to this image: it claims them, or they leave with it.
  void on_recorded(const CatalogEntry& held);
  /// Nothing claims this file: to the trash. But if the same content is landing now, it will keep the file that is there
  /// already; then the landing decides.
  void bury(const Digest& digest, const std::string& file_name);
  /// Asks again where the catalog could not be read.
  void tick();

 private:
  struct UnderWay {
    std::size_t count = 0;
    std::string doomed_file;
  };
  /// `claimed_file`: the record names it now; empty: none.
  void over(const Digest& digest, const std::string& claimed_file);
  /// Without a term, whatever it is by now.
  void put_record(const StoredImage& stored, const ImageRecord& record, std::optional<Term> term, Done done);
  void put_aside(const Digest& digest, const std::string& file_name);
  void remember(StoredImage stored);
  void ask_for_record(const Digest& digest);
  void settle(const StoredImage& orphan, const CatalogEntry& held);
  Services& services_;
  std::deque<StoredImage> orphans_;
  bool unread_ = false;  ///< Of some the record could not be looked up.
  std::map<Digest, UnderWay> under_way_;  ///< From the commit of the bytes to the answer of the catalog.
};

}  // namespace cloudp2p::core
