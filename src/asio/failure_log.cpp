#include "asio/failure_log.hpp"

namespace cloudp2p::asio_net {

void FailureLog::note(const std::string& address, std::string_view what, TimePoint now) {
  auto found = entries_.find(address);
  if (found == entries_.end() && entries_.size() >= kAddressesMax) {
    forget_old(now);
    // Still full: the nameless entry stands for all that have no room.
    if (entries_.size() >= kAddressesMax) found = entries_.try_emplace(std::string(), Entry{now - kQuiet, 0}).first;
  }
  if (found == entries_.end()) found = entries_.try_emplace(address, Entry{now - kQuiet, 0}).first;
  Entry& entry = found->second;
  if (now - entry.logged < kQuiet) {
    ++entry.unsaid;
    return;
  }
  std::string line = "connection from " + address + " dropped: " + std::string(what);
  if (entry.unsaid > 0) line += " (and " + std::to_string(entry.unsaid) + " more since the last such line)";
  entry = {now, 0};
  sink_.log_event(LogLevel::warning, "connection_dropped", line);
}

void FailureLog::forget_old(TimePoint now) {
  std::erase_if(entries_, [now](const auto& item) { return now - item.second.logged >= kQuiet; });
}

}  // namespace cloudp2p::asio_net
