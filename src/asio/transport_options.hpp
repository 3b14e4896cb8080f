// What AsioTransport can be told; the defaults are the limits of the protocol. Tests shrink them.
#pragma once

#include <cloudp2p/limits.hpp>
#include <cloudp2p/transport.hpp>

#include <atomic>
#include <memory>
#include <optional>

namespace cloudp2p::asio_net {

struct TransportOptions {
  std::optional<Address> listen;  ///< Unset: a client. Port 0: any free one, see AsioTransport::port.

  // Strangers.
  std::size_t half_open_max = limits::kHalfOpenMax;
  std::size_t half_open_per_address_max = limits::kHalfOpenPerAddressMax;
  /// Programs on one machine share an address; unset: half_open_max.
  std::optional<std::size_t> half_open_per_loopback_address_max;
  /// A half-open connection this old makes room for a new one when the limit is reached; honest ones take milliseconds.
  Duration half_open_grace = std::chrono::milliseconds(250);
  Duration handshake_timeout = limits::kHandshakeTimeout;

  // Accepted and authenticated. Clients cannot take the last places: those are for nodes.
  std::size_t connections_max = limits::kConnectionsMax;
  std::size_t connections_for_nodes = 2 * limits::kMembersMax;

  // Every connection.
  Duration idle_timeout = limits::kIdleTimeout;
  Duration session_age_max = limits::kSessionAgeMax;
  std::uint64_t frame_bytes_per_second_min = 16 * 1024;
  Duration frame_grace = std::chrono::seconds(10);
  std::size_t control_queue_bytes_max = limits::kControlQueueBytesMax;
  std::size_t bulk_queue_bytes_max = limits::kBulkQueueBytesMax;
  /// Frames that were read and wait for the node's thread; above it the connection is not read.
  std::size_t unhandled_bytes_max = 2 * 1024 * 1024;
  Duration close_timeout = std::chrono::seconds(3);  ///< For what is queued, then again for the other side's end.
  Duration check_interval = std::chrono::milliseconds(250);

  // Dialling.
  Duration dial_timeout = std::chrono::seconds(2);
  Duration retry_first = std::chrono::milliseconds(20);
  Duration control_retry_max = std::chrono::milliseconds(500);
  Duration bulk_retry_max = std::chrono::seconds(1);
  Duration settled_after = std::chrono::seconds(1);  ///< A connection that lasted this long resets the back-off.
};

/// Written by the I/O threads, read by the node's.
struct AtomicCounters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> handshake_failures{0};
  std::atomic<std::uint64_t> protocol_errors{0};
  std::atomic<std::uint64_t> refused_for_limits{0};
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};
};
using SharedCounters = std::shared_ptr<AtomicCounters>;

}  // namespace cloudp2p::asio_net
