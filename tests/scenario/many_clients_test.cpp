// Sixteen clients, twenty leaders killed under them.
#include "scenario/cluster.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <atomic>
#include <cmath>
#include <mutex>
#include <random>
#include <set>
#include <thread>

using namespace scenario;
using cloudp2p::Digest;
using cloudp2p::kNobody;
using cloudp2p::NodeId;

namespace {

/// Clients that send new images, 10 KB to 2 MB and mostly small, until told to stop.
class Crowd {
 public:
  Crowd(Cluster& cluster, unsigned size) {
    for (unsigned i = 0; i < size; ++i) {
      auto opened = cloudp2p::ClientHost::open(cluster.client_config(), log_);
      REQUIRE(opened.ok());
      hosts_.push_back(std::move(*opened));
    }
    for (unsigned i = 0; i < size; ++i) threads_.emplace_back([this, i] { send(i); });
  }
  ~Crowd() { stop(); }

  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  [[nodiscard]] std::vector<Digest> acknowledged() {
    const std::lock_guard lock(mutex_);
    return acknowledged_;
  }
  [[nodiscard]] std::size_t count() {
    const std::lock_guard lock(mutex_);
    return acknowledged_.size();
  }
  [[nodiscard]] std::vector<std::string> failures() {
    const std::lock_guard lock(mutex_);
    return failures_;
  }

 private:
  class Silent final : public cloudp2p::LogSink {
    void log(cloudp2p::LogLevel, std::string_view) override {}
  };

  void send(unsigned self) {
    std::mt19937 random(self);
    while (!stopping_) {
      const double share = static_cast<double>(random() % 1'000) / 1'000;
      const auto size = static_cast<std::size_t>(10'000 * std::pow(200, share * share * share));
      const std::string bytes = picture(size, static_cast<unsigned>(random()));
      const auto outcome = hosts_[self]->upload(source_of("client" + std::to_string(self) + ".jpg", bytes));
      const std::lock_guard lock(mutex_);
      if (outcome.ok()) {
        acknowledged_.push_back(outcome->digest);
      } else {
        failures_.push_back(outcome.error().text());
      }
    }
  }

  Silent log_;
  std::vector<std::unique_ptr<cloudp2p::ClientHost>> hosts_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<Digest> acknowledged_;
  std::vector<std::string> failures_;
  std::vector<std::thread> threads_;
};

/// How many nodes hold the whole image with this content: its file is there under its name and its bytes match.
std::map<Digest, unsigned> copies_on_disk(const Cluster& cluster) {
  std::map<Digest, unsigned> out;
  for (const NodeId id : cluster.ids()) {
    std::set<Digest> held;
    for (const std::string& name : cluster.files_of(id))
      held.insert(digest_of(support::read_file(cluster.images_of(id) + "/" + name)));
    for (const Digest& digest : held) ++out[digest];
  }
  return out;
}

}  // namespace

TEST_CASE("16 clients, 20 leader kills: no failure, every acknowledged image on a majority, then on all nodes") {
  Cluster cluster({.settings = R"("election":{"takeover_delay_ms":1000})"});
  Crowd crowd(cluster, 16);
  for (int kills = 0; kills < 20; ++kills) {
    const std::size_t before = crowd.count();
    REQUIRE(eventually([&] { return crowd.count() >= before + 40; }));
    const NodeId leader = cluster.wait_for_leader();
    REQUIRE(leader != kNobody);
    cluster.kill(leader);
    REQUIRE(cluster.wait_for_leader(leader) != kNobody);
    cluster.start(leader);
  }
  crowd.stop();
  const std::vector<Digest> acknowledged = crowd.acknowledged();
  for (const std::string& failure : crowd.failures()) MESSAGE("client failed: " << failure);
  CHECK(crowd.failures().empty());

  for (const NodeId id : cluster.ids()) cluster.signal(id, SIGSTOP);  // Nothing moves while we count.
  std::map<Digest, unsigned> copies = copies_on_disk(cluster);
  std::size_t below_majority = 0;
  for (const Digest& digest : acknowledged) below_majority += copies[digest] < 2 ? 1 : 0;
  CHECK(below_majority == 0);
  for (const NodeId id : cluster.ids()) cluster.signal(id, SIGCONT);
  REQUIRE(cluster.wait_for_leader() != kNobody);
  REQUIRE(cluster.wait_until_complete(acknowledged.size()));
  CHECK(cluster.everywhere(acknowledged));
  MESSAGE(acknowledged.size() << " images acknowledged through 20 kills");
}
