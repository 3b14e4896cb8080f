// ElectionDriver: carries out what the election decides, in its order: persist, then send, then role.
#pragma once

#include "core/services.hpp"

#include <deque>

namespace cloudp2p::core {

class ElectionDriver {
 public:
  /// `act` gets every action but PersistState.
  ElectionDriver(Services& services, std::unique_ptr<Election> election, std::function<void(const ElectionAction&)> act);
  ~ElectionDriver();

  /// Feeds the election, then carries out what came of it. Must not be called from within `act`'s effects on the
  /// election itself; nested calls are queued behind the running one.
  template <class Input>
  void feed(Input input) {
    input(*election_, services_.now());
    collect();
  }
  [[nodiscard]] Election& election() { return *election_; }
  /// Term and vote can not be saved any more, until a restart.
  void state_failed();
  [[nodiscard]] bool has_state_failed() const { return state_failed_; }

 private:
  void collect();
  void carry_out();
  void shorten();
  void saved(const Status& status);
  void arm();

  Services& services_;
  std::unique_ptr<Election> election_;
  std::function<void(const ElectionAction&)> act_;
  std::deque<ElectionAction> queue_;
  bool saving_ = false;
  bool running_ = false;
  bool state_failed_ = false;
  TimerId timer_ = kNoTimer;
  TimePoint armed_for_{};
};

}  // namespace cloudp2p::core
