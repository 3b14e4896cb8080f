#include "sim/chaos.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;
using testing::Crash;
using testing::Direction;
using testing::SimCluster;

constexpr std::size_t kPendingMax = 40;

}  // namespace

Chaos::Chaos(SimCluster& cluster, Random random) : cluster_(cluster), random_(random) {
  static constexpr void (Chaos::*kAll[])() = {&Chaos::cut_node,    &Chaos::cut_link,      &Chaos::partition,
                                              &Chaos::break_links, &Chaos::pause,         &Chaos::slow_disk,
                                              &Chaos::crash,       &Chaos::drain,         &Chaos::fill_disk,
                                              &Chaos::break_disk,  &Chaos::restart_client};
  for (const auto strike : kAll) {
    if (random_.percent(60)) continue;
    const Duration interval = random_.log_between(300ms, 6s);
    plagues_.push_back(Plague{strike, interval, 500ms + random_.between(Duration(0), interval)});
  }
  leaders_first_ = random_.percent(50);
}

Duration Chaos::next() const {
  Duration out = Duration::max();
  for (const Plague& plague : plagues_)
    out = std::min(out, plague.due);
  for (const Remedy& remedy : remedies_)
    out = std::min(out, remedy.due);
  return out;
}

void Chaos::act() {
  const Duration now = cluster_.now();
  for (std::size_t i = 0; i < remedies_.size();) {
    if (remedies_[i].due > now) {
      ++i;
      continue;
    }
    const std::function<void()> apply = std::move(remedies_[i].apply);
    remedies_.erase(remedies_.begin() + static_cast<std::ptrdiff_t>(i));
    apply();
  }
  for (Plague& plague : plagues_) {
    if (plague.due > now) continue;
    plague.due = now + random_.between(plague.interval / 2, plague.interval * 2);
    (this->*plague.strike)();
  }
}

void Chaos::end() {
  remedies_.clear();
  plagues_.clear();
  cluster_.heal();
  for (std::uint32_t i = 1; i <= cluster_.size(); ++i) {
    const NodeId node{i};
    cluster_.disk(node, SimCluster::Disk::kHealthy);
    cluster_.slow_disk(node, 1);
    cluster_.resume(node);
    // Who was asked to stop is about to; who saw his disk fail trusts it again only after a restart.
    if (restart_owed_[node] > 0) cluster_.crash(node);
    cluster_.restart(node);
  }
}

void Chaos::later(Duration least, Duration most, std::function<void()> remedy) {
  remedies_.push_back(Remedy{cluster_.now() + random_.log_between(least, most), std::move(remedy)});
}

NodeId Chaos::victim() {
  const NodeId leader = cluster_.leader();
  if (leader != kNobody && random_.percent(leaders_first_ ? 70 : 20)) return leader;
  return NodeId{static_cast<std::uint32_t>(1 + random_.below(cluster_.size()))};
}

Direction Chaos::direction() {
  return random_.percent(50) ? Direction::kBoth : random_.percent(50) ? Direction::kOutgoing : Direction::kIncoming;
}

std::size_t Chaos::standing() const {
  std::size_t out = 0;
  for (std::uint32_t i = 1; i <= cluster_.size(); ++i)
    out += cluster_.running(NodeId{i}) ? 1 : 0;
  return out;
}

void Chaos::cut_node() {
  cluster_.cut(victim(), direction());
  later(20ms, 4s, [this] { cluster_.heal(); });
}

void Chaos::cut_link() {
  const NodeId a = victim();
  const NodeId b{static_cast<std::uint32_t>(1 + random_.below(cluster_.size()))};
  if (a == b) return;
  cluster_.cut_link(a, b, direction());
  later(20ms, 5s, [this] { cluster_.heal(); });
}

void Chaos::partition() {
  const std::uint64_t sides = random_.next();
  for (std::uint32_t a = 1; a <= cluster_.size(); ++a) {
    for (std::uint32_t b = a + 1; b <= cluster_.size(); ++b) {
      if (((sides >> a) & 1) != ((sides >> b) & 1)) cluster_.cut_link(NodeId{a}, NodeId{b}, Direction::kBoth);
    }
  }
  later(100ms, 4s, [this] { cluster_.heal(); });
}

void Chaos::break_links() {
  const NodeId node = victim();
  for (std::uint32_t other = 1; other <= cluster_.size(); ++other) {
    if (NodeId{other} != node && random_.percent(60)) cluster_.break_links(node, NodeId{other});
  }
}

void Chaos::pause() {
  const NodeId node = victim();
  cluster_.pause(node);
  later(10ms, 4s, [this, node] { cluster_.resume(node); });
}

void Chaos::slow_disk() {
  const NodeId node = victim();
  cluster_.slow_disk(node, static_cast<unsigned>(1U << random_.between(3, 9)));
  later(50ms, 3s, [this, node] { cluster_.slow_disk(node, 1); });
}

void Chaos::restart(NodeId node) {
  cluster_.crash(node);
  --restart_owed_[node];
  cluster_.restart(node);
}

void Chaos::crash() {
  const NodeId node = victim();
  if (standing() <= 1 && random_.percent(80)) return;
  cluster_.crash(node, random_.percent(50) ? Crash::kKill : Crash::kPowerLoss);
  later(1ms, 5s, [this, node] { cluster_.restart(node); });
}

void Chaos::drain() {
  const NodeId node = victim();
  if (!cluster_.running(node) || cluster_.paused(node)) return;
  cluster_.drain(node, 500ms);
  ++restart_owed_[node];
  later(1s, 5s, [this, node] { restart(node); });
}

void Chaos::fill_disk() {
  const NodeId node = victim();
  cluster_.disk(node, SimCluster::Disk::kFull);
  later(100ms, 3s, [this, node] { cluster_.disk(node, SimCluster::Disk::kHealthy); });
}

void Chaos::break_disk() {
  const NodeId node = victim();
  cluster_.disk(node, SimCluster::Disk::kIo);
  ++restart_owed_[node];
  later(100ms, 3s, [this, node] {
    cluster_.disk(node, SimCluster::Disk::kHealthy);
    restart(node);
  });
}

void Chaos::restart_client() {
  cluster_.restart_client(random_.below(2));
}

Workload::Workload(SimCluster& cluster, Random random)
    : cluster_(cluster), random_(random), pause_(random_.log_between(20ms, 400ms)) {
  if (random_.percent(25)) large_percent_ = 5;
}

std::size_t Workload::client() {
  return random_.below(clients_);
}

std::size_t Workload::size() {
  if (random_.percent(large_percent_)) return random_.between(100'000, 700'000);
  return random_.between(200, random_.percent(50) ? 2'000 : 40'000);
}

template <class T>
void Workload::remember(testing::SimResult<T> result) {
  ++count_;
  pending_.push_back(Pending{[result] { return result.done(); }, [result] { return !result.ok(); }});
}

bool Workload::all_answered() {
  for (std::size_t i = 0; i < pending_.size();) {
    if (!pending_[i].done()) {
      ++i;
      continue;
    }
    failed_ += pending_[i].failed() ? 1 : 0;
    pending_[i] = std::move(pending_.back());
    pending_.pop_back();
  }
  return pending_.empty();
}

void Workload::act() {
  if (cluster_.now() < due_) return;
  due_ = cluster_.now() + random_.between(Duration(0), 2 * pause_);
  (void)all_answered();
  if (pending_.size() >= kPendingMax) return;
  const std::uint64_t what = random_.below(100);
  if (what < 45 || images_.empty()) return upload_new();
  if (what < 57) return upload_again();
  if (what < 65) return remove();
  read();
}

void Workload::upload_new() {
  images_.push_back(testing::make_image(random_.next(), size()));
  remember(cluster_.put(images_.back(), client()));
  // Sometimes two clients send the same content at the same time.
  if (random_.percent(15)) remember(cluster_.put(images_.back(), client()));
}

void Workload::upload_again() {
  remember(cluster_.put(random_.pick(images_), client()));
}

void Workload::remove() {
  const testing::SimImage& image = random_.pick(images_);
  remember(cluster_.remove(image.digest, client()));
  // Sometimes somebody stores it again at the same time, or deletes it too.
  if (random_.percent(30)) remember(cluster_.put(image, client()));
  if (random_.percent(15)) remember(cluster_.remove(image.digest, client()));
}

void Workload::read() {
  const testing::SimImage& image = random_.pick(images_);
  const std::uint64_t what = random_.below(3);
  if (what == 0) return remember(cluster_.list(client()));
  if (what == 1) return remember(cluster_.info(image.digest, client()));
  remember(cluster_.get(image.digest, client()));
}

}  // namespace cloudp2p::sim
