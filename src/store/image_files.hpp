// The names and files of stored images.
//
// Purpose:   what a file of ours is called, which names in the directory are ours, and how to read and hash them.
// Thread:    any.
// Errors:    not_found for a name that is no regular file directly below the directory; io.
#pragma once

#include "store/hasher.hpp"
#include "store/posix_file.hpp"

#include <cloudp2p/image_store.hpp>

#include <functional>
#include <set>

namespace cloudp2p::store {

/// `<first 16 hex>-<stem>.<ext>`; the second and later files of one name get "~2", "~3" after the stem.
[[nodiscard]] std::string image_file_name(const PutHeader& header, unsigned attempt);
/// The leading 64 bits of the digest, when this is a name of ours; nothing for hidden and foreign files.
[[nodiscard]] std::optional<std::uint64_t> prefix_of(std::string_view file_name);
[[nodiscard]] std::uint64_t prefix_of(const Digest& digest);

/// Opens a regular file directly below the directory for reading.
[[nodiscard]] Result<Fd> open_image(int directory, const std::string& file_name);
/// Size and time of an open or named file; `digest` stays zero.
[[nodiscard]] Result<StoredImage> describe(int directory, const std::string& file_name);
/// With as much of each digest as the name says.
[[nodiscard]] Status for_each_image(int directory, const std::function<void(StoredImage&&)>& visit);
[[nodiscard]] Result<std::vector<StoredImage>> list_images(int directory);
/// What a record of this file would say, from its bytes, name and time; integrity when the bytes are not those that the
/// name promises.
[[nodiscard]] Result<ImageRecord> identify_image(int directory, const std::string& file_name,
                                                 const HasherFactory& make_hasher);
[[nodiscard]] Result<Digest> hash_file(int fd, const HasherFactory& make_hasher);
/// Renames without ever replacing: exists when the target name is taken.
[[nodiscard]] Status move_file(int from_directory, const std::string& from, int to_directory, const std::string& to);

/// Which 64-bit prefixes have a file: eight bytes an image, so that a duplicate is found without a scan for each put.
class PrefixIndex {
 public:
  [[nodiscard]] Status load(int directory);
  void insert(std::uint64_t prefix);
  /// Never wrongly "no" for a file that is there; "yes" may be about a file that has gone.
  [[nodiscard]] bool may_contain(std::uint64_t prefix) const;

 private:
  std::vector<std::uint64_t> sorted_;
  std::set<std::uint64_t> fresh_;
};

}  // namespace cloudp2p::store
