// A client with blocking calls: the real adapters around a Client.
#include "asio/asio_executor.hpp"
#include "asio/asio_timers.hpp"
#include "asio/asio_transport.hpp"
#include "crypto/sodium_entropy.hpp"
#include "host/channel_session.hpp"
#include "host/run_on.hpp"

#include <cloudp2p/host.hpp>

#include <mutex>
#include <set>

namespace cloudp2p {
namespace host {
namespace {

/// Carries the callbacks of a source or a sink, which come on its worker's thread, to the client's thread as long as
/// there is a client: what was cancelled may call back later than that. It posts under its lock, as a Mailbox does not,
/// because the thread goes once it is closed.
class Carrier : public std::enable_shared_from_this<Carrier> {
 public:
  explicit Carrier(Executor& executor) : executor_(&executor) {}
  template <class Result>
  [[nodiscard]] Callback<void(Result)> carry(Callback<void(Result)> done) {
    return [self = shared_from_this(), done = std::make_shared<Callback<void(Result)>>(std::move(done))](Result result) {
      self->post([done, kept = std::make_shared<Result>(std::move(result))] { (*done)(std::move(*kept)); });
    };
  }
  void close() {
    const std::lock_guard lock(mutex_);
    executor_ = nullptr;
  }

 private:
  void post(Callback<void()> work) {
    const std::lock_guard lock(mutex_);
    if (executor_ != nullptr) executor_->post(std::move(work));
  }

  std::mutex mutex_;
  Executor* executor_;
};

class CarriedSource final : public ImageSource {
 public:
  CarriedSource(std::shared_ptr<ImageSource> source, std::shared_ptr<Carrier> carrier)
      : source_(std::move(source)), carrier_(std::move(carrier)) {}
  [[nodiscard]] const std::string& name() const override { return source_->name(); }
  void identify(Callback<void(Result<Content>)> done) override { source_->identify(carrier_->carry(std::move(done))); }
  void read(ReadRange range, Callback<void(Result<Buffer>)> done) override {
    source_->read(range, carrier_->carry(std::move(done)));
  }
  [[nodiscard]] std::int64_t stored_ms() const override { return source_->stored_ms(); }

 private:
  std::shared_ptr<ImageSource> source_;
  std::shared_ptr<Carrier> carrier_;
};

class CarriedSink final : public ImageSink {
 public:
  CarriedSink(std::shared_ptr<ImageSink> sink, std::shared_ptr<Carrier> carrier)
      : sink_(std::move(sink)), carrier_(std::move(carrier)) {}
  void restart() override { sink_->restart(); }
  void write(Buffer bytes, Callback<void(Status)> done) override {
    sink_->write(std::move(bytes), carrier_->carry(std::move(done)));
  }
  void finish(const ImageRecord& record, Callback<void(Status)> done) override {
    sink_->finish(record, carrier_->carry(std::move(done)));
  }

 private:
  std::shared_ptr<ImageSink> sink_;
  std::shared_ptr<Carrier> carrier_;
};

class ThreadedClient final : public ClientHost {
 public:
  explicit ThreadedClient(LogSink& log)
      : log_(log),
        thread_("cloudp2p-client", log),
        executor_(thread_.context().get_executor()),
        timers_(thread_.context().get_executor()),
        carrier_(std::make_shared<Carrier>(executor_)) {}
  ~ThreadedClient() override {
    carrier_->close();
    run_on(thread_, [this] {
      client_.reset();
      transport_.reset();
      timers_.stop();
      executor_.stop();
      return 0;
    });
    thread_.stop();
  }

  [[nodiscard]] Status open(const Config& config) {
    thread_.start();
    return run_on(thread_, [&]() -> Status {
      Result<Credentials> credentials = load_credentials(config);
      if (!credentials.ok()) return credentials.error();
      sessions_ = std::make_unique<ChannelSessionFactory>(ChannelSessionFactory::Self{Role::client, kNobody},
                                                          std::move(*credentials), limits::kChunkBytesDefault);
      transport_ = std::make_unique<asio_net::AsioTransport>(
          asio_net::TransportPorts{thread_.context().get_executor(), *sessions_, entropy_, log_},
          asio_net::TransportOptions{});
      Result<std::unique_ptr<Client>> client =
          Client::open(config, ClientPorts{&executor_, transport_.get(), &timers_, &entropy_, &log_});
      if (!client.ok()) return client.error();
      client_ = std::move(*client);
      return {};
    });
  }

  Result<LeaderView> discover() override {
    return wait<LeaderView>([this](auto done) { return client_->discover(std::move(done)); });
  }
  Result<UploadOutcome> upload(std::shared_ptr<ImageSource> source, ProgressCallback progress) override {
    auto carried = std::make_shared<CarriedSource>(std::move(source), carrier_);
    return wait<UploadOutcome>([this, carried, progress = std::make_shared<ProgressCallback>(std::move(progress))](auto done) {
      return client_->upload(carried, std::move(*progress), std::move(done));
    });
  }
  Result<ImageInfo> get(const std::string& id, std::shared_ptr<ImageSink> sink, ProgressCallback progress,
                        ReadFrom first) override {
    auto carried = std::make_shared<CarriedSink>(std::move(sink), carrier_);
    auto told = std::make_shared<ProgressCallback>(std::move(progress));
    return wait<ImageInfo>([this, id, carried, told, first](auto done) {
      return client_->get(id, carried, std::move(*told), std::move(done), first);
    });
  }
  Result<ImageInfo> info(const std::string& id) override {
    return wait<ImageInfo>([this, id](auto done) { return client_->info(id, std::move(done)); });
  }
  Result<ImageRecord> remove(const std::string& id) override {
    return wait<ImageRecord>([this, id](auto done) { return client_->remove(id, std::move(done)); });
  }
  Result<ListPage> list(const ListQuery& query) override {
    return wait<ListPage>([this, query](auto done) { return client_->list(query, std::move(done)); });
  }
  Result<ClusterView> members() override {
    return wait<ClusterView>([this](auto done) { return client_->members(std::move(done)); });
  }
  Result<std::vector<CopyCheck>> verify(const Digest& digest) override {
    return wait<std::vector<CopyCheck>>([this, digest](auto done) { return client_->verify(digest, std::move(done)); });
  }
  Result<std::vector<ScrubView>> scrub(ScrubAction action, const std::vector<NodeId>& nodes) override {
    return wait<std::vector<ScrubView>>(
        [this, action, nodes](auto done) { return client_->scrub(action, nodes, std::move(done)); });
  }
  Result<LeaderView> ping(NodeId node) override {
    return wait<LeaderView>([this, node](auto done) { return client_->ping(node, std::move(done)); });
  }
  Result<StepDownOutcome> step_down() override {
    return wait<StepDownOutcome>([this](auto done) { return client_->step_down(std::move(done)); });
  }
  void cancel_all() override {
    asio::post(thread_.context(), [this] {
      for (const OperationId operation : std::set<OperationId>(running_)) client_->cancel(operation);
    });
  }

 private:
  /// Starts an operation on the client's thread and blocks until it has called back.
  template <class T, class Start>
  Result<T> wait(Start start) {
    std::promise<Result<T>> result;
    asio::post(thread_.context(), [&] {
      auto id = std::make_shared<OperationId>();
      *id = start(Callback<void(Result<T>)>([this, &result, id](Result<T> value) {
        running_.erase(*id);
        result.set_value(std::move(value));
      }));
      running_.insert(*id);
    });
    return result.get_future().get();
  }

  LogSink& log_;
  crypto::SodiumEntropy entropy_;
  asio_net::ThreadRunner thread_;
  asio_net::AsioExecutor executor_;
  asio_net::AsioTimers timers_;
  const std::shared_ptr<Carrier> carrier_;
  std::unique_ptr<ChannelSessionFactory> sessions_;
  std::unique_ptr<asio_net::AsioTransport> transport_;
  std::unique_ptr<Client> client_;
  std::set<OperationId> running_;  ///< The client's thread only.
};

}  // namespace
}  // namespace host

Result<std::unique_ptr<ClientHost>> ClientHost::open(const Config& config, LogSink& log) {
  const Status valid = validate(config, false);
  if (!valid.ok()) return valid.error();
  auto made = std::make_unique<host::ThreadedClient>(log);
  const Status opened = made->open(config);
  if (!opened.ok()) return opened.error();
  return std::unique_ptr<ClientHost>(std::move(made));
}

const char* version() noexcept { return "0.1.0"; }

}  // namespace cloudp2p
