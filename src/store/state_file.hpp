// StateFile: the StateStore of a real node: `.cloudp2p/state`, two slots written in turn.
//
// Purpose:   implements cloudp2p/state_store.hpp. The file has its full size and real blocks from the start, so that a
//            save is one write in place and one sync of data, without a commit of the file system's journal.
// Thread:    `load` by the owner before the node starts; `save` from the node's thread; a thread of its own writes.
// Ownership: executor and directory outlive it. Destruction finishes the save under way, answers the rest with
// cancelled. Durability: saves that wait while another one is written are covered by one write of the newest of them.
// Errors:    after the first failed write or sync every later save fails too: a device that failed once is not asked
//            again, the node must stop voting.
#pragma once

#include "store/state_codec.hpp"
#include "store/store_directory.hpp"

#include <cloudp2p/timers.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace cloudp2p::store {

class StateFile final : public StateStore {
 public:
  StateFile(Executor& executor, StoreDirectory& directory);
  ~StateFile() override;

  [[nodiscard]] Result<std::optional<DurableState>> load() override;
  void save(const DurableState& state, Callback<void(Status)> done) override;

 private:
  struct Waiting {
    DurableState state;
    Callback<void(Status)> done;
  };
  [[nodiscard]] Status open_file();
  [[nodiscard]] Status create_file();
  [[nodiscard]] Status write(const DurableState& state);
  void run();
  void answer(std::vector<Waiting> group, const Status& status);

  Executor& executor_;
  StoreDirectory& directory_;
  Fd file_;
  std::uint64_t generation_ = 0;
  std::size_t next_slot_ = 0;
  std::size_t damaged_ = 0;  ///< Slots that are to be written over before a save is done.
  Status broken_;  ///< Touched only by the thread once it runs.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Waiting> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace cloudp2p::store
