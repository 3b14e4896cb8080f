// The names of the deliberate bugs (detail/sabotage.hpp), as docs/protocol.md lists them.
#pragma once

#include <cloudp2p/detail/sabotage.hpp>

#include <iterator>
#include <optional>
#include <string_view>

namespace support {

using cloudp2p::detail::Rule;

/// In the order of Rule.
inline constexpr const char* kRuleNames[] = {
    "none", "vote_is_durable", "one_vote_a_term", "majority_leads", "votes_count_by_incarnation",
    "newest_membership_counts", "pre_vote_comes_first", "leader_is_heard",
    "incarnation_is_durable", "terms_never_fall", "lost_majority_steps_down", "takeover_backs_off",
    "failed_hand_over_counts", "lost_leader_may_speak", "split_votes_part", "late_votes_count",
    "higher_id_waits_once", "admission_needs_takeover", "admission_in_two_steps",
    "one_change_at_a_time", "changes_are_committed", "copies_before_change", "outsiders_offer_in_vain",
    "newcomers_are_voted_for", "takeover_reads_majority", "takeover_writes_back", "hung_takeover_makes_way",
    "failing_catalog_makes_way", "failed_question_is_repeated", "failing_voters_are_passed_over", "passed_over_is_asked_again", "full_leader_tries_each",
    "stuck_takeover_makes_way", "lonely_leader_makes_way", "hanging_follower_says_so", "reports_grow_old", "lonely_asker_waits", "early_asker_waits", "watermark_is_read",
    "stamps_are_unique", "majority_acknowledges", "learners_do_not_count",
    "copies_count_by_incarnation", "digest_before_durable", "sync_before_acknowledgement",
    "duplicate_needs_majority", "bytes_before_acknowledgement", "superseded_leader_is_refused",
    "term_checked_after_sync", "credit_bounds_memory", "read_is_confirmed", "round_begins_after_read",
    "unstable_is_hidden", "reader_checks_digest", "hanging_holder_is_left",
    "delete_names_its_stamp", "delete_takes_effect_once",
    "delete_needs_majority", "delete_excludes_upload", "landing_keeps_its_file", "late_landings_leave", "bytes_outlive_tombstone",
    "tombstone_waits_for_all", "watermark_is_raised", "larger_stamp_wins", "strays_are_offered",
    "known_record_beats_stray", "damage_is_recorded", "start_knows_its_files", "damage_is_not_dated",
    "writer_is_fenced", "sides_merge_by_stamp", "stamps_outrank_those_met",
};
inline constexpr std::size_t kRules = std::size(kRuleNames) - 1;
static_assert(kRules == static_cast<std::size_t>(Rule::stamps_outrank_those_met));

[[nodiscard]] constexpr const char* name_of(Rule rule) {
  return kRuleNames[static_cast<std::size_t>(rule)];
}

[[nodiscard]] constexpr std::optional<Rule> rule_named(std::string_view name) {
  for (std::size_t rule = 1; rule < std::size(kRuleNames); ++rule) {
    if (kRuleNames[rule] == name) return static_cast<Rule>(rule);
  }
  return std::nullopt;
}

}  // namespace support
