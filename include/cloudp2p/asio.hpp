// Host on the caller's own event loop.
//
// Purpose:   the node runs on an io_context that the program already has. Only bulk I/O and disk work use own threads.
// Thread:    the io_context must be run by one thread at a time (or the executor be a strand). Every call is made on that
//            thread, or while the io_context does not run; opening and destroying too. `drain` can not wait there and
//            does nothing: use `drain_async`.
// Ownership: the io_context outlives the Host.
#pragma once

#include <cloudp2p/export.hpp>
#include <cloudp2p/host.hpp>

// Also where all is hidden: "am I on this io_context's thread?" is answered by data that Asio keeps in weak symbols.
#pragma GCC visibility push(default)
#include <asio/any_io_executor.hpp>
#pragma GCC visibility pop

namespace cloudp2p {

/// A Host whose node runs where the caller's executor runs. Its `drain` does nothing: it could only wait for itself.
class AsioHost : public Host {
 public:
  /// Host::drain without blocking: `done` comes once, on the node's thread, when leadership was handed over or could not be.
  virtual void drain_async(std::chrono::milliseconds patience, Callback<void()> done) = 0;
  /// The member itself, for what Host does not offer. On the node's thread; lives as long as the host.
  [[nodiscard]] virtual Node& node() = 0;
};

/// A member on `executor`: a strand, or an io_context that one thread runs. May be called before it runs. Errors are those
/// of Host::open.
[[nodiscard]] CLOUDP2P_API Result<std::unique_ptr<AsioHost>> open_host(const asio::any_io_executor& executor,
                                                                       const Config& config, LogSink& log,
                                                                       HostOptions options = {});

}  // namespace cloudp2p
