// Bodies of image_store.hpp.
#pragma once

#include <cloudp2p/image_store.hpp>

namespace cloudp2p {

/// FNV-1a over size and name.
inline std::uint64_t file_mark(std::string_view file_name, std::uint64_t size_bytes) noexcept {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t mark = (0xcbf29ce484222325 ^ size_bytes) * kPrime;
  for (const char letter : file_name)
    mark = (mark ^ static_cast<unsigned char>(letter)) * kPrime;
  return mark;
}

namespace detail {

/// Sorts what is stored into expected and not.
class StoredComparison {
 public:
  explicit StoredComparison(std::vector<std::uint64_t> expected_sorted)
      : expected_(std::move(expected_sorted)), seen_(expected_.size()) {}
  void add(StoredImage&& image) {
    const std::uint64_t mark = file_mark(image.file_name, image.size_bytes);
    const auto at = std::lower_bound(expected_.begin(), expected_.end(), mark);
    if (at != expected_.end() && *at == mark) {
      seen_[static_cast<std::size_t>(at - expected_.begin())] = true;
    } else {
      out_.unexpected.push_back(std::move(image));
    }
  }
  [[nodiscard]] StoredDifference finish() {
    std::sort(out_.unexpected.begin(), out_.unexpected.end(),
              [](const StoredImage& a, const StoredImage& b) { return a.file_name < b.file_name; });
    for (std::size_t i = 0; i < expected_.size(); ++i)
      if (!seen_[i]) out_.absent.push_back(expected_[i]);
    return std::move(out_);
  }

 private:
  std::vector<std::uint64_t> expected_;
  std::vector<bool> seen_;
  StoredDifference out_;
};

}  // namespace detail

inline const char* name(StoreHealth health) noexcept {
  switch (health) {
    case StoreHealth::ok: return "ok";
    case StoreHealth::full: return "full";
    case StoreHealth::read_only: return "read-only";
    case StoreHealth::failed: break;
  }
  return "failed";
}

inline void ImageStore::compare(std::vector<std::uint64_t> expected, Callback<void(Result<StoredDifference>)> done) {
  list([expected = std::move(expected), done = std::move(done)](Result<std::vector<StoredImage>> all) mutable {
    if (!all.ok()) return done(all.error());
    detail::StoredComparison comparison(std::move(expected));
    for (StoredImage& image : *all)
      comparison.add(std::move(image));
    done(comparison.finish());
  });
}

}  // namespace cloudp2p
