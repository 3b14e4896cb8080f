#include "sim/sim_client.hpp"

#include "sim/image_in_memory.hpp"

#include <stdexcept>

namespace cloudp2p::sim {
namespace {

class HashingSink final : public ImageSink {
 public:
  HashingSink(Executor& executor) : executor_(executor) {}

  void restart() override { hash_ = ContentHash(); }
  void write(Buffer bytes, Callback<void(Status)> done) override {
    hash_.update(bytes.view());
    executor_.post([done = std::move(done)] { done(Status()); });
  }
  void finish(const ImageRecord& record, Callback<void(Status)> done) override {
    const bool right = hash_.size_bytes() == record.size_bytes && hash_.finish() == record.digest;
    executor_.post([done = std::move(done), right] { done(right ? Status() : Status(Errc::integrity)); });
  }
  [[nodiscard]] Digest digest() const { return hash_.finish(); }

 private:
  Executor& executor_;
  ContentHash hash_;
};

}  // namespace

SimClient::SimClient(Scheduler& scheduler, Network& network, RecordedLog& log, Invariants& invariants, Config config,
                     HostId host, Random random)
    : network_(network),
      log_(log),
      invariants_(invariants),
      config_(std::move(config)),
      host_(host),
      random_(random),
      process_(scheduler, random_.fork()),
      entropy_(random_.fork()) {
  open();
}

SimClient::~SimClient() {
  close();
}

void SimClient::open() {
  transport_ = std::make_unique<SimTransport>(network_, host_, process_, Role::client);
  const ClientPorts ports{&process_, transport_.get(), &process_, &entropy_, &log_};
  Result<std::unique_ptr<Client>> client = Client::open(config_, ports);
  if (!client.ok()) throw std::invalid_argument(client.error().text());
  client_ = std::move(*client);
}

void SimClient::close() {
  client_.reset();
  transport_->stop();
  network_.on_process_gone(host_, true);
}

void SimClient::restart() {
  close();
  open();
}

void SimClient::put(const testing::SimImage& image, const State<UploadOutcome>& state) {
  invariants_.offered(image.digest, image.size_bytes);
  const History::Call call = invariants_.begins(image.digest, History::Act::put);
  auto done = [this, state, call, digest = image.digest](Result<UploadOutcome> outcome) {
    invariants_.upload_answered(digest, call, outcome);
    state->result = std::move(outcome);
  };
  state->operation = client_->upload(std::make_shared<ImageInMemory>(process_, image), {}, std::move(done));
}

void SimClient::get(const Digest& digest, const State<ImageInfo>& state) {
  auto sink = std::make_shared<HashingSink>(process_);
  const History::Call call = invariants_.begins(digest, History::Act::read);
  auto done = [this, state, sink, call, digest, mark = invariants_.read_begins()](Result<ImageInfo> info) {
    if (info.ok()) invariants_.bytes_answered(digest, sink->digest());
    invariants_.info_answered(digest, call, mark, info);
    state->result = std::move(info);
  };
  state->operation = client_->get(digest.hex(), sink, {}, std::move(done));
}

void SimClient::info(const Digest& digest, const State<ImageInfo>& state) {
  const History::Call call = invariants_.begins(digest, History::Act::read);
  auto done = [this, state, call, digest, mark = invariants_.read_begins()](Result<ImageInfo> info) {
    invariants_.info_answered(digest, call, mark, info);
    state->result = std::move(info);
  };
  state->operation = client_->info(digest.hex(), std::move(done));
}

void SimClient::remove(const Digest& digest, const State<ImageRecord>& state) {
  const History::Call call = invariants_.begins(digest, History::Act::remove);
  auto done = [this, state, call, digest](Result<ImageRecord> removed) {
    invariants_.remove_answered(digest, call, removed);
    state->result = std::move(removed);
  };
  state->operation = client_->remove(digest.hex(), std::move(done));
}

void SimClient::list(const State<ListPage>& state) {
  ListQuery query;
  query.limit = limits::kListPageMax;
  auto done = [this, state, calls = invariants_.list_begins(), mark = invariants_.read_begins()](Result<ListPage> page) {
    invariants_.list_answered(calls, mark, page);
    state->result = std::move(page);
  };
  state->operation = client_->list(std::move(query), std::move(done));
}

void SimClient::step_down(const State<StepDownOutcome>& state) {
  state->operation = client_->step_down([state](Result<StepDownOutcome> outcome) { state->result = std::move(outcome); });
}

void SimClient::verify(const Digest& digest, const State<std::vector<CopyCheck>>& state) {
  auto done = [state](Result<std::vector<CopyCheck>> checks) { state->result = std::move(checks); };
  state->operation = client_->verify(digest, std::move(done));
}

void SimClient::scrub(ScrubAction action, const State<std::vector<ScrubView>>& state) {
  auto done = [state](Result<std::vector<ScrubView>> views) { state->result = std::move(views); };
  state->operation = client_->scrub(action, {}, std::move(done));
}

}  // namespace cloudp2p::sim
