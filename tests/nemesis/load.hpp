// Load: clients that upload, upload again, get, info, list and rm, each in a thread of its own, until they are stopped.
//
// What they do is drawn from the seed; how far they come is not. A few images at a time are worked on by all of them
// and then left alone, so that no history gets long, and what is left alone has to stay as it is.
#pragma once

#include "nemesis/book.hpp"
#include "sim/random.hpp"

#include <condition_variable>
#include <thread>

namespace nemesis {

/// The sandbox is their machine: they need no namespace of their own.
class Load {
 public:
  struct Options {
    unsigned clients = 8;
    std::uint64_t seed = 1;
    std::string folder;  ///< For what they get; exists.
  };
  Load(const cloudp2p::Config& config, Book& book, Options options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Every call of this client that is under way is cancelled, as if somebody had pressed Ctrl-C.
  void cancel(std::uint64_t client) { hosts_[client % hosts_.size()]->cancel_all(); }
  void cancel_all();
  /// Some clients that have been quiet make a few calls each: what they believe of the cluster is old.
  void wake_witnesses();
  /// Begins no more calls, and lets those that are under way end; false when they have not within `bound`.
  [[nodiscard]] bool drain(std::chrono::milliseconds bound);
  /// The node that last acknowledged an upload; 0 none yet.
  [[nodiscard]] unsigned last_leader() const { return last_leader_; }

 private:
  struct Slot {
    Image image;
    unsigned calls_left = 0;
  };
  void run(unsigned client, cloudp2p::sim::Random random);
  void bear_witness(unsigned client, cloudp2p::sim::Random random);
  void one_call(unsigned client, cloudp2p::sim::Random& random);
  [[nodiscard]] Image draw_image(cloudp2p::sim::Random& random);
  void put(unsigned client, const Image& image);
  void get(unsigned client, const Image& image);
  bool pause(std::chrono::milliseconds at_most);  ///< False when it is time to stop.

  Book& book_;
  const Options options_;
  std::vector<std::unique_ptr<cloudp2p::ClientHost>> hosts_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  unsigned working_ = 0;  ///< Threads.
  std::uint64_t woken_ = 0;  ///< How often the witnesses were.
  std::vector<Slot> slots_;
  std::atomic<unsigned> last_leader_{0};
  std::vector<std::thread> threads_;
};

/// A client that says nothing.
[[nodiscard]] std::unique_ptr<cloudp2p::ClientHost> open_client(const cloudp2p::Config& config);

}  // namespace nemesis
