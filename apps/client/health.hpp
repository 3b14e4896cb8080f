// Is the cluster well? What `status` and `members` say of it, and what a check goes by.
#pragma once

#include "output.hpp"

#include <cloudp2p/client.hpp>

namespace client {

extern const char* const kNoQuorumRule;

/// How many copies each image should have.
[[nodiscard]] std::size_t copies_wanted(const cloudp2p::ClusterView& view);
[[nodiscard]] const char* role_of(const cloudp2p::ClusterView& view, const cloudp2p::MemberView& member);
[[nodiscard]] const char* health_of(const cloudp2p::MemberView& member);

/// `unknown`: the cluster could not be asked, for a reason that is the asker's, such as a wrong key.
enum class Condition { ok, degraded, down, unknown };
[[nodiscard]] const char* name_of(Condition condition);

/// All that keeps a cluster from being as safe as it should be: one sentence each.
struct Verdict {
  Condition condition = Condition::ok;
  std::vector<std::string> problems;
};
/// "46 s"
[[nodiscard]] std::string seconds_of(std::chrono::milliseconds time);
/// The leader, which answered, does not serve yet.
[[nodiscard]] bool waits(const cloudp2p::ClusterView& view);
[[nodiscard]] Verdict verdict_on(const cloudp2p::ClusterView& view);
/// When there is no view of it.
[[nodiscard]] Verdict verdict_on(const cloudp2p::Error& error);
/// How many copies are missing of the images that the leader had when there were `images_before`. What has been stored
/// since counts for nothing: the others have it, or will have it in a moment.
[[nodiscard]] std::uint64_t copies_behind(const cloudp2p::ClusterView& view, std::uint64_t images_before);
[[nodiscard]] std::uint64_t images_of_leader(const cloudp2p::ClusterView& view);
/// 0 ok, 3 degraded, 5 down; not for what is unknown.
[[nodiscard]] int exit_status_of(Condition condition);
/// "ok: node 3 leads, 3 of 3 nodes, 120 images with 3 copies each"
[[nodiscard]] std::string one_line(const cloudp2p::ClusterView& view, const Verdict& verdict);
/// A number, or null for nobody.
void write_leader(cloudp2p::JsonWriter& json, cloudp2p::NodeId leader);
void write_verdict(cloudp2p::JsonWriter& json, const Verdict& verdict);

}  // namespace client
