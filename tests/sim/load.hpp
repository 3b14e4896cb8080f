// Clients at work: uploads, reads and lists in a steady stream, none of which may fail.
#pragma once

#include "sim/cluster_fixture.hpp"

namespace cloudp2p::testing {

class Load {
 public:
  explicit Load(SimCluster& sim) : sim_(sim) {}

  /// Time passes, and clients ask for something every 20 ms.
  void run_for(Duration duration) {
    const Duration until = sim_.now() + duration;
    while (sim_.now() < until) {
      ask();
      sim_.run_for(std::chrono::milliseconds(20));
    }
  }
  bool run_until(const std::function<bool()>& holds, Duration bound) {
    const Duration until = sim_.now() + bound;
    while (!holds() && sim_.now() < until) run_for(std::chrono::milliseconds(20));
    return holds();
  }
  /// Every operation is answered, and none failed.
  void require_no_failure() {
    CHECK(sim_.run_until([&] { return all([](const auto& result) { return result.done(); }); }, std::chrono::seconds(20)));
    std::string first;
    const auto note = [&](const auto& result) {
      if (!result.ok() && first.empty()) first = result.done() ? result.value().error().text() : "no answer";
      return result.ok();
    };
    CHECK_MESSAGE(all(note), first << "\n" << sim_.report());
  }
  [[nodiscard]] std::size_t count() const { return puts_.size() + infos_.size() + lists_.size(); }

 private:
  void ask() {
    const std::size_t client = ++asked_ % 2;
    const SimImage image = make_image(1'000'000 + asked_, 200 + 700 * (asked_ % 13));
    puts_.push_back(sim_.put(image, client));
    if (asked_ % 3 == 0 && puts_.size() > 60) infos_.push_back(sim_.info(digests_[digests_.size() - 60], client));
    if (asked_ % 7 == 0) lists_.push_back(sim_.list(client));
    digests_.push_back(image.digest);
  }
  template <class Holds>
  [[nodiscard]] bool all(Holds holds) const {
    return std::all_of(puts_.begin(), puts_.end(), holds) && std::all_of(infos_.begin(), infos_.end(), holds) &&
           std::all_of(lists_.begin(), lists_.end(), holds);
  }

  SimCluster& sim_;
  std::uint64_t asked_ = 0;
  std::vector<Digest> digests_;
  std::vector<SimResult<UploadOutcome>> puts_;
  std::vector<SimResult<ImageInfo>> infos_;
  std::vector<SimResult<ListPage>> lists_;
};

}  // namespace cloudp2p::testing
