// Random: the one source of chance in the simulator: seeded, the same on every machine and with every compiler.
#pragma once

#include <cloudp2p/detail/catalog.hpp>
#include <cloudp2p/entropy.hpp>

#include <bit>

namespace cloudp2p::sim {

/// xoshiro256** (Blackman and Vigna). No distribution of the standard library: those differ between libraries.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_)
      word = detail::mix64(seed += 0x9e3779b97f4a7c15);
  }

  std::uint64_t next() noexcept {
    const std::uint64_t out = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return out;
  }
  /// 0 <= result < bound; 0 for a bound of 0.
  std::uint64_t below(std::uint64_t bound) noexcept { return bound == 0 ? 0 : next() % bound; }
  /// True in `percent` of 100 cases.
  bool percent(unsigned percent) noexcept { return below(100) < percent; }
  /// from <= result <= to
  std::uint64_t between(std::uint64_t from, std::uint64_t to) noexcept { return from + below(to - from + 1); }
  Duration between(Duration from, Duration to) noexcept {
    return from + Duration(static_cast<Duration::rep>(below(static_cast<std::uint64_t>((to - from).count()) + 1)));
  }
  /// Between `from` and `to`, every order of magnitude alike (in steps of two).
  Duration log_between(Duration from, Duration to) noexcept {
    const auto low = static_cast<std::uint64_t>(std::max<Duration::rep>(from.count(), 1));
    const auto high = static_cast<std::uint64_t>(std::max<Duration::rep>(to.count(), 1));
    const unsigned doublings = static_cast<unsigned>(std::bit_width(high / low));
    const std::uint64_t base = low << below(doublings);
    return Duration(static_cast<Duration::rep>(std::min(high, base + below(base))));
  }
  template <class Container>
  auto& pick(Container& from) noexcept {
    return from[static_cast<std::size_t>(below(from.size()))];
  }
  [[nodiscard]] Random fork() noexcept { return Random(next()); }

 private:
  std::array<std::uint64_t, 4> state_{};
};

/// The Entropy of one simulated process.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(Random random) noexcept : random_(random) {}
  void fill(std::span<std::byte> out) override {
    for (std::size_t at = 0; at < out.size(); at += 8) {
      const std::uint64_t word = random_.next();
      std::memcpy(out.data() + at, &word, std::min<std::size_t>(8, out.size() - at));
    }
  }

 private:
  Random random_;
};

}  // namespace cloudp2p::sim
