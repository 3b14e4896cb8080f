// RecordedLog: the last log lines of a run, all members together, and a hash of every line.
#pragma once

#include "sim/scheduler.hpp"

#include <cloudp2p/log_sink.hpp>

#include <deque>
#include <string>

namespace cloudp2p::sim {

class RecordedLog final : public LogSink {
 public:
  RecordedLog(Scheduler& scheduler, std::size_t lines_max) : scheduler_(scheduler), lines_max_(lines_max) {}

  void log(LogLevel level, std::string_view line) override {
    (void)level;
    std::uint64_t hash = line.size();
    for (const char c : line)
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    scheduler_.mix(hash);
    add(line);
  }
  /// Of the simulator itself: faults, violations.
  void note(std::string_view line) { add(line); }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const Line& line : lines_) {
      const auto microseconds =
          std::chrono::duration_cast<std::chrono::microseconds>(line.at.time_since_epoch()).count();
      std::string time = std::to_string(microseconds);
      time.insert(0, time.size() < 7 ? 7 - time.size() : 0, '0');
      out += time.insert(time.size() - 6, ".") + " " + line.text + "\n";
    }
    return out;
  }

 private:
  struct Line {
    TimePoint at;
    std::string text;
  };
  void add(std::string_view line) {
    if (lines_max_ == 0) return;
    if (lines_.size() >= lines_max_) lines_.pop_front();
    lines_.push_back(Line{scheduler_.now(), std::string(line)});
  }

  Scheduler& scheduler_;
  const std::size_t lines_max_;
  std::deque<Line> lines_;
};

}  // namespace cloudp2p::sim
