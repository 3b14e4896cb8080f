// Publisher: makes a group of finished puts durable under their final names, with as few syncs as possible.
//
// Purpose:   bytes durable → renamed → sentinel checked → directory durable, in that order, for many images at once.
// Thread:    one thread at a time (the sync thread).
// Durability: what is reported as success survives power loss, under the name reported.
// Errors:    an error of a group's sync counts for the whole group and is never retried: after a failed sync the
//            kernel may drop the bytes and report success the next time. What failed has no final name.
#pragma once

#include "store/image_files.hpp"
#include "store/partial_file.hpp"

#include <map>

namespace cloudp2p::store {

/// One put on its way to its final name; `outcome` is set by Publisher.
struct Publication {
  PartialFile* file = nullptr;
  Result<StoredImage> outcome = Errc::cancelled;
  bool renamed = false;
};

/// Takes an image away from its readers, to the trash or the quarantine.
struct Removal {
  std::string file_name;
  int to_directory = -1;
  Status outcome;
};

class Publisher {
 public:
  explicit Publisher(const StoreContext& context) : context_(context) {}

  /// Reads which images exist; once, before the first `run`.
  void load();
  void run(std::vector<Publication>& publications, std::vector<Removal>& removals);

 private:
  void sync_bytes(std::vector<Publication>& publications);
  void publish(Publication& publication);
  void remove(Removal& removal);
  [[nodiscard]] Status sync_directories(const std::vector<Publication>& publications,
                                        const std::vector<Removal>& removals);
  [[nodiscard]] Status sync_directory(int directory);
  /// The file that already holds these bytes, made durable; nothing if there is none.
  [[nodiscard]] Result<std::optional<StoredImage>> find_existing(const PutHeader& header);
  [[nodiscard]] Result<std::optional<StoredImage>> keep(const std::string& file_name, const PutHeader& header,
                                                        bool known);
  void remember(const Digest& digest, const std::string& file_name);

  StoreContext context_;
  PrefixIndex prefixes_;
  std::map<Digest, std::string> recent_;  ///< Published here: their bytes need no second look.
};

}  // namespace cloudp2p::store
