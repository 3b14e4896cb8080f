// What the node tells systemd (or another manager that speaks sd_notify): that it is ready, how it does, that it lives.
//
// Purpose:   READY after the node has read what is on its disk; it does not wait for a quorum, or three machines that
//            boot would wait for each other. STATUS when it changes, at most once a second. WATCHDOG at half its
//            period: only while the node's own thread answers, so that a node that hangs is restarted.
// Thread:    one of its own, when there is a manager; it asks the node and may hang with it. The calls are for the
// thread
//            that owns the node.
// Ownership: the node outlives this.
#pragma once

#include "notify_socket.hpp"

#include <cloudp2p/host.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace server {

class ServiceManager {
 public:
  /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from the environment.
  explicit ServiceManager(cloudp2p::Host& node);
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  /// Around a reload.
  void reloading();
  void reloaded();
  /// A drain begins; while it lasts and the node answers, the manager is asked for patience.
  void stopping();

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase { starting, ready, stopping };

  void run();
  /// How long until there is something to say again.
  [[nodiscard]] Clock::duration pause() const;
  void report(const cloudp2p::NodeStatus& status);

  cloudp2p::Host& node_;
  const NotifySocket socket_;
  const std::optional<std::chrono::microseconds> watchdog_;  ///< Its whole period.
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  Phase phase_ = Phase::starting;
  Clock::time_point beat_due_{};
  Clock::time_point extension_due_{};
  std::string said_;
  std::thread thread_;
};

}  // namespace server
