// Errors: one category, one value type.
//
// Purpose:   every failure that crosses the API is an `Error`: a code that programs switch on and a sentence that
//            people read (what is wrong, where, what to do next). `Result<T>` carries a value or an Error.
// Thread:    plain values; no global state but the immutable category.
// Unknown:   `Errc::outcome_unknown` means that the operation may or may not have taken effect and may still surface.
//            To look, and to upload the same content again, is always safe.
// Limits:    codes and their numbers are part of the protocol: new ones come last.
#pragma once

#include <cloudp2p/export.hpp>

#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace cloudp2p {

/// What went wrong. The numbers travel between nodes: they are never reused, new ones come last.
enum class Errc {
  ok = 0,
  // The request or its environment.
  invalid_argument,  ///< A value is malformed; the message names it.
  bad_config,        ///< Configuration refused; the message names file and JSON path, flag or variable.
  not_found,         ///< No live image has that digest or prefix.
  ambiguous,         ///< A digest prefix matches several images.
  refused,           ///< The server will not take it: empty, not an image, too large, bad name.
  permission,        ///< The key or identity does not carry this right.
  bad_key,           ///< Authentication failed: the other side holds a different key.
  cancelled,         ///< The caller, or a shutdown, ended the operation.
  // The cluster.
  not_leader,       ///< This node does not lead; the message names who does, when known.
  no_leader,        ///< Nobody leads at the moment; retry.
  no_quorum,        ///< Fewer than a majority reachable; nothing was acknowledged.
  stale_term,       ///< A message of a superseded term.
  outcome_unknown,  ///< May or may not have happened; ask again by digest.
  unreachable,      ///< No connection could be made, or it broke before an answer.
  timed_out,        ///< No answer in time; for a write this is an unknown outcome.
  busy,             ///< A limit on connections, uploads or queues is reached; retry later.
  mismatch,         ///< Other cluster, other settings, or a protocol range that does not overlap.
  // The disk and the data.
  integrity,  ///< Bytes do not match their digest.
  full,       ///< Below the free-space watermark, or ENOSPC.
  read_only,  ///< EROFS, or the store went read-only after a fault.
  io,         ///< EIO and other device errors; never retried on the same descriptor.
  locked,     ///< Another process holds this directory.
  format,     ///< A stored file is of a newer format or fails its checksum.
  exists,     ///< Already there.
  // The wire.
  protocol,    ///< A frame or message that this version does not allow.
  queue_full,  ///< A bounded queue is full; the message was not queued.
  closed,      ///< The object or connection is closed.
  // Later ones: the numbers travel.
  conflict,  ///< The image changed since it was looked at; nothing was done.
};

/// Of every Errc, named "cloudp2p". One object in the program, whichever shared library asks: categories are compared by
/// address.
[[nodiscard]] CLOUDP2P_API inline const std::error_category& error_category() noexcept;
/// Lets an Errc stand where a std::error_code is wanted.
[[nodiscard]] inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

/// A failure: what programs test and what people read. An empty message falls back to the code's own sentence.
struct Error {
  Errc code = Errc::ok;  ///< `ok`: there is no failure.
  std::string message;   ///< For people: what is wrong, where, and what to do. May be empty; see `text`.

  /// True when there is a failure.
  [[nodiscard]] explicit operator bool() const noexcept { return code != Errc::ok; }
  /// The message or, when it is empty, the code's own sentence.
  [[nodiscard]] std::string text() const;
};

/// With what the command line client exits: 0 ok, 1 failure, 2 usage, 4 key or permission, 5 no leader or unreachable (try
/// again), 6 not found, 7 refused by the server, 8 integrity, 130 interrupted.
[[nodiscard]] inline int exit_code(Errc code) noexcept;

/// The short stable name of a code, as it appears in JSON and on the wire ("no_quorum").
[[nodiscard]] inline const char* name(Errc code) noexcept;

/// A value or an Error. Accessing the wrong side is a bug of the caller and throws std::bad_variant_access.
template <class T>
class [[nodiscard]] Result {
 public:
  /// Success.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  /// Failure; its code is not Errc::ok.
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  /// Failure, with the code's own sentence; not Errc::ok.
  Result(Errc code) : state_(std::in_place_index<1>, Error{code, {}}) {}

  /// Whether there is a value.
  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  /// The same as `ok`.
  [[nodiscard]] explicit operator bool() const noexcept { return ok(); }
  /// The value; throws unless `ok`.
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  /// The value; throws unless `ok`.
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  /// The value, to be moved from; throws unless `ok`.
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  /// As `value`.
  [[nodiscard]] T& operator*() & { return value(); }
  /// As `value`.
  [[nodiscard]] const T& operator*() const& { return value(); }
  /// As `value`.
  [[nodiscard]] T* operator->() { return &value(); }
  /// As `value`.
  [[nodiscard]] const T* operator->() const { return &value(); }
  /// The failure; throws if `ok`.
  [[nodiscard]] const Error& error() const& { return std::get<1>(state_); }
  /// The failure, to be moved from; throws if `ok`.
  [[nodiscard]] Error&& error() && { return std::get<1>(std::move(state_)); }
  /// Errc::ok when there is a value; never throws.
  [[nodiscard]] Errc code() const noexcept { return ok() ? Errc::ok : std::get<1>(state_).code; }

 private:
  std::variant<T, Error> state_;
};

/// Success, or an Error: the Result of an operation that yields nothing.
class [[nodiscard]] Status {
 public:
  Status() = default;
  /// Failure, or success if its code is Errc::ok.
  Status(Error error) : error_(std::move(error)) {}
  /// Failure with the code's own sentence, or success for Errc::ok.
  Status(Errc code) : error_(Error{code, {}}) {}

  /// Whether it succeeded.
  [[nodiscard]] bool ok() const noexcept { return error_.code == Errc::ok; }
  /// The same as `ok`.
  [[nodiscard]] explicit operator bool() const noexcept { return ok(); }
  /// Its code is Errc::ok on success: unlike Result's, it may always be looked at.
  [[nodiscard]] const Error& error() const& noexcept { return error_; }
  /// The same, to be moved from.
  [[nodiscard]] Error&& error() && noexcept { return std::move(error_); }
  /// Errc::ok on success.
  [[nodiscard]] Errc code() const noexcept { return error_.code; }

 private:
  Error error_;
};

}  // namespace cloudp2p

template <>
struct std::is_error_code_enum<cloudp2p::Errc> : std::true_type {};

#include <cloudp2p/detail/error.hpp>
