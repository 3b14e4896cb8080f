// MembershipChange: brings the members to what the configuration lists, one voter at a time.
//
// The configuration is a proposal. The leader acts on its own when most of the members that there would be list the same
// ids, and changes one member when a majority of the new membership has every record and all bytes: for the moment of
// the change it admits nothing, so that this can be seen. Every node says when its configuration and the members differ.
#pragma once

#include "core/services.hpp"

namespace cloudp2p::core {

/// Of the ids that a configuration lists, or that are members; the order does not matter.
[[nodiscard]] std::uint64_t digest_of_ids(std::vector<NodeId> ids);

class MembershipChange {
 public:
  struct Actions {
    std::function<std::size_t()> in_flight;              ///< Uploads and deletes of clients, here.
    std::function<bool(const MemberChange&)> propose;    ///< To the election.
    std::function<void()> hand_over;                     ///< This leader is to be removed: another one has to do it.
  };
  MembershipChange(Services& services, Actions actions) : services_(services), actions_(std::move(actions)) {}

  void tick();
  /// The configuration was read again: what was tried in vain is tried anew.
  void on_config_changed();
  void on_stepped_down();
  /// What is being changed, or why it is not, or how this node's file differs; empty when there is nothing to say.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// Of the members, as `digest_of_ids` gives it; what a node reports of its file is compared with it.
  [[nodiscard]] std::uint64_t members_digest() const;

 private:
  struct Step {
    NodeId node = kNobody;
    bool add = false;
    std::vector<NodeId> after;  ///< The members, once it is done.
  };
  void lead();
  void follow();
  [[nodiscard]] std::optional<Step> next_step() const;
  [[nodiscard]] bool any_voter_of(const std::vector<NodeId>& ids) const;
  /// Why it can not be tried now; empty when it can.
  [[nodiscard]] std::string obstacle(const Step& step) const;
  [[nodiscard]] std::string file_obstacle(const Step& step) const;
  void attempt(const Step& step);
  [[nodiscard]] bool majority_complete(const Step& step) const;
  [[nodiscard]] bool complete(NodeId id) const;
  [[nodiscard]] const MemberReport* fresh_report(NodeId id) const;
  [[nodiscard]] bool nearly_complete(NodeId id) const;
  void release();
  /// `kind` names what is said; it is logged once, when it has been so for as long as this.
  void say(const std::string& kind, std::string text, Duration patience = {});

  Services& services_;
  const Actions actions_;
  std::optional<TimePoint> held_since_;
  TimePoint next_try_{};
  Duration pause_{};
  std::string text_;
  std::string kind_;
  TimePoint kind_since_{};
  bool logged_ = false;
};

}  // namespace cloudp2p::core
