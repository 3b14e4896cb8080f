// WriterLock: which of the nodes that share a directory may write to it.
//
// Purpose:   an exclusive lock on `.cloudp2p/writer`, held for as long as a leader leads, and in that file, written after
//            the lock was taken, the term and the id of the holder. Whoever took it since has a later term in it, so that
//            a holder whose lock a storage broke finds out by reading.
// Thread:    `try_take` and `release` from one thread; `check`, `holder` and `newest_term` from any.
// Durability: the term is synced when `try_take` succeeds.
// Errors:    try_take: locked (see `holder`), stale_term (a later term had it, or another node in this one), io and others of the file. check:
//            stale_term, also when the file can not be read: then nobody knows.
#pragma once

#include "store/store_directory.hpp"

#include <mutex>

namespace cloudp2p::store {

class WriterLock {
 public:
  WriterLock(StoreDirectory& directory, NodeId self) : directory_(directory), self_(self) {}

  [[nodiscard]] Status try_take(Term term);
  void release();
  /// Held, and by nobody else since.
  [[nodiscard]] Status check() const;
  /// As last read: who has it, or had it last. kNobody: nobody ever.
  [[nodiscard]] NodeId holder() const;
  [[nodiscard]] Term newest_term() const;

 private:
  struct Mark {
    Term term = 0;
    NodeId node = kNobody;
    friend bool operator==(const Mark&, const Mark&) = default;
  };
  [[nodiscard]] Result<Mark> read_mark() const;
  [[nodiscard]] Status write_mark(const Mark& mark);

  StoreDirectory& directory_;
  const NodeId self_;
  mutable std::mutex mutex_;
  Fd file_;  ///< Valid: the lock was taken.
  Mark mark_;  ///< Mine while it is held; otherwise as last read.
};

}  // namespace cloudp2p::store
