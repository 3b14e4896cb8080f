#include "steady_client.hpp"

namespace bench {

SteadyClient::SteadyClient(Cluster& cluster, Habit habit)
    : habit_(habit), host_(cluster.connect()), images_(habit.image_bytes), thread_([this] { run(); }) {}

SteadyClient::~SteadyClient() {
  stop_ = true;
  host_->cancel_all();
  thread_.join();
}

SteadyClient::Successes SteadyClient::successes() {
  const std::lock_guard lock(mutex_);
  return seen_;
}

std::vector<double> SteadyClient::take_latencies_ms() {
  const std::lock_guard lock(mutex_);
  return std::exchange(seen_.latencies_ms, {});
}

void SteadyClient::run() {
  Instant last = Clock::now();
  while (!stop_) {
    const auto image = images_.next();
    const Instant begun = Clock::now();
    note(host_->upload(image), begun, last);
    std::this_thread::sleep_for(habit_.pause);
  }
}

void SteadyClient::note(const cloudp2p::Result<cloudp2p::UploadOutcome>& outcome, Instant begun, Instant& last) {
  const Instant now = Clock::now();
  const std::lock_guard lock(mutex_);
  if (!outcome) {
    ++seen_.failures;
    return;
  }
  seen_.latencies_ms.push_back(Seconds(now - begun).count() * 1000);
  if (outcome->leader != seen_.leader) {
    seen_.gap_ms = Seconds(now - last).count() * 1000;
    seen_.leader = outcome->leader;
    seen_.by_leader = 0;
  }
  ++seen_.by_leader;
  last = now;
}

}  // namespace bench
