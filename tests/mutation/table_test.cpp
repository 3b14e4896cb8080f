// The proof that the tests bite: every rule of the table is broken in turn, and must be noticed. The same lives without the
// broken rule are clean. CLOUDP2P_RULE=vote: only the rows whose name contains the word.
#include "mutation/scripts.hpp"
#include "support/rule_names.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <future>
#include <iomanip>
#include <sstream>

using namespace cloudp2p::testing;
using cloudp2p::Quorum;
using support::Rule;
using support::name_of;

namespace {

struct Row {
  Rule rule;
  const char* life;
  LifeOf live;
  std::uint64_t seeds;           ///< By then it is noticed.
  std::string_view expected = {};  ///< What the complaint begins with.
};

/// Only while no cluster lives, in no thread.
class Broken {
 public:
  explicit Broken(Rule rule) { cloudp2p::detail::broken_rule = rule; }
  ~Broken() { cloudp2p::detail::broken_rule = Rule::none; }
  Broken(const Broken&) = delete;
  Broken& operator=(const Broken&) = delete;
};

struct Finding {
  std::uint64_t seed = 0;
  Life life;
};

/// The first life with a complaint; two at a time.
std::optional<Finding> first_complaint(const LifeOf& live, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; seed += 2) {
    auto second = std::async(std::launch::async, [&] { return seed < seeds ? live(seed + 1) : Life{}; });
    Life first = live(seed);
    Life other = second.get();
    if (!first.complaint.empty()) return Finding{seed, std::move(first)};
    if (!other.complaint.empty()) return Finding{seed + 1, std::move(other)};
  }
  return std::nullopt;
}

/// As in docs/protocol.md.
std::string line(const Row& row, const Finding& found) {
  const std::string& complaint = found.life.complaint;
  std::ostringstream out;
  out << "| `" << name_of(row.rule) << "` | " << row.life << " | " << found.seed << " | " << std::fixed << std::setprecision(1)
      << std::chrono::duration<double>(found.life.lasted).count() << " s | "
      << complaint.substr(0, complaint.find(" violated")) << " |\n";
  return out.str();
}

std::vector<Row> table() {
  return {
      // Election.
      {Rule::vote_is_durable, "random, 3 nodes", random_life(3), 200, "I4"},
      {Rule::one_vote_a_term, "random, 3 nodes", random_life(3), 200},
      {Rule::majority_leads, "random, 3 nodes", random_life(3), 200},
      {Rule::votes_count_by_incarnation, "bound by a lost change",
       scripted(bound_by_a_lost_change()), 5},
      {Rule::newest_membership_counts, "grown without it", scripted(grown_without_it()), 5},
      {Rule::pre_vote_comes_first, "a deaf follower", scripted(deaf_follower()), 10},
      {Rule::leader_is_heard, "a deaf follower", scripted(deaf_follower()), 10},
      {Rule::incarnation_is_durable, "random, 3 nodes", random_life(3), 200, "I2"},
      {Rule::terms_never_fall, "random, 3 nodes", random_life(3), 200},
      {Rule::lost_majority_steps_down, "an isolated leader", scripted(isolated_leader()), 10},
      {Rule::takeover_backs_off, "a flapping leader", scripted(flapping_leader()), 2},
      {Rule::failed_hand_over_counts, "an unheard leader", scripted(unheard_leader()), 2},
      {Rule::lost_leader_may_speak, "a former leader stands", former_leader_stands(), 30},
      {Rule::split_votes_part, "paths cut for good", paths_cut_for_good(), 5000},
      {Rule::late_votes_count, "slow disks everywhere", scripted(slow_disks()), 5},
      {Rule::higher_id_waits_once, "paths cut for good", paths_cut_for_good(), 1000},
      // Members.
      {Rule::admission_needs_takeover, "equally empty", scripted(equally_empty()), 10},
      {Rule::admission_in_two_steps, "random, 3 nodes", random_life(3), 2000},
      {Rule::one_change_at_a_time, "two newcomers", scripted(two_newcomers()), 10},
      {Rule::changes_are_committed, "two changes at once", scripted(two_changes_at_once()), 20},
      {Rule::copies_before_change, "two newcomers", scripted(two_newcomers()), 10},
      {Rule::outsiders_offer_in_vain, "a removed node returns", scripted(removed_node_returns()), 5},
      {Rule::newcomers_are_voted_for, "a newcomer stands", scripted(newcomer_stands()), 10},
      // Takeover.
      {Rule::takeover_reads_majority, "random, 3 nodes", random_life(3), 200},
      {Rule::takeover_writes_back, "seen on a minority", scripted(seen_on_a_minority()), 30},
      {Rule::hung_takeover_makes_way, "a takeover's disk hangs", scripted(hung_takeover()), 3},
      {Rule::failing_catalog_makes_way, "a failing catalog", scripted(failing_catalog()), 3},
      {Rule::failed_question_is_repeated, "a bad page", scripted(bad_page()), 3},
      {Rule::failing_voters_are_passed_over, "a failing voter", scripted(failing_voter()), 10},
      {Rule::passed_over_is_asked_again, "a silent voter", scripted(silent_voter()), 5, "a takeover"},
      {Rule::full_leader_tries_each, "a full leader", scripted(full_leader()), 5},
      {Rule::stuck_takeover_makes_way, "a takeover that can not read a majority", scripted(stuck_takeover()), 1, "a leader that"},
      {Rule::lonely_leader_makes_way, "a leader that reaches too few", scripted(lonely_leader()), 1, "a leader that"},
      {Rule::hanging_follower_says_so, "a leader on whose followers a disk hangs", scripted(hanging_follower()), 1},
      {Rule::reports_grow_old, "a disk mended unseen", scripted(mended_unseen()), 1, "a leader believes"},
      {Rule::lonely_asker_waits, "a leader that reaches too few", scripted(lonely_leader()), 1, "who reaches"},
      {Rule::early_asker_waits, "who asks before all have reported", scripted(early_asker()), 1, "who reaches"},
      {Rule::watermark_is_read, "a backup meets a new leader", scripted(backup_meets_new_leader()), 5, "I18"},
      // Uploads.
      {Rule::stamps_are_unique, "random, 3 nodes", random_life(3), 200},
      {Rule::majority_acknowledges, "random, 3 nodes", random_life(3), 200},
      {Rule::learners_do_not_count, "a learner and a hanging disk",
       scripted(learner_and_hanging_disk()), 10},
      {Rule::copies_count_by_incarnation, "a copy that went with its disk", scripted(copy_that_went()), 10, "I5"},
      {Rule::digest_before_durable, "promised otherwise", scripted(promised_otherwise()), 5},
      {Rule::sync_before_acknowledgement, "random, 3 nodes", random_life(3), 200},
      {Rule::duplicate_needs_majority, "random, 3 nodes", random_life(3), 200},
      {Rule::bytes_before_acknowledgement, "random, 3 nodes", random_life(3), 2000},
      {Rule::superseded_leader_is_refused, "a late upload", scripted(late_upload()), 60},
      {Rule::term_checked_after_sync, "a sync across a vote", scripted(sync_across_a_vote()), 100},
      {Rule::credit_bounds_memory, "greedy clients", scripted(greedy_clients()), 3},
      // Reads.
      {Rule::read_is_confirmed, "a late read", scripted(late_read()), 30},
      {Rule::round_begins_after_read, "a late round", scripted(late_round()), 100},
      {Rule::unstable_is_hidden, "random, 3 nodes", random_life(3), 2000},
      {Rule::reader_checks_digest, "random, 3 nodes", random_life(3), 2000},
      {Rule::hanging_holder_is_left, "a hanging holder", scripted(hanging_holder()), 2},
      // Deletes.
      {Rule::delete_names_its_stamp, "a repeated delete", scripted(repeated_delete()), 10},
      {Rule::delete_takes_effect_once, "a repeated delete", scripted(repeated_delete()), 10},
      {Rule::delete_needs_majority, "random, 3 nodes", random_life(3), 200},
      {Rule::delete_excludes_upload, "random, 3 nodes", random_life(3), 2000},
      {Rule::landing_keeps_its_file, "stored again while it leaves",
       scripted(stored_again_while_it_leaves()), 20},
      {Rule::late_landings_leave, "many land late", scripted(many_land_late()), 20},
      {Rule::bytes_outlive_tombstone, "a tombstone that lost", scripted(tombstone_that_lost()), 20},
      {Rule::tombstone_waits_for_all, "random, 3 nodes", random_life(3), 200},
      {Rule::watermark_is_raised, "a backup returns", scripted(backup_returns()), 5},
      // Repair and scrub.
      {Rule::larger_stamp_wins, "random, 3 nodes", random_life(3), 200},
      {Rule::strays_are_offered, "random, 3 nodes", random_life(3), 2000},
      {Rule::known_record_beats_stray, "a failed delete returns",
       scripted(failed_delete_returns()), 10},
      {Rule::damage_is_recorded, "random, 3 nodes", random_life(3), 200},
      {Rule::start_knows_its_files, "a start in the dark", scripted(start_in_the_dark()), 1, "I13"},
      {Rule::damage_is_not_dated, "random, 3 nodes", random_life(3), 200},
      // One directory.
      {Rule::writer_is_fenced, "a broken lock", scripted(broken_lock()), 5},
      // Without a quorum.
      {Rule::sides_merge_by_stamp, "random, 2 nodes, none", random_life(2, Quorum::none), 2000},
      {Rule::stamps_outrank_those_met, "two led one term", scripted(two_led_one_term()), 5},
  };
}

}  // namespace

TEST_CASE("whatever rule is broken, it is noticed; and the same lives are clean while it is kept") {
  const char* const word = std::getenv("CLOUDP2P_RULE");
  std::string lines;
  CHECK(table().size() == support::kRules);
  for (const Row& row : table()) {
    if (word != nullptr && std::string_view(name_of(row.rule)).find(word) == std::string_view::npos) continue;
    CAPTURE(std::string(name_of(row.rule)));
    std::optional<Finding> found;
    {
      const Broken broken(row.rule);
      found = first_complaint(row.live, row.seeds);
    }
    CHECK_MESSAGE(found.has_value(), "nobody notices it in " << row.seeds << " lives");
    if (!found) continue;
    CHECK(found->life.complaint.rfind(row.expected, 0) == 0);
    lines += line(row, *found);
    const auto clean = first_complaint(row.live, found->seed);
    CHECK_MESSAGE(!clean, "seed " << clean->seed << " complains of a rule that is kept: " << clean->life.complaint);
  }
  MESSAGE("\n" << lines);
}
