// Hasher: the streaming digest that the store needs, without naming a crypto library.
//
// Purpose:   BLAKE2b-256 while bytes pass. The host supplies the factory; adapters do not include each other.
// Thread:    one Hasher is used by one thread at a time; the factory may be called from any thread.
#pragma once

#include <cloudp2p/types.hpp>

#include <functional>
#include <memory>

namespace cloudp2p::store {

class Hasher {
 public:
  virtual ~Hasher() = default;
  virtual void update(ByteView bytes) = 0;
  /// The digest of all that was given; called once, last.
  [[nodiscard]] virtual Digest finish() = 0;
};

using HasherFactory = std::function<std::unique_ptr<Hasher>()>;

}  // namespace cloudp2p::store
