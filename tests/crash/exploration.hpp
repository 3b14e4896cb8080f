// Cuts the power after every call of every node, and judges what may be found then.
#pragma once

#include "crash/disk_model.hpp"
#include "crash/judge.hpp"
#include "crash/recording_file.hpp"

#include <optional>

namespace crash {

struct Plan {
  std::uint64_t seed = 1;
  unsigned random_states = 8;  ///< Of each cut that leaves something unsynced, beside `dropped` and `kept`.
  unsigned every = 1;          ///< Cuts after every n-th call only.
  BrokenDisk broken{};
  std::size_t faults_max = 20;  ///< Of one log; then it is left.
  std::string until{};          ///< The end of it all: a fault that says this. Empty: none is.
};

/// One state: enough to make it again from the same logs.
struct StateId {
  std::size_t log = 0;    ///< Its index.
  std::size_t calls = 0;  ///< Made before the power went.
  unsigned number = 0;    ///< 0: dropped, 1: kept, then random ones.
};
/// "2:133:5": the number of the log from 1, calls, number.
[[nodiscard]] std::string to_string(const StateId& id);
[[nodiscard]] std::optional<StateId> parse_state(const std::string& text);

struct Findings {
  std::size_t cuts = 0;
  std::size_t states = 0;  ///< Different ones.
  std::size_t starts = 0;  ///< A state is judged again when more was told.
  std::chrono::microseconds slowest{0};
  std::vector<std::pair<StateId, std::string>> faults;
  bool met = false;  ///< What `until` named.

  [[nodiscard]] std::string summary() const;
};

/// Two threads.
[[nodiscard]] Findings explore(const Recording& recording, const Plan& plan);

/// What a node does to its disk when it starts on this state, having told what it had; more cuts to explore.
[[nodiscard]] DiskLog record_start(const Recording& recording, const StateId& id, const Plan& plan);

/// This one state again.
[[nodiscard]] Verdict judge_one(const Recording& recording, const StateId& id, const Plan& plan);

}  // namespace crash
