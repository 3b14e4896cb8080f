// Several transfers at once: threads take the next item until there is none, or until `stopped` says so.
#pragma once

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace client {

template <class Stopped, class Work>
void run_jobs(std::size_t items, unsigned jobs, Stopped stopped, Work work) {
  std::atomic<std::size_t> next{0};
  const auto take = [&] {
    for (std::size_t i = next++; i < items && !stopped(); i = next++)
      work(i);
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min<std::size_t>(jobs, items); ++i)
    threads.emplace_back(take);
  take();
  for (std::thread& thread : threads)
    thread.join();
}

}  // namespace client
