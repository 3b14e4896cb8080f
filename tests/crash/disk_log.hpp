// What one node asked of its disk, call by call, and what it had told others before each of them.
//
// A log is complete: replayed from an empty folder it gives the folder, byte by byte (`DiskModel`, variant `kept`).
#pragma once

#include <cloudp2p/types.hpp>

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace crash {

/// A file or folder, whatever it is called. 1 is the folder that is recorded.
using Inode = std::uint32_t;
inline constexpr Inode kNothing = 0;
inline constexpr Inode kRoot = 1;

struct Name {
  Inode folder = kNothing;
  std::string text;
  friend auto operator<=>(const Name&, const Name&) = default;
};

struct DiskCall {
  enum class Kind : std::uint8_t {
    name,      ///< `name` means `inode` from now on; kNothing: it is gone.
    rename,    ///< `from` is gone and `name` means `inode`, in one step.
    write,     ///< `bytes` at `offset` of `inode`.
    resize,    ///< `inode` has `offset` bytes.
    sync,      ///< What was written to `inode`, or named in it, survives power loss.
    sync_all,  ///< Everything does.
  };
  Kind kind = Kind::sync;
  const char* call = "";  ///< The system call: "pwrite".
  Inode inode = kNothing;
  Name name{};
  Name from{};
  std::uint64_t offset = 0;
  std::shared_ptr<const std::string> bytes{};
  bool is_folder = false;
};

/// This node holds the record durably, or a newer one; and the bytes, if it said so.
struct RecordPromise {
  cloudp2p::Digest digest;
  cloudp2p::Stamp stamp;
  bool bytes = false;
};
/// This node will not go back behind this term, this vote, this membership, or to another incarnation.
struct StatePromise {
  cloudp2p::Term term = 0;
  cloudp2p::NodeId voted_for = cloudp2p::kNobody;  ///< kNobody: nothing was said.
  cloudp2p::Incarnation incarnation{};             ///< Zero: nothing was said.
  cloudp2p::Term membership_term = 0;
  std::uint64_t membership_version = 0;
  friend bool operator==(const StatePromise&, const StatePromise&) = default;
};
struct Promise {
  std::size_t calls = 0;  ///< Made before it was told.
  std::variant<RecordPromise, StatePromise> what;
};

struct DiskLog {
  cloudp2p::NodeId node = cloudp2p::kNobody;
  std::string root;       ///< The folder that was recorded.
  std::size_t given = 0;  ///< The first calls make what was there before the recording began, durably.
  std::vector<DiskCall> calls;
  std::vector<Promise> promises;
};

}  // namespace crash
