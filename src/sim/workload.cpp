#include "sim/workload.hpp"

namespace cloudp2p::sim {
namespace {

using namespace std::chrono_literals;
using testing::SimCluster;

constexpr std::size_t kPendingMax = 40;

}  // namespace

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
