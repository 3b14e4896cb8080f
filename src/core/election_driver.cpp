#include "core/election_driver.hpp"

namespace cloudp2p::core {

ElectionDriver::ElectionDriver(Services& services, std::unique_ptr<Election> election,
                               std::function<void(const ElectionAction&)> act)
    : services_(services), election_(std::move(election)), act_(std::move(act)) {
  services_.election = election_.get();
}

ElectionDriver::~ElectionDriver() {
  if (timer_ != kNoTimer) services_.ports.timers->cancel(timer_);
}

void ElectionDriver::collect() {
  for (ElectionAction& action : election_->take_actions()) queue_.push_back(std::move(action));
  carry_out();
  shorten();
  arm();
}

void ElectionDriver::carry_out() {
  if (running_) return;
  running_ = true;
  while (!queue_.empty() && !saving_) {
    const ElectionAction action = std::move(queue_.front());
    queue_.pop_front();
    if (const auto* persist = std::get_if<PersistState>(&action)) {
      saving_ = true;
      services_.ports.state->save(persist->state, services_.guard([this](const Status& status) { saved(status); }));
    } else {
      act_(action);
    }
  }
  running_ = false;
}

/// While the disk hangs, what was to be said behind a save grows old. A message may always be lost, and of reports and rounds
/// the last ones count.
void ElectionDriver::shorten() {
  constexpr std::size_t kQueueMax = 1'000;
  while (queue_.size() > kQueueMax) {
    const auto oldest = std::find_if(queue_.begin(), queue_.end(), [](const ElectionAction& action) {
      return std::holds_alternative<SendMessage>(action) || std::holds_alternative<MemberReported>(action) ||
             std::holds_alternative<RoundConfirmed>(action);
    });
    if (oldest == queue_.end()) return;
    queue_.erase(oldest);
  }
}

void ElectionDriver::saved(const Status& status) {
  saving_ = false;
  if (status.ok()) return carry_out();
  services_.log(LogLevel::error, "state_write_failed", "cannot save term and vote: " + status.error().text() + "; this node stops voting: mend the disk and restart it");
  queue_.clear();
  state_failed();
}

void ElectionDriver::state_failed() {
  state_failed_ = true;
  feed([](Election& election, TimePoint now) { election.on_store_fault(now); });
}

void ElectionDriver::arm() {
  const TimePoint deadline = election_->next_deadline();
  if (timer_ != kNoTimer && deadline == armed_for_) return;
  if (timer_ != kNoTimer) services_.ports.timers->cancel(timer_);
  timer_ = kNoTimer;
  if (deadline == TimePoint::max()) return;
  armed_for_ = deadline;
  timer_ = services_.ports.timers->at(deadline, services_.guard([this] {
    timer_ = kNoTimer;
    feed([](Election& election, TimePoint now) { election.on_deadline(now); });
  }));
}

}  // namespace cloudp2p::core
