// Host on the caller's own event loop.
//
// Purpose:   the node runs on an io_context that the program already has. Only bulk I/O and disk work use own threads.
// Thread:    the io_context must be run by one thread at a time (or the executor be a strand). Open and destroy the Host
//            on that thread, or while the io_context does not run. `status` may be called there; `drain` blocks, so it
//            may not: use `drain_async`.
// Ownership: the io_context outlives the Host.
#pragma once

#include <cloudp2p/export.hpp>
#include <cloudp2p/host.hpp>

// Also where all is hidden: "am I on this io_context's thread?" is answered by data that Asio keeps in weak symbols.
#pragma GCC visibility push(default)
#include <asio/any_io_executor.hpp>
#pragma GCC visibility pop

namespace cloudp2p {

class AsioHost : public Host {
 public:
  /// On the node's thread.
  virtual void drain_async(std::chrono::milliseconds patience, Callback<void()> done) = 0;
  [[nodiscard]] virtual Node& node() = 0;
};

[[nodiscard]] CLOUDP2P_API Result<std::unique_ptr<AsioHost>> open_host(const asio::any_io_executor& executor,
                                                                       const Config& config, LogSink& log,
                                                                       HostOptions options = {});

}  // namespace cloudp2p
