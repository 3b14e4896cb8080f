// FailureLog: a line for what strangers do, at most one per remote address and minute.
//
// Thread:    one thread. Limits: remembers kAddressesMax addresses; beyond that one line a minute for all others.
#pragma once

#include <cloudp2p/log_sink.hpp>
#include <cloudp2p/types.hpp>

#include <map>

namespace cloudp2p::asio_net {

class FailureLog {
 public:
  static constexpr std::size_t kAddressesMax = 256;
  static constexpr std::chrono::seconds kQuiet{60};

  explicit FailureLog(LogSink& sink) : sink_(sink) {}
  void note(const std::string& address, std::string_view what, TimePoint now);

 private:
  struct Entry {
    TimePoint logged;
    std::uint64_t unsaid = 0;
  };
  void forget_old(TimePoint now);

  LogSink& sink_;
  std::map<std::string, Entry> entries_;
};

}  // namespace cloudp2p::asio_net
