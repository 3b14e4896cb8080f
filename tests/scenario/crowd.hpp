// Clients under which things happen to a cluster.
#pragma once

#include "scenario/cluster.hpp"
#include "support/silent_log.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <mutex>
#include <random>
#include <thread>

namespace scenario {

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
  [[nodiscard]] std::vector<cloudp2p::Digest> acknowledged() {
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

  support::SilentLog log_;
  std::vector<std::unique_ptr<cloudp2p::ClientHost>> hosts_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<cloudp2p::Digest> acknowledged_;
  std::vector<std::string> failures_;
  std::vector<std::thread> threads_;
};

}  // namespace scenario
