// Bodies of error.hpp: the sentence, the name and the exit code of every Errc.
#pragma once

#include <cloudp2p/error.hpp>

namespace cloudp2p {

namespace detail {

/// The sentence that stands where nobody knew more.
[[nodiscard]] inline const char* sentence(Errc code) noexcept {
  switch (code) {
    case Errc::ok: return "success";
    case Errc::invalid_argument: return "a value is malformed";
    case Errc::bad_config: return "the configuration is invalid";
    case Errc::not_found: return "no image has that id";
    case Errc::ambiguous: return "several images have ids that begin like this; give more digits";
    case Errc::refused: return "the server refused the image";
    case Errc::permission: return "the key does not permit this";
    case Errc::bad_key: return "authentication failed: the other side holds a different key";
    case Errc::cancelled: return "cancelled";
    case Errc::not_leader: return "this node does not lead";
    case Errc::no_leader: return "no node leads at the moment; try again";
    case Errc::no_quorum: return "fewer than a majority of the nodes are reachable; nothing was acknowledged";
    case Errc::stale_term: return "superseded by a newer election";
    case Errc::outcome_unknown: return "the operation may or may not have taken effect; ask again, it is safe";
    case Errc::unreachable: return "no connection to the node";
    case Errc::timed_out: return "no answer in time";
    case Errc::busy: return "the node is at a limit; try again later";
    case Errc::mismatch: return "the other side belongs to another cluster, or speaks another protocol version";
    case Errc::integrity: return "the bytes do not match their digest";
    case Errc::full: return "the disk is full";
    case Errc::read_only: return "the store is read-only";
    case Errc::io: return "the device reported an error";
    case Errc::locked: return "another process uses this directory";
    case Errc::format: return "a stored file is damaged or of a newer format";
    case Errc::exists: return "it exists already";
    case Errc::protocol: return "the other side broke the protocol";
    case Errc::queue_full: return "a queue is full";
    case Errc::closed: return "closed";
    case Errc::conflict: return "the image changed meanwhile; look again";
  }
  return "unknown error";
}

class ErrorCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "cloudp2p"; }
  [[nodiscard]] std::string message(int code) const override { return sentence(static_cast<Errc>(code)); }
};

}  // namespace detail

inline const std::error_category& error_category() noexcept {
  static const detail::ErrorCategory category;
  return category;
}

inline std::string Error::text() const {
  return message.empty() ? detail::sentence(code) : message;
}

inline int exit_code(Errc code) noexcept {
  switch (code) {
    case Errc::ok: return 0;
    case Errc::invalid_argument:
    case Errc::bad_config:
    case Errc::ambiguous: return 2;
    case Errc::permission:
    case Errc::bad_key: return 4;
    // Retry, perhaps with another node: the cluster could not be asked, or could not answer.
    case Errc::not_leader:
    case Errc::no_leader:
    case Errc::no_quorum:
    case Errc::stale_term:
    case Errc::outcome_unknown:
    case Errc::unreachable:
    case Errc::timed_out:
    case Errc::busy:
    case Errc::queue_full:
    case Errc::conflict:
    case Errc::closed: return 5;
    case Errc::not_found: return 6;
    case Errc::refused:
    case Errc::full:
    case Errc::read_only: return 7;
    case Errc::integrity: return 8;
    case Errc::cancelled: return 130;
    case Errc::mismatch:
    case Errc::io:
    case Errc::locked:
    case Errc::format:
    case Errc::exists:
    case Errc::protocol: break;
  }
  return 1;
}

inline const char* name(Errc code) noexcept {
  switch (code) {
    case Errc::ok: return "ok";
    case Errc::invalid_argument: return "invalid_argument";
    case Errc::bad_config: return "bad_config";
    case Errc::not_found: return "not_found";
    case Errc::ambiguous: return "ambiguous";
    case Errc::refused: return "refused";
    case Errc::permission: return "permission";
    case Errc::bad_key: return "bad_key";
    case Errc::cancelled: return "cancelled";
    case Errc::not_leader: return "not_leader";
    case Errc::no_leader: return "no_leader";
    case Errc::no_quorum: return "no_quorum";
    case Errc::stale_term: return "stale_term";
    case Errc::outcome_unknown: return "outcome_unknown";
    case Errc::unreachable: return "unreachable";
    case Errc::timed_out: return "timed_out";
    case Errc::busy: return "busy";
    case Errc::mismatch: return "mismatch";
    case Errc::integrity: return "integrity";
    case Errc::full: return "full";
    case Errc::read_only: return "read_only";
    case Errc::io: return "io";
    case Errc::locked: return "locked";
    case Errc::format: return "format";
    case Errc::exists: return "exists";
    case Errc::protocol: return "protocol";
    case Errc::queue_full: return "queue_full";
    case Errc::closed: return "closed";
    case Errc::conflict: return "conflict";
  }
  return "unknown";
}

}  // namespace cloudp2p
