// Your program against a cluster that crashes: in virtual time, in milliseconds, and the same way every time.
//
// The program is a recorder: a camera gives it a frame every 200 ms, it keeps each on its own disk until the cluster has
// acknowledged it, and must not lose one. Link cloudp2p::testing. Another first seed: simulate_your_program 1000
#include <cloudp2p/testing/sim_cluster.hpp>

#include <cstdlib>
#include <deque>
#include <iostream>
#include <set>

using namespace cloudp2p;
using namespace std::chrono_literals;

namespace {

// The program. Nothing in it knows of the simulator: in the real world it gets an asio executor and timers, a Client on
// sockets, and cloudp2p::memory_source.

/// What survives when the recorder dies: its own disk.
struct Spool {
  std::uint64_t recorded = 0;
  std::deque<std::uint64_t> waiting;   ///< Frames that nobody has acknowledged yet.
  std::set<Digest> acknowledged;     ///< For the test below.
};

/// Frame n, as the camera would give it: the first bytes of a JPEG, then bytes that no other frame has.
Buffer frame_bytes(std::uint64_t number) {
  Buffer out = Buffer::allocate(20'000);
  std::fill_n(out.data(), out.size(), std::byte(number % 251));
  for (std::size_t i = 0; i < 8; ++i) out.data()[4 + i] = std::byte(number >> (8 * i));
  for (std::size_t i = 0; const int c : {0xff, 0xd8, 0xff, 0xe0}) out.data()[i++] = std::byte(c);
  return out;
}

using MakeSource = std::function<std::shared_ptr<ImageSource>(std::string name, Buffer bytes)>;

class Recorder {
 public:
  Recorder(std::unique_ptr<Client> client, Timers& timers, MakeSource make_source, Spool& spool)
      : client_(std::move(client)), timers_(timers), make_source_(std::move(make_source)), spool_(spool) {
    record();
  }
  ~Recorder() {
    for (const TimerId timer : {next_frame_, next_try_}) timers_.cancel(timer);
  }

 private:
  void record() {
    spool_.waiting.push_back(spool_.recorded++);
    next_frame_ = timers_.after(200ms, [this] { record(); });
    if (!sending_) send();
  }
  void send() {
    if (spool_.waiting.empty()) return;
    sending_ = true;
    const std::uint64_t frame = spool_.waiting.front();
    client_->upload(make_source_("frame-" + std::to_string(frame) + ".jpg", frame_bytes(frame)), {},
                    [this](Result<UploadOutcome> outcome) {
                      if (outcome.code() != Errc::cancelled) sent(outcome);  // Otherwise this recorder is gone.
                    });
  }
  void sent(const Result<UploadOutcome>& outcome) {
    // Unknown or failed: the frame is still here, and to send it again is always safe.
    if (!outcome.ok()) {
      next_try_ = timers_.after(500ms, [this] { send(); });
      return;
    }
    spool_.acknowledged.insert(outcome->digest);
    spool_.waiting.pop_front();
    sending_ = false;
    send();
  }

  std::unique_ptr<Client> client_;
  Timers& timers_;
  MakeSource make_source_;
  Spool& spool_;
  TimerId next_frame_ = kNoTimer;
  TimerId next_try_ = kNoTimer;
  bool sending_ = false;
};

// The test.

using namespace cloudp2p::testing;

std::shared_ptr<void> start_recorder(const ProgramPorts& ports, Spool& spool) {
  auto client = Client::open(ports.config, ports.client);
  if (!client) throw std::runtime_error(client.error().text());
  return std::make_shared<Recorder>(std::move(*client), *ports.client.timers, ports.memory_source, spool);
}

/// A minute of trouble, then peace. Empty when nothing was lost; else what was, and the last log lines.
std::string live_through(std::uint64_t seed, std::size_t& frames) {
  SimOptions options;
  options.seed = seed;
  SimCluster cluster(options);
  Spool spool;
  SimProgram& recorder = cluster.start_program([&](const ProgramPorts& ports) { return start_recorder(ports, spool); });

  cluster.run_for(5s);
  cluster.crash(cluster.leader(), Crash::kPowerLoss);
  cluster.run_for(5s);
  recorder.crash();
  cluster.run_for(1s);
  recorder.restart();
  cluster.restart(NodeId{3});
  cluster.run_for(10s);
  for (const NodeId node : {NodeId{2}, NodeId{3}}) recorder.cut(node, Direction::kBoth);
  cluster.run_for(5s);
  cluster.heal();
  cluster.cut(NodeId{1}, Direction::kOutgoing);
  // At the very moment at which a leader acknowledges: the recorder may or may not hear of it, and dies itself.
  cluster.at_moment(cluster.run_until_leader(10s), Moment::kAcknowledged, [&] {
    cluster.crash(cluster.leader(), Crash::kPowerLoss);
    recorder.crash();
  });
  cluster.run_for(5s);
  cluster.heal();
  for (const std::uint32_t id : {1U, 2U, 3U}) cluster.restart(NodeId{id});
  recorder.restart();

  // Peace: every frame is acknowledged, and every one that was acknowledged is on every disk.
  const bool all_sent = cluster.run_until([&] { return spool.recorded > 100 && spool.waiting.empty(); }, 60s);
  recorder.crash();
  const bool equal = cluster.converges(60s);
  frames += spool.acknowledged.size();
  std::string lost = all_sent ? "" : std::to_string(spool.waiting.size()) + " frames are still waiting\n";
  if (spool.acknowledged.size() + spool.waiting.size() < spool.recorded) lost += "the recorder forgot a frame\n";
  for (const Digest& frame : spool.acknowledged) {
    if (cluster.durable_copies(frame) != cluster.size()) lost += "frame " + short_id(frame) + " is not everywhere\n";
  }
  return lost.empty() && equal && cluster.ok() ? "" : lost + cluster.report();
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::uint64_t lives = 20;
  const std::uint64_t first = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  std::size_t frames = 0;
  for (std::uint64_t seed = first; seed < first + lives; ++seed) {
    const std::string failure = live_through(seed, frames);
    if (failure.empty()) continue;
    std::cout << failure << "seed " << seed << " failed: simulate_your_program " << seed << '\n';
    return 1;
  }
  std::cout << lives << " lives, " << frames << " frames acknowledged: every one of them is on every disk\n";
}
