// LocalPut: one image on its way to this node's disk, and ParkedPuts: those that were interrupted and may be resumed.
//
// Offsets may repeat (a sender that resumes further back) but never skip. The owner may change: a put that was started by
// one upload can be parked and continued by another that carries the same content.
#pragma once

#include "core/services.hpp"

#include <deque>

namespace cloudp2p::core {

class LocalPut {
 public:
  /// Opens the put; chunks may be offered at once.
  LocalPut(Services& services, PutHeader header);
  ~LocalPut();
  LocalPut(const LocalPut&) = delete;
  LocalPut& operator=(const LocalPut&) = delete;

  struct Owner {
    std::function<void()> on_progress;              ///< `written` grew.
    std::function<void(const Error&)> on_failed;    ///< The put is gone.
  };
  void set_owner(Owner owner);

  [[nodiscard]] const PutHeader& header() const;
  [[nodiscard]] std::uint64_t received() const;  ///< The next offset expected.
  [[nodiscard]] std::uint64_t written() const;   ///< Handed to the file system; their buffers are released.
  [[nodiscard]] bool complete() const { return received() == header().size_bytes; }
  [[nodiscard]] bool failed() const;

  /// Takes a chunk; what lies below `received` is skipped. Errc::protocol for a gap or for bytes beyond the end.
  [[nodiscard]] Status offer(std::uint64_t offset, Buffer bytes);
  /// Once complete: verify and make durable. Afterwards the object may be destroyed without aborting anything.
  void commit(Callback<void(Result<StoredImage>)> done);

 private:
  struct State;
  static void opened(const std::shared_ptr<State>& state, Result<PutId> put);
  static void append(const std::shared_ptr<State>& state, Buffer bytes);
  static void fail(const std::shared_ptr<State>& state, const Error& error);
  static void commit_when_open(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

/// Interrupted puts by digest, oldest thrown away first.
class ParkedPuts {
 public:
  explicit ParkedPuts(Services& services) : services_(services) {}
  /// Keeps it if there is anything worth keeping.
  void park(std::unique_ptr<LocalPut> put);
  /// The parked put of this content, or nothing.
  [[nodiscard]] std::unique_ptr<LocalPut> take(const Digest& digest, std::uint64_t size_bytes);
  void expire();
  void clear() { parked_.clear(); }
  [[nodiscard]] std::size_t size() const { return parked_.size(); }

 private:
  struct Parked {
    TimePoint since;
    std::unique_ptr<LocalPut> put;
  };
  Services& services_;
  std::deque<Parked> parked_;
};

}  // namespace cloudp2p::core
