// Verdict: what must hold once every fault is over: the nodes agree, lack nothing, and hold on disk what they say.
#pragma once

#include "nemesis/book.hpp"
#include "nemesis/nodes.hpp"

namespace nemesis {

struct Verdict {
  double converged_s = 0;   ///< When all nodes agreed and nothing was missing, on the book's clock.
  std::size_t present = 0;  ///< Images that have to be everywhere.
  std::size_t deleted = 0;
  std::size_t damaged = 0;  ///< Copies that verify found damaged, repaired since.
  std::size_t files = 0;    ///< Files whose digest was right.
};

/// Waits for convergence, verifies every image, waits again, reads every image once more, then reads the disks.
/// `fickle`: the node whose stored bits were flipped, 0 none. What is wrong goes into the book.
[[nodiscard]] Verdict judge_end(cloudp2p::ClientHost& client, Nodes& nodes, Book& book, unsigned fickle);

}  // namespace nemesis
