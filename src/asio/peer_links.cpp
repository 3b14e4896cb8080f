#include "asio/peer_links.hpp"

#include "asio/boot_clock.hpp"

namespace cloudp2p::asio_net {

struct PeerLinks::Entry {
  enum class State : std::uint8_t { waiting, dialling, up };

  Entry(PeerAddress peer_address, Lane to_lane, const asio::any_io_executor& executor)
      : peer(std::move(peer_address)), lane(to_lane), timer(executor) {}

  PeerAddress peer;
  Lane lane;
  State state = State::waiting;
  AttemptId attempt{};
  ConnectionId connection = kNoConnection;
  TimePoint up_since;
  Duration delay{};  ///< Of the latest wait, before jitter; zero: none yet.
  asio::steady_timer timer;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

PeerLinks::PeerLinks(asio::any_io_executor executor, const TransportOptions& options, Entropy& entropy, Actions actions)
    : executor_(std::move(executor)), options_(options), entropy_(entropy), actions_(std::move(actions)) {}

PeerLinks::~PeerLinks() {
  for (const auto& [key, entry] : entries_)
    *entry->alive = false;
}

void PeerLinks::set(const std::vector<PeerAddress>& peers) {
  std::erase_if(entries_, [&](const auto& item) {
    const bool kept = std::find(peers.begin(), peers.end(), item.second->peer) != peers.end();
    if (!kept) drop(*item.second);
    return !kept;
  });
  for (const PeerAddress& peer : peers) {
    for (const Lane lane : {Lane::control, Lane::bulk}) {
      std::unique_ptr<Entry>& entry = entries_[{peer.id, lane}];
      if (entry) continue;
      entry = std::make_unique<Entry>(peer, lane, executor_);
      dial(*entry);
    }
  }
}

void PeerLinks::drop(Entry& entry) {
  *entry.alive = false;
  entry.timer.cancel();
  if (entry.state == Entry::State::dialling) actions_.cancel_dial(entry.attempt);
  if (entry.state == Entry::State::up) actions_.close(entry.connection);
}

void PeerLinks::hurry(NodeId peer) {
  for (const Lane lane : {Lane::control, Lane::bulk}) {
    const auto found = entries_.find({peer, lane});
    if (found != entries_.end() && found->second->state == Entry::State::waiting) dial(*found->second);
  }
}

void PeerLinks::dial(Entry& entry) {
  entry.timer.cancel();
  entry.state = Entry::State::dialling;
  entry.attempt = AttemptId{++last_attempt_};
  actions_.dial(entry.attempt, entry.peer, entry.lane);
}

void PeerLinks::retry_later(Entry& entry) {
  const Duration longest = entry.lane == Lane::control ? options_.control_retry_max : options_.bulk_retry_max;
  entry.state = Entry::State::waiting;
  entry.delay = entry.delay == Duration::zero() ? options_.retry_first : std::min(entry.delay * 2, longest);
  const auto half = static_cast<std::uint64_t>(entry.delay.count() / 2);
  const Duration wait(static_cast<std::int64_t>(half + entropy_.below(half + 1)));
  entry.timer.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(wait));
  entry.timer.async_wait([this, &entry, alive = entry.alive](const std::error_code& error) {
    if (!error && *alive && entry.state == Entry::State::waiting) dial(entry);
  });
}

PeerLinks::Entry* PeerLinks::find(AttemptId attempt) {
  for (const auto& [key, entry] : entries_) {
    if (entry->state == Entry::State::dialling && entry->attempt == attempt) return entry.get();
  }
  return nullptr;
}

bool PeerLinks::on_up(AttemptId attempt, ConnectionId connection) {
  Entry* const entry = find(attempt);
  if (entry == nullptr) return false;
  entry->state = Entry::State::up;
  entry->connection = connection;
  entry->up_since = boot_now();
  return true;
}

bool PeerLinks::on_failed(AttemptId attempt) {
  Entry* const entry = find(attempt);
  if (entry == nullptr) return false;
  retry_later(*entry);
  return true;
}

void PeerLinks::on_closed(ConnectionId connection) {
  for (const auto& [key, entry] : entries_) {
    if (entry->state != Entry::State::up || entry->connection != connection) continue;
    if (boot_now() - entry->up_since >= options_.settled_after) entry->delay = Duration::zero();
    return retry_later(*entry);
  }
}

}  // namespace cloudp2p::asio_net
