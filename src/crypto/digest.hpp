// BLAKE2b-256, streamed: the name of an image, equal to what `b2sum -l 256 FILE` prints.
//
// Thread:  one hasher on one thread at a time.
// Use:     update any number of times, finish once; afterwards `reset` begins anew.
#pragma once

#include <cloudp2p/types.hpp>

#include <memory>
#include <string_view>

namespace cloudp2p::crypto {

/// The algorithm, as one library has it.
class Blake2b {
 public:
  virtual ~Blake2b() = default;
  virtual void reset() = 0;
  virtual void update(ByteView bytes) = 0;
  [[nodiscard]] virtual Digest finish() = 0;
};

class DigestHasher {
 public:
  DigestHasher();

  void update(ByteView bytes) { blake2b_->update(bytes); }
  [[nodiscard]] Digest finish() { return blake2b_->finish(); }
  void reset() { blake2b_->reset(); }

 private:
  std::unique_ptr<Blake2b> blake2b_;
};

[[nodiscard]] Digest digest_of(ByteView bytes);

/// A library that can do it: every node hashes every byte, and which one is the fastest depends on the processor.
struct DigestLibrary {
  std::string_view name;
  std::unique_ptr<Blake2b> (*make)();
};
/// Those built in; libsodium is always there, and first.
[[nodiscard]] std::vector<DigestLibrary> digest_libraries();
/// The one that hashers use in this process: the fastest in a trial of well under a millisecond, at the first use.
[[nodiscard]] const DigestLibrary& digest_library();

}  // namespace cloudp2p::crypto
