// Scrub: what a pass over all copies of one node found.
//
// Purpose:   a scrub re-hashes what is stored, so that decay is found while other nodes still hold good copies. Every
//            node does it in the background, the copy that was verified longest ago first; on demand it makes a pass
//            over everything. What fails goes to the quarantine and is fetched again from another node, by itself.
// Thread:    plain values.
// Units:     bytes, milliseconds since the Unix epoch by the clock of the node that says so.
// Errors:    a node that restarts forgets its pass, not what the pass has verified: ask for a new one.
#pragma once

#include <cstdint>

namespace cloudp2p {

/// What a node is asked to do; each is answered with the pass as it is then.
enum class ScrubAction : std::uint8_t {
  look,   ///< How far is it?
  begin,  ///< Re-hash everything now; joins the pass that is under way, if there is one.
  stop,   ///< End the pass under way.
};
/// One node's pass over all its copies: the one under way, or the last one.
struct ScrubPass {
  std::uint64_t number = 0;          ///< Passes are told apart by it; 0: none since the node started.
  bool running = false;              ///< This is the one under way.
  bool stopped = false;              ///< Ended before it was through.
  std::uint64_t images_total = 0;    ///< To be checked; when the pass is through, what was checked.
  std::uint64_t images_checked = 0;  ///< Good, damaged or gone; not those that could not be read.
  std::uint64_t bytes_total = 0;     ///< Of the images to be checked; when the pass is through, of those checked.
  std::uint64_t bytes_checked = 0;   ///< Of the images checked.
  std::uint64_t damaged = 0;         ///< Did not match their digest, or unreadable for long; now in the quarantine.
  std::uint64_t gone = 0;            ///< Recorded as here, but without a file.
  std::uint64_t repaired = 0;        ///< Of these, those that are here again or deleted since.
  std::uint64_t unchecked = 0;       ///< Could not be read this time, or the store takes no changes.
  std::uint64_t missing = 0;         ///< Images whose bytes this node lacks now, for whatever reason.
  std::int64_t begun_ms = 0;         ///< 0 when there was no pass.
  /// Of the copies here, the date of the one verified longest ago; 0: none, or not looked yet.
  std::int64_t oldest_verified_ms = 0;
};

}  // namespace cloudp2p
