#include "core/client_core.hpp"

#include "core/client_get.hpp"
#include "core/client_queries.hpp"
#include "core/client_upload.hpp"

namespace cloudp2p {

Result<std::unique_ptr<Client>> Client::open(const Config& config, const ClientPorts& ports) {
  if (ports.executor == nullptr || ports.transport == nullptr || ports.timers == nullptr || ports.entropy == nullptr)
    return Error{Errc::invalid_argument, "a client needs an executor, a transport, timers and entropy"};
  if (const Status valid = validate(config, false); !valid.ok()) return valid.error();
  auto client = std::make_unique<core::ClientCore>(config, ports);
  if (const Status started = client->start(); !started.ok()) return started.error();
  return std::unique_ptr<Client>(std::move(client));
}

namespace core {

ClientCore::ClientCore(const Config& config, const ClientPorts& ports)
    : config_(config), ports_(ports), links_(config, ports, *this), search_(std::make_shared<LeaderSearch>(*this)) {}

Status ClientCore::start() {
  return ports_.transport->start(*this);
}

ClientCore::~ClientCore() {
  search_->stop();
  while (!operations_.empty()) {
    const std::shared_ptr<Operation> operation = operations_.begin()->second;
    operation->fail({Errc::cancelled, "the client was closed"});
  }
  ports_.transport->stop();
}

OperationId ClientCore::begin(std::shared_ptr<Operation> operation) {
  const OperationId id = operation->id();
  operations_.emplace(id, operation);
  operation->begin();
  return id;
}

OperationId ClientCore::discover(Callback<void(Result<LeaderView>)> done) {
  return begin(std::make_shared<Discover>(*this, next_id(), std::move(done)));
}

OperationId ClientCore::upload(std::shared_ptr<ImageSource> source, ProgressCallback progress,
                               Callback<void(Result<UploadOutcome>)> done) {
  return begin(std::make_shared<UploadOperation>(*this, next_id(), std::move(done), std::move(source),
                                                 Progress(std::move(progress))));
}

OperationId ClientCore::get(std::string prefix, std::shared_ptr<ImageSink> sink, ProgressCallback progress,
                            Callback<void(Result<ImageInfo>)> done, ReadFrom first) {
  return begin(std::make_shared<GetOperation>(*this, next_id(), std::move(done), std::move(prefix), std::move(sink),
                                              Progress(std::move(progress)), first));
}

OperationId ClientCore::info(std::string prefix, Callback<void(Result<ImageInfo>)> done) {
  return begin(std::make_shared<InfoOperation>(*this, next_id(), std::move(done), std::move(prefix)));
}

OperationId ClientCore::remove(std::string prefix, Callback<void(Result<ImageRecord>)> done) {
  return begin(std::make_shared<RemoveOperation>(*this, next_id(), std::move(done), std::move(prefix)));
}

OperationId ClientCore::list(ListQuery query, Callback<void(Result<ListPage>)> done) {
  return begin(std::make_shared<ListOperation>(*this, next_id(), std::move(done), std::move(query)));
}

OperationId ClientCore::members(Callback<void(Result<ClusterView>)> done) {
  return begin(std::make_shared<MembersOperation>(*this, next_id(), std::move(done)));
}

OperationId ClientCore::verify(const Digest& digest, Callback<void(Result<std::vector<CopyCheck>>)> done) {
  return begin(std::make_shared<VerifyOperation>(*this, next_id(), std::move(done), digest));
}

OperationId ClientCore::scrub(ScrubAction action, std::vector<NodeId> nodes,
                              Callback<void(Result<std::vector<ScrubView>>)> done) {
  return begin(std::make_shared<ScrubOperation>(*this, next_id(), std::move(done), action, std::move(nodes)));
}

OperationId ClientCore::ping(NodeId node, Callback<void(Result<LeaderView>)> done) {
  return begin(std::make_shared<PingOperation>(*this, next_id(), std::move(done), node));
}

OperationId ClientCore::step_down(Callback<void(Result<StepDownOutcome>)> done) {
  return begin(std::make_shared<StepDownOperation>(*this, next_id(), std::move(done)));
}

void ClientCore::cancel(OperationId operation) {
  const auto at = operations_.find(operation);
  if (at == operations_.end()) return;
  const std::shared_ptr<Operation> found = at->second;
  found->fail({Errc::cancelled, {}});
}

void ClientCore::log(const std::string& line) const {
  if (ports_.log != nullptr) ports_.log->log_event(LogLevel::debug, "client", line);
}

void ClientCore::cancel_timer(TimerId& timer) {
  if (timer != kNoTimer) ports_.timers->cancel(timer);
  timer = kNoTimer;
}

Duration ClientCore::jittered(Duration delay) {
  const auto half = static_cast<std::uint64_t>(delay.count() / 2);
  return delay * 3 / 4 + Duration(static_cast<Duration::rep>(ports_.entropy->below(half + 1)));
}

RequestId ClientCore::expect(NodeId node, std::shared_ptr<ClientListener> listener) {
  const RequestId request = ++last_request_;
  routes_.emplace(request, Route{node, std::move(listener)});
  links_.begin_wait(node);
  return request;
}

void ClientCore::forget(RequestId request) {
  const auto at = routes_.find(request);
  if (at == routes_.end()) return;
  const std::shared_ptr<ClientListener> alive = std::move(at->second.listener);
  links_.end_wait(at->second.node);
  routes_.erase(at);
}

const KnownLeader* ClientCore::usable_leader() {
  const bool usable = known_.confirmed && links_.connection(known_.node) == known_.connection &&
                      known_.connection != kNoConnection && !links_.silent(known_.node);
  return usable ? &known_ : nullptr;
}

template <class F>
void ClientCore::tell_all(F&& tell) {
  std::vector<std::shared_ptr<Operation>> present;
  present.reserve(operations_.size());
  for (const auto& [id, operation] : operations_)
    present.push_back(operation);
  for (const auto& operation : present)
    if (!operation->finished()) tell(*operation);
}

bool ClientCore::leader_wanted() const {
  return std::any_of(operations_.begin(), operations_.end(),
                     [](const auto& entry) { return entry.second->wants_leader(); });
}

void ClientCore::leader_found(const KnownLeader& leader) {
  known_ = leader;
  tell_all([leader](Operation& operation) { operation.on_leader(leader); });
}

void ClientCore::search_failed(const Error& error) {
  tell_all([&](Operation& operation) { operation.on_search_failed(error); });
}

void ClientCore::on_dial_failed(NodeId peer, Lane, DialFailure failure, const Error& error) {
  links_.on_dial_failed(peer, failure, error);
}

void ClientCore::on_link_ready(NodeId node) {
  search_->on_link_ready(node);
  tell_all([&](Operation& operation) { operation.on_link_ready(node); });
}

void ClientCore::on_link_failed(NodeId node, const Error& error) {
  search_->on_link_failed(node, error);
  tell_all([&](Operation& operation) { operation.on_link_failed(node, error); });
}

void ClientCore::on_link_silent(NodeId node) {
  tell_all([&](Operation& operation) { operation.on_link_silent(node); });
}

void ClientCore::on_link_drained(NodeId node) {
  tell_all([&](Operation& operation) { operation.on_link_drained(node); });
}

void ClientCore::on_link_message(NodeId node, wire::Message message, Buffer payload) {
  const RequestId request = std::visit(
      [](const auto& body) -> RequestId {
        if constexpr (requires { body.request; })
          return body.request;
        else
          return 0;
      },
      message);
  const auto at = routes_.find(request);
  if (at == routes_.end() || at->second.node != node) return;  // Late, or not asked: nobody waits for it.
  const std::shared_ptr<ClientListener> listener = at->second.listener;
  listener->on_answer(request, message, std::move(payload));
}

}  // namespace core
}  // namespace cloudp2p
