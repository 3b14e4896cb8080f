// A disk that fills, breaks or goes while images come: the node that has it says so, the others go on.
#include "scenario/cluster.hpp"
#include "scenario/disk.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <mutex>

using namespace scenario;
using cloudp2p::Buffer;
using cloudp2p::Callback;
using cloudp2p::Digest;
using cloudp2p::NodeId;
using cloudp2p::ReadRange;
using cloudp2p::Result;

namespace {

constexpr NodeId kOne{1};
constexpr NodeId kThree{3};
constexpr const char* kFloor = R"("store":{"free_bytes_min":1000000})";

/// A picture of whose second half nothing is sent before it is let go.
class HeldPicture final : public cloudp2p::ImageSource {
 public:
  explicit HeldPicture(std::string bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  void identify(Callback<void(Result<Content>)> done) override {
    done(Content{bytes_.size(), digest_of(bytes_)});
  }
  void read(ReadRange range, Callback<void(Result<Buffer>)> done) override {
    Callback<void()> answer = [this, range, done = std::move(done)] { done(part(range)); };
    {
      const std::lock_guard lock(mutex_);
      if (held_ && range.offset >= bytes_.size() / 2) {
        waiting_.push_back(std::move(answer));
        return;
      }
    }
    answer();
  }
  [[nodiscard]] bool half_sent() {
    const std::lock_guard lock(mutex_);
    return !waiting_.empty();
  }
  void let_go() {
    std::vector<Callback<void()>> waiting;
    {
      const std::lock_guard lock(mutex_);
      held_ = false;
      waiting.swap(waiting_);
    }
    for (const Callback<void()>& answer : waiting) answer();
  }

 private:
  [[nodiscard]] Result<Buffer> part(ReadRange range) const {
    const std::string_view bytes = std::string_view(bytes_).substr(range.offset, range.size_bytes);
    return Buffer::copy_of(std::as_bytes(std::span(bytes)));
  }
  const std::string name_ = "held.jpg";
  const std::string bytes_;
  std::mutex mutex_;
  bool held_ = true;
  std::vector<Callback<void()>> waiting_;
};

using Outcome = std::future<Result<cloudp2p::UploadOutcome>>;

Outcome begin_upload(Cluster& cluster, std::shared_ptr<HeldPicture> picture) {
  auto& client = cluster.client();
  return std::async(std::launch::async, [&client, picture] { return client.upload(picture); });
}

/// Half of the upload is on this node's disk.
bool half_arrived(Cluster& cluster, NodeId id, std::size_t size_bytes) {
  return eventually([&] {
    for (const std::string& name : support::partial_files(cluster.images_of(id)))
      if (support::read_file(cluster.images_of(id) + "/.cloudp2p/incoming/" + name).size() * 2 >= size_bytes) return true;
    return false;
  });
}

bool members_say(Cluster& cluster, NodeId id, const std::string& what) {
  const std::string start = to_string(id) + " ";
  return eventually([&] {
    for (const std::string& line : support::lines_of(cluster.run_client({"members"}).out)) {
      const std::size_t first = line.find_first_not_of(' ');
      if (first != std::string::npos && line.compare(first, start.size(), start) == 0 && line.find(what) != std::string::npos)
        return true;
    }
    return false;
  });
}

bool logged(Cluster& cluster, NodeId id, const std::string& words) {
  return eventually([&] { return cluster.log(id).find(words) != std::string::npos; });
}

/// Says why and is false where disks can not be mounted.
bool possible(const std::string& problem) {
  if (problem.empty()) return true;
  MESSAGE("skipped: this machine does not allow it: " << problem);
  return false;
}

}  // namespace

TEST_CASE("a follower's disk runs full in the middle of an upload: the others take it, the follower catches up by itself") {
  Cluster cluster({.settings = kFloor, .start = false});
  const Disk disk(cluster.images_of(kOne), 24);
  if (!possible(disk.problem())) return;
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == kThree);
  const std::string bytes = picture(8'000'000);
  const auto held = std::make_shared<HeldPicture>(bytes);
  Outcome outcome = begin_upload(cluster, held);
  REQUIRE(eventually([&] { return held->half_sent(); }));
  REQUIRE(half_arrived(cluster, kOne, 6'000'000));
  disk.fill();
  held->let_go();
  const auto result = outcome.get();
  REQUIRE_MESSAGE(result.ok(), result.error().text());
  CHECK(members_say(cluster, kOne, "store full"));
  CHECK(put(cluster, picture(300'000, 2)).has_value());
  disk.make_room();
  REQUIRE(cluster.wait_until_complete(2));
  CHECK(cluster.everywhere({digest_of(bytes), digest_of(picture(300'000, 2))}));
}

TEST_CASE("the leader's disk runs full in the middle of an upload: it hands over, and the client sees one success") {
  Cluster cluster({.settings = kFloor, .start = false});
  const Disk disk(cluster.images_of(kThree), 24);
  if (!possible(disk.problem())) return;
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == kThree);
  const std::string bytes = picture(8'000'000);
  const auto held = std::make_shared<HeldPicture>(bytes);
  Outcome outcome = begin_upload(cluster, held);
  REQUIRE(eventually([&] { return held->half_sent(); }));
  REQUIRE(half_arrived(cluster, kThree, 6'000'000));
  disk.fill();
  held->let_go();
  const auto result = outcome.get();
  REQUIRE_MESSAGE(result.ok(), result.error().text());
  CHECK(result->leader != kThree);
  CHECK(members_say(cluster, kThree, "store full"));
  CHECK(logged(cluster, kThree, "handing over"));
  disk.make_room();
  REQUIRE(cluster.wait_until_complete(1));
  CHECK(cluster.everywhere({digest_of(bytes)}));
}

TEST_CASE("the leader's disk has no room for one more image: it hands over to a node that has, and no upload fails") {
  Cluster cluster({.settings = kFloor, .start = false});
  const Disk disk(cluster.images_of(kThree), 40);
  if (!possible(disk.problem())) return;
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == kThree);
  for (unsigned seed = 1; seed <= 16; ++seed) CHECK_MESSAGE(put(cluster, picture(3'000'000, seed)).has_value(), seed);
  CHECK(logged(cluster, kThree, "the disk has no room for an image of 3000000 bytes: handing over to node "));
}

TEST_CASE("not a byte is left on the disk: a delete still finds room, at once") {
  Cluster cluster({.nodes = 1, .settings = kFloor, .start = false, .client_settings = R"("client":{"retries":0})"});
  const Disk disk(cluster.images_of(kOne), 64);
  if (!possible(disk.problem())) return;
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == kOne);
  for (unsigned seed = 0; seed < 20; ++seed) REQUIRE(put(cluster, picture(50'000, seed)).has_value());
  disk.fill();
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto removed = cluster.client().remove(digest_of(picture(50'000, seed)).hex());
    CHECK_MESSAGE(removed.ok(), removed.error().text());
  }
  disk.make_room();
  CHECK(eventually([&] { return put(cluster, picture(50'000, 99)).has_value(); }));
}

TEST_CASE("the leader's file system breaks and turns read-only: it hands over, reads go on, mended it catches up") {
  Cluster cluster({.start = false});
  Disk disk(Disk::Ext4{}, cluster.images_of(kThree), 64);
  if (!possible(disk.problem())) return;
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == kThree);
  const Digest before = put(cluster, picture(300'000, 1)).value();
  REQUIRE(cluster.wait_until_complete(1));
  disk.break_down();
  const std::optional<Digest> during = put(cluster, picture(300'000, 2));
  REQUIRE(during.has_value());
  CHECK(cluster.wait_for_leader(kThree) != cloudp2p::kNobody);
  CHECK(logged(cluster, kThree, "store: no more writes"));
  CHECK(logged(cluster, kThree, "this node stops voting: mend the disk and restart it"));
  CHECK(cluster.run_client({"get", short_id(before), "-O", "-"}).out == picture(300'000, 1));
  cluster.kill(kThree);
  disk.take_away();
  disk.put_back();
  REQUIRE(possible(disk.problem()));
  cluster.start(kThree);
  REQUIRE(cluster.wait_until_complete(2));
  CHECK(cluster.everywhere({before, *during}));
}

TEST_CASE("a folder of an overlay, as containers and live systems have them, is a disk like others, and the same after a restart") {
  Cluster cluster({.start = false});
  std::vector<std::unique_ptr<Disk>> disks;
  for (const NodeId id : cluster.ids()) {
    disks.push_back(std::make_unique<Disk>(Disk::Layers{}, cluster.images_of(id), 64));
    if (!possible(disks.back()->problem())) return;
  }
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == kThree);
  const Digest first = put(cluster, picture(300'000, 1)).value();
  REQUIRE(cluster.wait_until_complete(1));
  for (const NodeId id : cluster.ids()) REQUIRE(cluster.stop(id) == 0);
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == kThree);
  const Digest second = put(cluster, picture(300'000, 2)).value();
  REQUIRE(cluster.wait_until_complete(2));
  CHECK(cluster.everywhere({first, second}));
  for (const NodeId id : cluster.ids()) CHECK(cluster.log(id).find("is a copy of a store") == std::string::npos);
}

TEST_CASE("the disk is unmounted under the leader: it says so and hands over; mounted and restarted it catches up") {
  Cluster cluster({.start = false});
  Disk disk(Disk::Ext4{}, cluster.images_of(kThree), 64);
  if (!possible(disk.problem())) return;
  cluster.start_all();
  REQUIRE(cluster.wait_for_leader() == kThree);
  disk.take_away();
  CHECK(logged(cluster, kThree, "is no longer the disk that was opened: mount it and restart"));
  REQUIRE(cluster.wait_for_leader(kThree) != cloudp2p::kNobody);
  const std::optional<Digest> during = put(cluster, picture(300'000, 2));
  REQUIRE(during.has_value());
  CHECK(members_say(cluster, kThree, "store failed"));
  CHECK(support::count_entries(cluster.images_of(kThree)) == 0);
  cluster.kill(kThree);
  disk.put_back();
  REQUIRE(possible(disk.problem()));
  cluster.start(kThree);
  REQUIRE(cluster.wait_until_complete(1));
  CHECK(cluster.everywhere({*during}));
}

TEST_CASE("a follower's directory is removed while it runs: it says so, the others go on, restarted it gets everything") {
  Cluster cluster;
  const Digest before = put(cluster, picture(300'000, 1)).value();
  REQUIRE(cluster.wait_until_complete(1));
  std::filesystem::remove_all(cluster.images_of(kOne));
  CHECK(logged(cluster, kOne, "is no longer the disk that was opened"));
  CHECK(members_say(cluster, kOne, "store failed"));
  const std::optional<Digest> during = put(cluster, picture(300'000, 2));
  REQUIRE(during.has_value());
  CHECK_FALSE(std::filesystem::exists(cluster.images_of(kOne)));
  cluster.kill(kOne);
  cluster.start(kOne);
  REQUIRE(cluster.wait_until_complete(2));
  CHECK(cluster.everywhere({before, *during}));
}
