// Listener: accepts strangers, bounds what they cost, hands over those that authenticate.
//
// Thread:    `open` before anything runs; the rest on its executor. Ownership: held by shared_ptr.
// Limits:    half-open connections in total and per remote address. At the limit the oldest one that had its fair time
//            makes room, so that silent connections cannot lock others out; else the new one is refused.
// Errors:    when the process runs out of descriptors or memory, accepting pauses for kPause, and goes on.
#pragma once

#include "asio/failure_log.hpp"
#include "asio/handshake.hpp"

#include <list>
#include <map>

namespace cloudp2p::asio_net {

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  /// `admission` is held as long as the connection is open.
  using OnLink = Callback<void(Link, std::shared_ptr<void> admission)>;

  Listener(asio::any_io_executor executor, SecureSessionFactory& sessions, const TransportOptions& options,
           SharedCounters counters, LogSink& log);

  /// Binds every address of the host; all to one port. Any thread, before `start`.
  [[nodiscard]] Status open(const Address& address);
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  void start(OnLink on_link);
  void stop();

 private:
  static constexpr std::chrono::milliseconds kPause{100};
  struct HalfOpen {
    std::shared_ptr<Handshake> handshake;
    std::string address;
    TimePoint since;
  };
  using HalfOpens = std::list<HalfOpen>;
  struct Door {
    tcp::acceptor acceptor;
    asio::steady_timer pause;
  };

  [[nodiscard]] Status open_one(const tcp::endpoint& endpoint, const Address& address);
  void accept(const std::shared_ptr<Door>& door);
  void on_accepted(const std::shared_ptr<Door>& door, const std::error_code& error, tcp::socket socket);
  void receive(tcp::socket socket);
  [[nodiscard]] bool make_room(const std::string& address, bool loopback);
  [[nodiscard]] bool evict(const std::string& address);
  [[nodiscard]] std::size_t count(const std::string& address) const;
  void drop(HalfOpens::iterator at);
  void on_shaken(HalfOpens::iterator at, Result<Link> link);
  void admit(Link link);
  void refuse(const std::string& address, const std::string& why);

  asio::any_io_executor executor_;
  SecureSessionFactory& sessions_;
  const TransportOptions options_;
  SharedCounters counters_;
  LogSink& log_;
  FailureLog failures_;
  OnLink on_link_;
  std::uint16_t port_ = 0;
  std::vector<std::shared_ptr<Door>> doors_;
  HalfOpens half_open_;
  std::map<std::string, std::size_t> per_address_;
  std::shared_ptr<std::atomic<std::size_t>> admitted_;
  bool stopped_ = false;
};

}  // namespace cloudp2p::asio_net
