// What a fuzz target is made of: a reader that turns the fuzzer's bytes into values, and a check that ends the run.
//
// Use:    a target is one file with LLVMFuzzerTestOneInput. It must end normally for every input, and its properties are
//         given to `require`; crashes, leaks and undefined behaviour are the sanitizers' part.
// Limits: reads past the end give zeros and empty texts, so that every input is a valid one.
#pragma once

#include <cloudp2p/types.hpp>

#include <cstdio>
#include <cstdlib>

namespace fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(std::as_bytes(std::span(data, size))) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] cloudp2p::ByteView bytes(std::size_t count) {
    const cloudp2p::ByteView out = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(out.size());
    return out;
  }
  [[nodiscard]] cloudp2p::ByteView rest() { return bytes(rest_.size()); }
  /// Little-endian.
  template <class T = std::uint8_t>
  [[nodiscard]] T number() {
    std::uint64_t out = 0;
    unsigned shift = 0;
    for (const std::byte b : bytes(sizeof(T))) {
      out |= std::to_integer<std::uint64_t>(b) << shift;
      shift += 8;
    }
    return static_cast<T>(out);
  }
  /// A length of one byte, then so much text.
  [[nodiscard]] std::string text() { return text_of(bytes(number())); }
  [[nodiscard]] std::string rest_as_text() { return text_of(rest()); }
  template <class T>
  [[nodiscard]] T opaque() {
    T out;
    const cloudp2p::ByteView taken = bytes(T::kSize);
    std::copy(taken.begin(), taken.end(), out.bytes.begin());
    return out;
  }

 private:
  static std::string text_of(cloudp2p::ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  cloudp2p::ByteView rest_;
};

}  // namespace fuzz
