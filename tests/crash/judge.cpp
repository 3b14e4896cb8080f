#include "crash/judge.hpp"

#include "asio/asio_timers.hpp"
#include "crash/node_disk.hpp"
#include "crash/recorder.hpp"
#include "crypto/sodium_entropy.hpp"
#include "support/process.hpp"
#include "unit/store_fixture.hpp"

#include <cloudp2p/node.hpp>

namespace crash {
namespace {

using namespace cloudp2p;
using store_test::SilentLog;
using store_test::WaitingExecutor;

constexpr std::chrono::seconds kStartMax{5};

/// Nobody answers; the node dials when it has started.
class DeafTransport final : public Transport {
 public:
  [[nodiscard]] Status start(TransportHandler&) override { return {}; }
  void stop() override {}
  void set_peers(std::vector<PeerAddress>) override { dialled = true; }
  void hurry(NodeId) override {}
  void dial(const PeerAddress&) override {}
  [[nodiscard]] Status send(ConnectionId, Frame) override { return Errc::closed; }
  [[nodiscard]] std::size_t queued_bytes(ConnectionId) const override { return 0; }
  void watch_drain(ConnectionId) override {}
  void close(ConnectionId, const Error&) override {}
  [[nodiscard]] TransportCounters counters() const override { return {}; }

  bool dialled = false;
};

/// Time stands still: nothing happens after the start.
class StoppedTimers final : public Timers {
 public:
  [[nodiscard]] TimePoint now() const override { return TimePoint(std::chrono::hours(1)); }
  [[nodiscard]] std::int64_t wall_ms() const override { return 1'700'000'000'000; }
  TimerId at(TimePoint, Callback<void()> callback) override {
    waiting_.push_back(std::move(callback));
    return TimerId{waiting_.size()};
  }
  void cancel(TimerId) override {}

 private:
  std::vector<Callback<void()>> waiting_;
};

/// Remembers what the node found.
class WatchedState final : public StateStore {
 public:
  explicit WatchedState(StateStore& below) : below_(below) {}
  [[nodiscard]] Result<std::optional<DurableState>> load() override {
    auto loaded = below_.load();
    if (loaded.ok()) found = *loaded;
    return loaded;
  }
  void save(const DurableState& state, Callback<void(Status)> done) override { below_.save(state, std::move(done)); }

  std::optional<DurableState> found;

 private:
  StateStore& below_;
};

/// One start of one node.
class Trial {
 public:
  Trial(NodeId node, const std::vector<PeerAddress>& peers, const std::string& folder, Verdict& verdict)
      : path_(folder + "/images"), verdict_(verdict) {
    config_.node_id = node;
    config_.peers = peers;
    config_.shared_dir = path_;
  }

  [[nodiscard]] bool start() {
    const auto begin = std::chrono::steady_clock::now();
    const Status started = open_and_start();
    if (!started.ok()) return fault("it does not start: " + started.error().text()), false;
    const bool ready = executor_.run_until([&] { return transport_.dialled; });
    verdict_.started_in = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
    if (!ready) return fault("it has not started after 20 s"), false;
    if (verdict_.started_in > kStartMax) fault("it took longer than 5 s to start");
    return true;
  }

  void check_state(const StatePromise& promise) {
    const DurableState state = state_->found.value_or(DurableState{});
    if (state.term < promise.term) {
      fault("the state is of term " + std::to_string(state.term) + ", told was " + std::to_string(promise.term));
    }
    if (state.term == promise.term && promise.voted_for != kNobody && state.voted_for != promise.voted_for) {
      fault("its vote of term " + std::to_string(promise.term) + " is forgotten");
    }
    const Membership promised{promise.membership_term, promise.membership_version, {}};
    if (promised.newer_than(state.membership)) fault("the membership is older than what was told");
    if (promise.incarnation != Incarnation{} && node_->status().election.incarnation != promise.incarnation) {
      fault("it has another incarnation than it told");
    }
  }

  void check_record(const RecordPromise& promise, bool deleted, DiskFolder& folder) {
    const std::string title = short_id(promise.digest);
    const auto held = wait<Result<std::optional<CatalogEntry>>>(
        [&](auto done) { disk_.catalog->get(promise.digest, std::move(done)); });
    if (!held.ok()) return fault(title + ": " + held.error().text());
    if (!held->has_value()) return fault(title + ": its record is gone");
    const CatalogEntry& entry = **held;
    if (entry.record.stamp < promise.stamp) return fault(title + ": its record is older than what was told");
    if (!promise.bytes || (deleted && entry.record.stamp != promise.stamp)) return;
    if (!entry.present) return fault(title + ": its bytes are gone");
    check_bytes(entry, folder);
  }

  /// What the catalog says is here is here, whoever was told; and nothing else is.
  void check_copies(DiskFolder& folder) {
    const auto page =
        wait<Result<ListPage>>([&](auto done) { disk_.catalog->list({limits::kListPageMax, "", 0}, std::move(done)); });
    if (!page.ok()) return fault(page.error().text());
    std::set<std::string> claimed;
    for (const CatalogEntry& entry : page->entries) {
      if (!entry.present) continue;
      claimed.insert(entry.file_name);
      check_bytes(entry, folder);
    }
    const auto kept = wait<Result<std::vector<CatalogEntry>>>(
        [&](auto done) { disk_.catalog->unburied(Digest{}, limits::kListPageMax, std::move(done)); });
    if (!kept.ok()) return fault(kept.error().text());
    for (const CatalogEntry& entry : *kept) claimed.insert(entry.file_name);
    for (const std::string& name : support::visible_files(path_)) {
      if (!claimed.contains(name) && disk_.catalog->owner() != Incarnation{}) fault(name + " lies there without a record");
    }
    if (!support::partial_files(path_).empty()) fault("partial files are left");
  }

 private:
  Status open_and_start() {
    if (Status opened = disk_.open(path_, executor_, entropy_, log_); !opened.ok()) return opened;
    state_.emplace(*disk_.state);
    Result<std::unique_ptr<Node>> node = Node::open(
        config_,
        {&executor_, &transport_, &timers_, &entropy_, &log_, disk_.images.get(), disk_.catalog.get(), &*state_});
    if (!node.ok()) return node.error();
    node_ = std::move(*node);
    return node_->start();
  }

  void check_bytes(const CatalogEntry& entry, DiskFolder& folder) {
    const std::string title = short_id(entry.record.digest);
    const auto bytes = wait<Result<Buffer>>([&](auto done) {
      disk_.images->read(entry.file_name, ReadRange{0, 16}, std::move(done));
    });
    if (!bytes.ok()) return fault(title + " can not be read: " + bytes.error().text());
    if (folder.digest_of(path_ + "/" + entry.file_name) != entry.record.digest) fault(title + " has other bytes");
  }

  template <class T, class Call>
  T wait(Call&& call) {
    std::optional<T> answer;
    call(Callback<void(T)>([&](T got) { answer.emplace(std::move(got)); }));
    (void)executor_.run_until([&] { return answer.has_value(); });
    return answer ? std::move(*answer) : T(Error{Errc::timed_out, "no answer for 20 s"});
  }

  void fault(std::string what) { verdict_.faults.push_back(std::move(what)); }

  const std::string path_;
  Verdict& verdict_;
  Config config_;
  SilentLog log_;
  crypto::SodiumEntropy entropy_;
  WaitingExecutor executor_;
  StoppedTimers timers_;
  DeafTransport transport_;
  NodeDisk disk_;
  std::optional<WatchedState> state_;
  std::unique_ptr<Node> node_;
};

}  // namespace

DiskLog Judge::record_start(NodeId node, const DiskImage& image) {
  const std::string& folder = folder_.put(image);
  (void)Recorder::instance().begin(node, folder, image);
  Verdict ignored;
  (void)Trial(node, peers_, folder, ignored).start();
  return std::move(Recorder::instance().end().front());
}

Verdict Judge::judge(NodeId node, const DiskImage& image, std::span<const Promise> told) {
  Verdict verdict;
  Trial trial(node, peers_, folder_.put(image), verdict);
  if (!trial.start()) return verdict;
  std::map<Digest, RecordPromise> records;
  for (const Promise& promise : told) {
    if (const auto* const state = std::get_if<StatePromise>(&promise.what)) {
      trial.check_state(*state);
      continue;
    }
    const auto& record = std::get<RecordPromise>(promise.what);
    RecordPromise& strongest = records[record.digest];
    // A delete takes the bytes with it; to hold a newer stamp of what is stored does not.
    const bool still = strongest.bytes && (strongest.stamp == record.stamp || !deleted_.contains(record.digest));
    if (strongest.stamp <= record.stamp) strongest = {record.digest, record.stamp, record.bytes || still};
  }
  for (const auto& [digest, promise] : records) trial.check_record(promise, deleted_.contains(digest), folder_);
  trial.check_copies(folder_);
  return verdict;
}

}  // namespace crash
