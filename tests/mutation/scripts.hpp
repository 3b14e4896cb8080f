// Scripts that lead up to the moment at which one rule matters.
#pragma once

#include "mutation/life.hpp"

namespace cloudp2p::testing {

// scripts_election.cpp
[[nodiscard]] Script deaf_follower();         ///< A follower that misses its leader, and nobody else does.
[[nodiscard]] Script isolated_leader();
[[nodiscard]] Script flapping_leader();
[[nodiscard]] Script two_newcomers();         ///< Join three members, one of which is away.
[[nodiscard]] Script two_changes_at_once();   ///< The first of which does not get its majority.
[[nodiscard]] Script grown_without_it();      ///< A member comes back that knows of two others only.
[[nodiscard]] Script equally_empty();         ///< One lost its catalog, the leader has not read the others' yet.
[[nodiscard]] Script bound_by_a_lost_change();  ///< A node that lost its promises takes itself for a member again.
[[nodiscard]] Script unheard_leader();        ///< The highest node hears all, and is heard by one.
[[nodiscard]] Script slow_disks();            ///< A vote takes longer to be made durable than it is waited for.
[[nodiscard]] Script newcomer_stands();       ///< Among members that could not save that it is one.
[[nodiscard]] Script removed_node_returns();  ///< With an image of which one copy was made.

// scripts_takeover.cpp
[[nodiscard]] Script hung_takeover();
[[nodiscard]] Script failing_catalog();
[[nodiscard]] Script bad_page();              ///< All others of the new leader's catalog can be read.
[[nodiscard]] Script failing_voter();         ///< Its catalog can not be read, and it answers first.
[[nodiscard]] Script silent_voter();          ///< It is asked instead of one whose disk hung, and answers again.
[[nodiscard]] Script full_leader();           ///< The first of those that could take over gets its votes too late.
[[nodiscard]] Script stuck_takeover();        ///< Of those that elected it one can not be read; another node hears enough others.
[[nodiscard]] Script lonely_leader();         ///< A majority hears the leader, too few of them can store; another reaches enough.
[[nodiscard]] Script mended_unseen();         ///< A disk, while the leader does not hear its node: another one does, and reaches enough.
[[nodiscard]] Script early_asker();           ///< The same, and it asks for the lead before those that can not store have reported.
[[nodiscard]] Script hanging_follower();      ///< The same, and one of those that can not store hangs.

// election_stories.hpp
[[nodiscard]] LifeOf former_leader_stands();  ///< As does one below it, at any distance from it.
[[nodiscard]] LifeOf paths_cut_for_good();    ///< Drawn at random, and how far the nodes are apart.

// scripts_images.cpp
[[nodiscard]] Script late_upload();           ///< Reaches a leader that slept while another was elected.
[[nodiscard]] Script late_read();
[[nodiscard]] Script hanging_holder();        ///< It answers, and its disk hangs; the leader can not read its own copy.
[[nodiscard]] Script late_round();            ///< Two reads; the answers to the first one's round come last.
[[nodiscard]] Script sync_across_a_vote();
[[nodiscard]] Script seen_on_a_minority();    ///< What one reader saw the next one sees.
[[nodiscard]] Script learner_and_hanging_disk();
[[nodiscard]] Script copy_that_went();        ///< With its disk, while the leader's own disk hangs.
[[nodiscard]] Script promised_otherwise();    ///< By a client that names one image and sends another.
[[nodiscard]] Script start_in_the_dark();     ///< Its catalog can not be read, and one of its files is gone.
[[nodiscard]] Script broken_lock();           ///< Of the directory that all share.
[[nodiscard]] Script greedy_clients();

// scripts_deletes.cpp
[[nodiscard]] Script repeated_delete();       ///< Its answer is lost, and the image is stored again meanwhile.
[[nodiscard]] Script stored_again_while_it_leaves();
[[nodiscard]] Script many_land_late();        ///< After they were stored by another leader, and deleted.
[[nodiscard]] Script failed_delete_returns();
[[nodiscard]] Script tombstone_that_lost();   ///< On a node that has the last bytes of the image.
[[nodiscard]] Script backup_returns();        ///< With an image that was deleted and forgotten since.
[[nodiscard]] Script two_led_one_term();      ///< Without a quorum, and one of them deletes what the other stored.
[[nodiscard]] Script backup_meets_new_leader();  ///< Whose catalog can not be read when it begins to lead.

}  // namespace cloudp2p::testing
