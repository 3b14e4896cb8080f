// SecureSession: what the socket code needs of the secure channel, and nothing of how it works.
//
// Purpose:   bytes in, bytes out; frames in, frames out. The host adapts the Noise channel to it; tests may use a
//            plain one. It never touches a socket, a clock or a thread.
// Thread:    not synchronised. One connection uses its session from one thread at a time; it may move to another
//            thread between calls. A factory is used from several threads at once.
// Ownership: spans from `prepare` are valid until the next call. Payload blocks of frames are shared, never copied
// back. Errors:    any failed call ends the connection. What `output` then still holds is written best-effort. Limits:
// a session buffers at most one incomplete frame of input.
#pragma once

#include <cloudp2p/error.hpp>
#include <cloudp2p/transport.hpp>

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace cloudp2p::asio_net {

/// What the handshake proved; meaningful once established.
struct SessionInfo {
  Lane lane = Lane::bulk;
  Role role = Role::client;  ///< Of the other side.
  NodeId peer = kNobody;     ///< Initiator: the node that answered. Responder: only when an identity proved it.
  std::string identity;
  Rights rights;
};

class SecureSession {
 public:
  virtual ~SecureSession() = default;

  /// What must be written, in this order: greeting and handshake messages first, then what was sealed. Stays in place
  /// until `clear_output`, `seal` or `seal_close`, and during the handshake until `commit`.
  [[nodiscard]] virtual ByteView output() const = 0;
  /// All of it was written. The memory is kept for the next use.
  virtual void clear_output() = 0;

  /// Room for the next read; never empty while the session is usable.
  [[nodiscard]] virtual std::span<std::byte> prepare() = 0;
  /// `size_bytes` of the prepared room were filled. Appends the frames that are now complete.
  [[nodiscard]] virtual Status commit(std::size_t size_bytes, std::vector<Frame>& frames) = 0;

  /// The other side is authenticated: frames may be sealed, and those that came are to be trusted.
  [[nodiscard]] virtual bool established() const = 0;
  [[nodiscard]] virtual SessionInfo info() const = 0;

  /// Appends the frames, sealed and in order, to the output. Only when established.
  [[nodiscard]] virtual Status seal(std::span<const Frame> frames) = 0;
  /// Appends an authenticated end of the stream that carries the reason's message. Nothing may be sealed after it.
  virtual void seal_close(const Error& reason) = 0;
  /// The other side's authenticated end, once it has come. Without it the end of a stream is a truncation.
  [[nodiscard]] virtual std::optional<Error> close_received() const = 0;

  /// Part of a frame has come and the rest has not; a session may say so late, but not without end.
  [[nodiscard]] virtual bool mid_frame() const = 0;
  /// The connection is idle and the output empty: buffers may be given back until they are needed again.
  virtual void release_scratch() = 0;
};

class SecureSessionFactory {
 public:
  virtual ~SecureSessionFactory() = default;
  /// `expected`: the node that must answer. Fails when this process may not open such a session at all.
  [[nodiscard]] virtual Result<std::unique_ptr<SecureSession>> initiate(NodeId expected, Lane lane) = 0;
  /// Never null.
  [[nodiscard]] virtual std::unique_ptr<SecureSession> respond() = 0;
};

}  // namespace cloudp2p::asio_net
