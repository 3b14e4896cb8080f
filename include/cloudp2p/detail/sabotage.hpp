// Sabotage: deliberate bugs, one rule of docs/protocol.md each, for the tests that prove that the tests bite.
//
// Purpose: where a rule is kept, the code asks whether it is sabotaged. The answer is the constant false, and no broken
//          path is compiled, unless everything is built with the CMake option CLOUDP2P_SABOTAGE: the presets for
//          development do so, the preset for release does not. Whoever links a library that was built so compiles with
//          the same definition.
// Thread:  `broken_rule` is one variable for the whole process: change it only while no node and no client lives in it.
// Limits:  one rule is broken at a time.
#pragma once

#include <cstdint>

namespace cloudp2p::detail {

/// Each with what is done instead.
enum class Rule : std::uint8_t {
  none,
  // Election.
  vote_is_durable,               ///< The term is saved, the vote is not.
  one_vote_a_term,               ///< Whoever asks gets one.
  majority_leads,                ///< One vote less suffices.
  votes_count_by_incarnation,    ///< A vote counts by the id of its sender.
  newest_membership_counts,      ///< A candidate counts by the membership that it has, whatever its voters report.
  pre_vote_comes_first,          ///< Who misses the leader stands at once.
  leader_is_heard,               ///< Whoever asks is voted for, although the leader is there.
  incarnation_is_durable,        ///< A new node says who it is before its state is saved.
  terms_never_fall,              ///< A leader of an older term is followed.
  lost_majority_steps_down,      ///< A leader that nobody answers goes on.
  takeover_backs_off,            ///< The highest id asks for the lead as soon as it may, however often it lost it.
  failed_hand_over_counts,       ///< However often it was handed the lead and did not get it.
  lost_leader_may_speak,         ///< Who was lost as a leader is waited for no more, though it stands itself.
  split_votes_part,              ///< Candidates that split a vote try again in step.
  late_votes_count,              ///< Votes that come when the candidate pauses already are forgotten.
  higher_id_waits_once,          ///< Whoever is lower leaves it to a higher one, however often that one does not get it.
  // Members.
  admission_needs_takeover,      ///< A node is bound again by a leader that has not read what was acknowledged.
  admission_in_two_steps,        ///< The old incarnation is replaced by the new one in one change.
  one_change_at_a_time,          ///< Two newcomers become members at once.
  changes_are_committed,         ///< The next change does not wait for the one before it.
  copies_before_change,          ///< Members change although too few of the new ones have everything.
  outsiders_offer_in_vain,       ///< What a removed node holds alone is taken in.
  newcomers_are_voted_for,       ///< Not by a member that could not save that they are members.
  // Takeover.
  takeover_reads_majority,       ///< A new leader serves with what it holds.
  takeover_writes_back,          ///< What was found on a minority stays there.
  hung_takeover_makes_way,       ///< A leader whose disk hangs is given up only once it served.
  failing_catalog_makes_way,     ///< A leader whose catalog can not be read is not given up.
  failed_question_is_repeated,   ///< Whatever else it answers clears it of an error.
  failing_voters_are_passed_over,  ///< Whoever answers with an error is asked again and again.
  passed_over_is_asked_again,    ///< Whoever is asked instead is waited for, however silent.
  full_leader_tries_each,        ///< It hands over to the same one again and again.
  stuck_takeover_makes_way,      ///< Not before it serves.
  lonely_leader_makes_way,       ///< A leader stays, though too few of those that it reaches have room.
  hanging_follower_says_so,      ///< It acknowledges heartbeats as if nothing were.
  reports_grow_old,              ///< What a node said last is believed, however long ago.
  lonely_asker_waits,            ///< Whoever asks to lead is handed the lead, whomever it reaches.
  early_asker_waits,             ///< The same, for as long as not all have reported.
  watermark_is_read,             ///< A takeover is done, whether the catalog could tell what was forgotten or not.
  // Uploads.
  stamps_are_unique,             ///< The sequence stands still.
  majority_acknowledges,         ///< One copy less suffices.
  learners_do_not_count,         ///< A copy counts by the id of its node.
  copies_count_by_incarnation,   ///< An acknowledgement counts, whatever disk its node has by now.
  digest_before_durable,         ///< Whatever arrived is kept under the digest that was promised.
  sync_before_acknowledgement,   ///< A node says "durable" when it has the bytes.
  duplicate_needs_majority,      ///< Content that is here is acknowledged without asking anybody.
  bytes_before_acknowledgement,  ///< A follower acknowledges the record of bytes that it lacks.
  superseded_leader_is_refused,  ///< Followers take what a leader of an older term sends.
  term_checked_after_sync,       ///< And acknowledge under it what they had begun before they promised another.
  credit_bounds_memory,          ///< A client may send all it has.
  // Reads.
  read_is_confirmed,             ///< List and info are answered without a round.
  round_begins_after_read,       ///< A round that is under way confirms them too.
  unstable_is_hidden,            ///< What only the leader has is listed.
  reader_checks_digest,          ///< A client takes bytes as they come.
  hanging_holder_is_left,        ///< And waits for them where nothing comes.
  // Deletes.
  delete_names_its_stamp,        ///< A delete takes what there is.
  delete_takes_effect_once,      ///< A client deletes again what was stored after its delete was lost.
  delete_needs_majority,         ///< It is acknowledged when it is sent.
  delete_excludes_upload,        ///< Of the same content, at the same time.
  landing_keeps_its_file,        ///< The file goes although the same content is being committed.
  late_landings_leave,           ///< Of deleted images' files that land late, more than are remembered stay.
  bytes_outlive_tombstone,       ///< The file goes with a tombstone that is not known to be final.
  tombstone_waits_for_all,       ///< It is forgotten although a member lacks it.
  watermark_is_raised,           ///< Tombstones are forgotten without it.
  // Repair and scrub.
  larger_stamp_wins,             ///< The record that comes last does.
  strays_are_offered,            ///< What a follower holds alone it keeps to itself.
  known_record_beats_stray,      ///< A leader takes the stray, whatever it knows.
  damage_is_recorded,            ///< A bad copy goes to the quarantine and is still said to be here.
  start_knows_its_files,         ///< A node that can not read what it has takes part.
  damage_is_not_dated,           ///< Whatever a verification finds, the copy counts as verified.
  // One directory.
  writer_is_fenced,              ///< Whoever took it goes on writing, although another has it by now.
  // Without a quorum.
  sides_merge_by_stamp,          ///< What another side took in is a stray, and what the leader knows wins.
  stamps_outrank_those_met,      ///< A leader goes on stamping below what another stamped in its term.
};

#ifdef CLOUDP2P_SABOTAGE
inline Rule broken_rule = Rule::none;
[[nodiscard]] inline bool sabotaged(Rule rule) noexcept {
  return rule == broken_rule;
}
#else
[[nodiscard]] constexpr bool sabotaged(Rule) noexcept {
  return false;
}
#endif

}  // namespace cloudp2p::detail
