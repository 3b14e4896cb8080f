// Network: machines, the paths between them, and the connections that run over them.
//
// A connection is two pipes. A pipe delivers its frames in order, each no earlier than its delay; where the path is cut
// or the receiving process paused it stalls and goes on later, as TCP does, or the connection is given up by its ends.
#pragma once

#include "sim/process.hpp"

#include <cloudp2p/testing/sim_options.hpp>
#include <cloudp2p/transport.hpp>

#include <deque>
#include <functional>
#include <map>

namespace cloudp2p::sim {

class SimTransport;
using HostId = std::uint32_t;

/// One machine.
struct Host {
  std::string address;                ///< "10.0.0.1"
  SimTransport* transport = nullptr;  ///< Of the process that runs there; nullptr: none does.
  bool powered = true;
  std::uint64_t generation = 0;  ///< Counts the processes that ran here.
};

/// One way of a connection.
struct Pipe {
  struct InFlight {
    TimePoint ready;
    Frame frame;
    std::optional<Error> close;  ///< Instead of a frame: the sender ended the connection.
  };
  std::deque<InFlight> frames;
  TimePoint last_ready{};
  std::size_t queued_bytes = 0;
  std::size_t queue_bytes_max = 0;
  bool scheduled = false;
  EventId delivery = 0;  ///< When it is scheduled.
  bool stalled = false;
  bool drain_wanted = false;
  TimePoint busy_until{};  ///< On a path of its own bandwidth.
};

struct End {
  HostId host = 0;
  SimTransport* transport = nullptr;  ///< nullptr: the process is gone.
  ConnectionInfo info;
  bool open = false;     ///< Between on_connected and on_closed.
  bool closing = false;  ///< `close` was called: no more frames.
  Pipe out;
};

struct Connection {
  std::array<End, 2> ends;
  bool over = false;  ///< Both ends were found closed once.
};
using ConnectionPtr = std::shared_ptr<Connection>;

class Network {
 public:
  Network(Scheduler& scheduler, Random random, const testing::NetworkProfile& profile)
      : scheduler_(scheduler), random_(random), profile_(profile) {}

  [[nodiscard]] HostId add_host(std::string address);
  [[nodiscard]] const std::string& address_of(HostId host) const { return hosts_[host].address; }
  /// Nobody finds it under its former address any more. Paths stay as they are.
  void rename_host(HostId host, std::string address) { hosts_[host].address = std::move(address); }
  [[nodiscard]] Host& host(HostId id) { return hosts_[id]; }

  // Faults.
  void cut(HostId from, HostId to);
  void heal(HostId from, HostId to);
  void heal_all();
  [[nodiscard]] bool is_cut(HostId from, HostId to) const { return path(from, to).cut; }
  /// What is on its way comes at once when the path becomes as good as any.
  void set_link(HostId a, HostId b, const testing::LinkProfile& profile);
  /// Every connection between the two breaks; new ones may be made.
  void break_connections(HostId a, HostId b);
  /// The process on this host died, or lost power.
  void on_process_gone(HostId host, bool kernel_speaks);
  /// What was stalled towards this host may go on: it was healed, resumed or restarted.
  void on_host_back(HostId host);
  void set_profile(const testing::NetworkProfile& profile) noexcept { profile_ = profile; }

  /// Sees every frame at its delivery.
  using FrameWatch = std::function<void(const End& to, const Frame& frame)>;
  void watch(FrameWatch watch) { watch_ = std::move(watch); }

  // For SimTransport.
  struct Dial {
    HostId from = 0;
    PeerAddress to;
    Lane lane = Lane::bulk;
    Role role = Role::client;
    std::uint64_t generation = 0;  ///< Set by `dial`: the outcome is for this process only.
  };
  struct DialOutcome {
    ConnectionPtr connection;  ///< nullptr: failed.
    DialFailure failure = DialFailure::unreachable;
    Error error;
    /// The dialler slept, and meanwhile the other side has gone.
    [[nodiscard]] bool connected() const { return connection && connection->ends[0].transport != nullptr; }
  };
  /// `done` runs at the network's own time; never after the process that dialled is gone.
  void dial(Dial dial, Callback<void(DialOutcome)> done);
  void attach(HostId host, SimTransport& transport) {
    hosts_[host].transport = &transport;
    hosts_[host].powered = true;
    ++hosts_[host].generation;
  }
  void send(const ConnectionPtr& connection, std::size_t side, Frame frame);
  /// Tells the other end, behind everything sent before.
  void send_close(const ConnectionPtr& connection, std::size_t side, const Error& reason);
  void end_open_side(const ConnectionPtr& connection, std::size_t side, const Error& reason);
  [[nodiscard]] Scheduler& scheduler() noexcept { return scheduler_; }
  [[nodiscard]] Random& random() noexcept { return random_; }
  [[nodiscard]] ConnectionId next_connection() noexcept { return ConnectionId{++last_connection_}; }

 private:
  struct Path {
    bool cut = false;
    testing::LinkProfile profile;
  };
  [[nodiscard]] Path& path(HostId from, HostId to) { return paths_[from * hosts_.size() + to]; }
  [[nodiscard]] const Path& path(HostId from, HostId to) const { return paths_[from * hosts_.size() + to]; }
  [[nodiscard]] Duration delay(std::size_t bytes);
  [[nodiscard]] TimePoint arrival(const ConnectionPtr& connection, std::size_t side, std::size_t bytes);
  [[nodiscard]] std::optional<HostId> find_host(const Address& address) const;
  void arrive(const Dial& dial, TimePoint deadline, Callback<void(DialOutcome)> done);
  void fail_dial(const Dial& dial, DialFailure failure, Callback<void(DialOutcome)> done);
  void schedule(const ConnectionPtr& connection, std::size_t side, TimePoint when);
  void pump(const ConnectionPtr& connection, std::size_t side);
  void tell_drained(const ConnectionPtr& connection, std::size_t side);
  void end_later(const ConnectionPtr& connection, std::size_t side, Duration delay, const Error& reason);
  void give_up_if_still_cut(HostId a, HostId b);
  void hasten(const ConnectionPtr& connection, std::size_t side);
  void sweep();

  Scheduler& scheduler_;
  Random random_;
  testing::NetworkProfile profile_;
  std::vector<Host> hosts_;
  std::vector<Path> paths_;
  std::vector<ConnectionPtr> connections_;
  FrameWatch watch_;
  std::uint64_t last_connection_ = 0;
};

}  // namespace cloudp2p::sim
