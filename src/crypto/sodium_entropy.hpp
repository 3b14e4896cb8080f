// The real Entropy, and the start-up of libsodium.
//
// Thread:  both are safe from any thread.
// Errors:  `initialise` fails only when the machine offers no source of randomness; libsodium itself ends the process
//          when randomness is drawn all the same.
#pragma once

#include <cloudp2p/entropy.hpp>
#include <cloudp2p/error.hpp>

namespace cloudp2p::crypto {

/// Chooses libsodium's implementations for this CPU; the first call does the work, later ones are free.
Status initialise();

class SodiumEntropy final : public Entropy {
 public:
  SodiumEntropy();
  void fill(std::span<std::byte> out) override;
};

}  // namespace cloudp2p::crypto
