#include "sim/content_hash.hpp"

#include <cloudp2p/detail/catalog.hpp>

#include <bit>

namespace cloudp2p::sim {

void ContentHash::absorb(Lanes& lanes, const std::byte* block) noexcept {
  std::array<std::uint64_t, 4> words;
  std::memcpy(words.data(), block, sizeof words);
  for (std::size_t i = 0; i < 4; ++i) {
    lanes[i] = std::rotl(lanes[i] ^ words[i], 29) * 0x9e3779b97f4a7c15 + words[(i + 1) % 4];
  }
}

void ContentHash::update(ByteView bytes) noexcept {
  size_ += bytes.size();
  if (rest_size_ > 0) {
    const std::size_t taken = std::min(bytes.size(), rest_.size() - rest_size_);
    std::memcpy(rest_.data() + rest_size_, bytes.data(), taken);
    rest_size_ += taken;
    bytes = bytes.subspan(taken);
    if (rest_size_ < rest_.size()) return;
    absorb(lanes_, rest_.data());
    rest_size_ = 0;
  }
  for (; bytes.size() >= rest_.size(); bytes = bytes.subspan(rest_.size()))
    absorb(lanes_, bytes.data());
  if (!bytes.empty()) std::memcpy(rest_.data(), bytes.data(), bytes.size());
  rest_size_ = bytes.size();
}

Digest ContentHash::finish() const noexcept {
  Lanes lanes = lanes_;
  std::array<std::byte, 32> last{};
  std::copy_n(rest_.begin(), rest_size_, last.begin());
  absorb(lanes, last.data());
  std::uint64_t all = size_;
  for (const std::uint64_t lane : lanes)
    all = detail::fold64(all, lane);
  Digest out;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint64_t word = detail::fold64(all + i, lanes[i]);
    std::memcpy(out.bytes.data() + 8 * i, &word, sizeof word);
  }
  return out;
}

}  // namespace cloudp2p::sim
