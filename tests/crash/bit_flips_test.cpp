// Bits flip in every kind of file of a node that is down: what rotted is found, healed from its peers, and served by none.
#include "crash/rot_cluster.hpp"
#include "store/state_codec.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <set>

using namespace crash;
namespace store = cloudp2p::store;

namespace {

namespace fs = std::filesystem;
using Random = std::mt19937_64;

constexpr std::size_t kImages = 30;
constexpr std::size_t kLoneFlips = 24;  // Rounds with one flip each, of all kinds in turn.
constexpr std::size_t kFlipsOfARound = 500;

/// A kind of file, as `docs/storage.md` tells them apart: by folder and name.
std::string kind_of(const fs::path& below_store) {
  const std::string folder = below_store.parent_path().string();
  if (folder.empty()) return "image";
  return folder == ".cloudp2p" ? below_store.filename().string() : folder.substr(folder.rfind('/') + 1);
}

std::map<std::string, std::vector<std::string>> files_by_kind(const std::string& folder) {
  std::map<std::string, std::vector<std::string>> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.file_size() > 0) {
      out[kind_of(fs::relative(entry.path(), folder))].push_back(entry.path());
    }
  }
  for (auto& [kind, paths] : out) std::sort(paths.begin(), paths.end());
  return out;
}

void flip(const std::string& path, const std::set<std::uint64_t>& bits) {
  std::string bytes = support::read_file(path);
  for (const std::uint64_t bit : bits) bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  support::write_file(path, bytes);
}

using Flips = std::map<std::string, std::set<std::uint64_t>>;  ///< By path, the bits.

/// `count` different ones: a kind by lot, or the one whose turn it is; a file of it by lot, a bit of it by lot.
Flips draw(const std::string& folder, std::size_t count, std::optional<std::size_t> turn, Random& random) {
  const auto kinds = files_by_kind(folder);
  Flips out;
  for (std::size_t done = 0; done < count;) {
    const std::size_t index = turn.value_or(random()) % kinds.size();
    const auto& paths = std::next(kinds.begin(), static_cast<std::ptrdiff_t>(index))->second;
    const std::string& path = paths[random() % paths.size()];
    if (out[path].insert(random() % (fs::file_size(path) * 8)).second) ++done;
  }
  return out;
}

/// Do these make the node forget a promise or a record? Not if the catalog's log has those pages anew.
bool must_begin_anew(const Flips& flips, const std::string& folder) {
  const std::string meta = folder + "/.cloudp2p/";
  const auto says_something = [](std::uint64_t bit) { return bit / 8 % store::kSlotBytes < store::kSectorBytes; };
  const auto state = flips.find(meta + "state");
  const bool promise = state != flips.end() && std::any_of(state->second.begin(), state->second.end(), says_something);
  return promise || (flips.contains(meta + "catalog.sqlite") && !fs::exists(meta + "catalog.sqlite-wal"));
}

/// What docs/storage.md says to do about a node that does not start.
void mend_as_documented(const std::string& complaint, const std::string& folder) {
  REQUIRE_MESSAGE(complaint.find("format") != std::string::npos, "not a message that one can act on: " << complaint);
  support::write_file(folder + "/.cloudp2p/format", "cloudp2p store 1\n");
}

/// Things that a node which was killed may leave.
void leave_remains(const std::string& folder) {
  support::write_file(folder + "/.cloudp2p/incoming/0123456789abcdef0123456789abcdef.7", support::picture(5'000, 77));
  support::write_file(folder + "/.cloudp2p/trash/0123456789abcdef-old.jpg", support::picture(5'000, 78));
}

struct Round {
  std::size_t flips = 0;
  std::optional<std::size_t> turn;  ///< Flips of one kind only.
  bool killed = false;
};

void live_through(RotCluster& cluster, const Round& round, Random& random, std::map<std::string, std::size_t>& counts) {
  const std::string folder = cluster.victim_folder();
  const cloudp2p::Incarnation before = cluster.victim_incarnation();
  round.killed ? cluster.kill_victim() : cluster.stop_victim();
  leave_remains(folder);
  const Flips flips = draw(folder, round.flips, round.turn, random);
  for (const auto& [path, bits] : flips) {
    flip(path, bits);
    counts[kind_of(fs::relative(path, folder))] += bits.size();
  }
  const bool anew = must_begin_anew(flips, folder);
  if (!cluster.start_victim()) {
    mend_as_documented(cluster.complaint(), folder);
    REQUIRE_MESSAGE(cluster.start_victim(), cluster.complaint());
  }
  if (anew) CHECK(cluster.victim_incarnation() != before);
  cluster.wait_until_victim_leads();
  cluster.check_what_is_served();
  cluster.scrub_victim();
  cluster.check_all_is_healed();
}

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("bit flips: whatever rots on one node is found, healed, and never served") {
  const std::uint64_t seed = number_in("CLOUDP2P_ROT_SEED", std::random_device{}());
  const std::uint64_t wanted = number_in("CLOUDP2P_ROT_FLIPS", 10'000);
  MESSAGE("CLOUDP2P_ROT_SEED=" << seed);
  Random random(seed);
  RotCluster cluster(kImages);
  std::map<std::string, std::size_t> counts;
  std::uint64_t done = 0;
  for (std::size_t round = 0; done < wanted; ++round) {
    const bool lone = round < kLoneFlips;
    const Round plan{lone ? 1 : kFlipsOfARound, lone ? std::optional(round) : std::nullopt, round % 3 == 0};
    INFO("round " << round << ", " << plan.flips << " flips");
    live_through(cluster, plan, random, counts);
    done += plan.flips;
  }
  for (const char* kind : {"image", "state", "catalog.sqlite", "catalog.sqlite-wal", "journal", "format", "store-id", "reserve",
                           "incoming", "trash"}) {
    CHECK_MESSAGE(counts.contains(kind), kind);
  }
  std::string told;
  for (const auto& [kind, count] : counts) told += fmt::format("{} {}, ", count, kind);
  MESSAGE(told << done << " in all");
}
