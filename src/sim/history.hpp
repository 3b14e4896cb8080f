// History: what clients did with one image and were told, judged as it happens: is there an order of the calls, each at
// some instant between its begin and its end, that explains every answer?
//
// Method: the search of Wing and Gong (1993) in the just-in-time form of Lowe (2017): the worlds that are possible are
// kept, and a call takes effect in one of them only when an answer needs it. The image is a register, present or absent;
// a read is right if the register had that value at some instant while the read was under way.
// Calls that were never answered may take effect at any later time. An upload may take effect more than once until it is
// answered: the client repeats it, and somebody may delete the image in between. A delete takes effect once at most.
#pragma once

#include <cloudp2p/types.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace cloudp2p::sim {

class History {
 public:
  enum class Act : std::uint8_t { put, remove, read };
  using Call = std::uint64_t;

  [[nodiscard]] Call begins(Act act, TimePoint now);
  // Each ends a call. False: no order explains this answer.
  [[nodiscard]] bool put_succeeded(Call call, TimePoint now);
  [[nodiscard]] bool removed(Call call, TimePoint now);
  [[nodiscard]] bool found(Call call, bool present, TimePoint now);
  /// It failed, or nobody waits for it any more: it may have happened, or happen yet.
  void lost(Call call, TimePoint now);

  /// Every call so far with its begin, its end and its answer, a line each; for people.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool has_removes() const noexcept { return has_removes_; }

 private:
  /// One way in which all could have gone so far.
  struct World {
    bool present = false;
    unsigned lost_removes = 0;  ///< Lost ones that have not taken effect, and may.
    std::map<Call, std::uint8_t> pending;  ///< What each pending call has lived through: flags of history.cpp.
    void become(bool present_now);
    friend auto operator<=>(const World&, const World&) = default;
  };
  /// Every world that can follow from these without an answer.
  [[nodiscard]] std::set<World> reachable() const;
  template <class Fits>
  bool keep(Call call, Fits fits);
  void ended(Call call, const char* answer, TimePoint now);

  struct Line {
    Act act = Act::read;
    TimePoint begun;
    TimePoint ended;
    const char* answer = nullptr;
  };

  std::set<World> worlds_{World{}};
  std::vector<Line> lines_;  ///< By call.
  bool lost_put_ = false;
  bool has_removes_ = false;
};

}  // namespace cloudp2p::sim
