// Verifier: re-reads stored images and compares them with their digests, slowly and behind everything else.
//
// Purpose:   one image at a time, a block at a time, at a bounded rate, as idle work of the pool.
// Thread:    `verify` from any thread; callbacks through the given reply function.
// Shutdown:  once `stopping` is set, everything waiting is answered cancelled by the pool's last round.
#pragma once

#include "store/partial_file.hpp"
#include "store/work_pool.hpp"

#include <cloudp2p/buffer.hpp>
#include <cloudp2p/timers.hpp>

#include <atomic>

namespace cloudp2p::store {

class Verifier {
 public:
  struct Job {
    Digest digest;
    std::string file_name;
    Callback<void(Status)> done;
  };
  struct Options {
    std::uint64_t bytes_per_second_max = 128 * 1024 * 1024;
  };

  Verifier(Executor& executor, WorkPool& pool, BufferPool& buffers, const StoreContext& context,
           const std::atomic<bool>& stopping, Options options);

  void verify(Job job);

 private:
  struct Active {
    Job job;
    Fd file;
    std::unique_ptr<Hasher> hasher;
    std::uint64_t offset = 0;
  };
  void schedule(std::size_t bytes_just_read);
  void step();
  /// Nothing while there is more to read.
  [[nodiscard]] std::optional<Status> advance(std::size_t& bytes_read);
  [[nodiscard]] Status open_active();

  Executor& executor_;
  WorkPool& pool_;
  BufferPool& buffers_;
  StoreContext context_;
  const std::atomic<bool>& stopping_;
  const Options options_;
  std::mutex mutex_;
  std::deque<Job> waiting_;
  bool scheduled_ = false;
  std::optional<Active> active_;  ///< Touched only by the one scheduled step.
};

}  // namespace cloudp2p::store
