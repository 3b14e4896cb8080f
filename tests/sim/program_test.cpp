// A program of the user's own beside the cluster: it runs in virtual time, and dies with its process.
#include "sim/cluster_fixture.hpp"

using namespace cloudp2p;
using namespace cloudp2p::testing;
using namespace std::chrono_literals;

namespace {

/// What outlives the program.
struct Diary {
  int starts = 0;
  int ticks = 0;
  std::vector<Result<UploadOutcome>> uploads;
};

std::unique_ptr<Client> open(const ProgramPorts& ports) {
  auto client = Client::open(ports.config, ports.client);
  REQUIRE(client.ok());
  return std::move(*client);
}

/// Notes that time passes, and uploads one picture.
class Ticker {
 public:
  Ticker(const ProgramPorts& ports, Diary& diary)
      : timers_(*ports.client.timers), client_(open(ports)), diary_(diary) {
    ++diary_.starts;
    tick();
    Buffer bytes = Buffer::allocate(5'000);
    std::fill_n(bytes.data(), bytes.size(), std::byte(diary_.starts));
    for (std::size_t i = 0; const int c : {0xff, 0xd8, 0xff, 0xe0}) bytes.data()[i++] = std::byte(c);
    client_->upload(ports.memory_source("picture.jpg", bytes), {},
                    [this](Result<UploadOutcome> outcome) { diary_.uploads.push_back(std::move(outcome)); });
  }
  void remove_first() { client_->remove(diary_.uploads.front()->digest.hex(), [](const Result<ImageRecord>&) {}); }

 private:
  void tick() {
    timers_.after(100ms, [this] {
      ++diary_.ticks;
      tick();
    });
  }

  Timers& timers_;
  std::unique_ptr<Client> client_;
  Diary& diary_;
};

SimProgram& start(SimCluster& sim, Diary& diary) {
  return sim.start_program([&diary](const ProgramPorts& ports) { return std::make_shared<Ticker>(ports, diary); });
}

}  // namespace

TEST_CASE("a program's timers end with its process, and begin again with the next") {
  SimCluster sim(cluster_of(3, 201));
  Diary diary;
  SimProgram& program = start(sim, diary);
  sim.run_for(1'050ms);
  CHECK(diary.ticks == 10);
  program.crash();
  CHECK_FALSE(program.running());
  sim.run_for(1s);
  CHECK(diary.ticks == 10);
  program.restart();
  sim.run_for(550ms);
  program.pause();
  sim.run_for(1s);
  CHECK(diary.ticks == 15);
  program.resume();
  sim.run_for(550ms);
  CHECK(diary.ticks == 21);  // the one that fell due meanwhile among them
  CHECK(diary.starts == 2);
}

TEST_CASE("a call that is under way when a program dies is never answered") {
  SimCluster sim(cluster_of(3, 202));
  Diary diary;
  SimProgram& program = start(sim, diary);
  program.crash();
  sim.run_for(10s);
  CHECK(diary.uploads.empty());
  require_clean(sim);
}

TEST_CASE("a program that is cut off from all nodes waits until the network heals") {
  SimCluster sim(cluster_of(3, 203));
  Diary diary;
  SimProgram& program = start(sim, diary);
  for (std::uint32_t id = 1; id <= 3; ++id) program.cut(NodeId{id}, Direction::kBoth);
  sim.run_for(1s);
  CHECK(diary.uploads.empty());
  sim.heal();
  REQUIRE(sim.run_until([&] { return !diary.uploads.empty(); }, 10s));
  REQUIRE(diary.uploads.front().ok());
  CHECK(sim.converges(10s));
  CHECK(sim.durable_copies(diary.uploads.front()->digest) == 3);
  require_clean(sim);
}

TEST_CASE("what a program deletes is gone for all, and breaks no rule") {
  SimCluster sim(cluster_of(3, 204));
  Diary diary;
  std::shared_ptr<Ticker> ticker;
  sim.start_program([&](const ProgramPorts& ports) { return ticker = std::make_shared<Ticker>(ports, diary); });
  REQUIRE(sim.run_until([&] { return !diary.uploads.empty(); }, 10s));
  const Digest digest = diary.uploads.front()->digest;
  const auto before = sim.info(digest);
  CHECK(sim.run_until([&] { return before.ok(); }, 5s));
  ticker->remove_first();
  sim.run_for(1s);
  const auto after = sim.info(digest);
  CHECK(sim.run_until([&] { return after.done(); }, 5s));
  CHECK(after.result() == Errc::not_found);
  ticker.reset();
  CHECK(sim.converges(10s));
  require_clean(sim);
}

namespace {

/// Asks for the members, again and again.
class Watcher {
 public:
  Watcher(const ProgramPorts& ports, std::optional<ClusterView>& last) : client_(open(ports)), last_(last) { ask(); }

 private:
  void ask() {
    client_->members([this](Result<ClusterView> view) {
      if (view.ok()) last_ = std::move(*view);
      ask();
    });
  }

  std::unique_ptr<Client> client_;
  std::optional<ClusterView>& last_;
};

}  // namespace

TEST_CASE("nobody is told that all copies are there when a node comes back with an empty disk") {
  SimCluster sim(cluster_of(3, 206));
  std::optional<ClusterView> view;
  sim.start_program([&view](const ProgramPorts& ports) { return std::make_shared<Watcher>(ports, view); });
  REQUIRE(sim.run_until_leader(2s) == NodeId{3});
  const SimImage image = make_image(1, 9'000);
  REQUIRE(sim.put_and_wait(image, 2s).ok());
  REQUIRE(sim.converges(10s));
  const auto reachable = [&] {
    return std::all_of(view->members.begin(), view->members.end(), [](const MemberView& member) { return member.reachable; });
  };
  REQUIRE(sim.run_until([&] { return view && reachable() && view->under_replicated == 0; }, 5s));
  sim.crash(NodeId{1});
  sim.lose(NodeId{1}, Loss::kEverything);
  REQUIRE(sim.run_until([&] { return !reachable(); }, 5s));
  sim.restart(NodeId{1});
  CHECK(sim.run_until([&] { return reachable() && view->under_replicated == 0; }, 10s));
  CHECK(sim.durable_copies(image.digest) == 3);
  require_clean(sim);
}
