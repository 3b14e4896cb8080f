#include "crash/recorded_cluster.hpp"

#include "asio/asio_executor.hpp"
#include "asio/asio_timers.hpp"
#include "asio/asio_transport.hpp"
#include "crash/node_disk.hpp"
#include "crash/told_transport.hpp"
#include "crypto/sodium_entropy.hpp"
#include "host/channel_session.hpp"
#include "host/run_on.hpp"
#include "support/cluster.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <thread>

namespace crash {

using namespace cloudp2p;
using support::eventually;

class RecordedNode {
 public:
  RecordedNode(const Config& config, std::size_t log, LogSink& sink) : thread_("recorded", sink) {
    thread_.start();
    const Status opened = host::run_on(thread_, [&] { return open(config, log, sink); });
    REQUIRE_MESSAGE(opened.ok(), opened.error().text());
  }
  ~RecordedNode() {
    host::run_on(thread_, [this] {
      parts_.reset();
      return 0;
    });
    thread_.stop();
  }
  void reload(const Config& config) {
    host::run_on(thread_, [&] {
      parts_->node->reload(config);
      return 0;
    });
  }

 private:
  struct Parts {
    Parts(const asio::any_io_executor& at, const Config& config, host::Credentials credentials, std::size_t log,
          LogSink& sink)
        : executor(at),
          timers(at),
          sessions({Role::node, config.node_id}, std::move(credentials), limits::kChunkBytesDefault),
          tcp({at, sessions, entropy, sink}, transport_options(config)),
          told(tcp, log, config.node_id) {}
    ~Parts() {
      node.reset();
      tcp.stop();
      disk = {};
      timers.stop();
      executor.stop();
    }
    static asio_net::TransportOptions transport_options(const Config& config) {
      asio_net::TransportOptions out;
      out.listen = listen_address(config);
      return out;
    }

    crypto::SodiumEntropy entropy;
    asio_net::AsioExecutor executor;
    asio_net::AsioTimers timers;
    host::ChannelSessionFactory sessions;
    NodeDisk disk;
    asio_net::AsioTransport tcp;
    ToldTransport told;
    std::unique_ptr<Node> node;
  };

  Status open(const Config& config, std::size_t log, LogSink& sink) {
    Result<host::Credentials> credentials = host::load_credentials(config);
    if (!credentials.ok()) return credentials.error();
    parts_ = std::make_unique<Parts>(thread_.context().get_executor(), config, std::move(*credentials), log, sink);
    Parts& p = *parts_;
    if (Status status = p.disk.open(config.shared_dir, p.executor, p.entropy, sink); !status.ok()) return status;
    Result<std::unique_ptr<Node>> made =
        Node::open(config, {&p.executor, &p.told, &p.timers, &p.entropy, &sink, p.disk.images.get(), p.disk.catalog.get(),
                            p.disk.state.get()});
    if (!made.ok()) return made.error();
    p.node = std::move(*made);
    return p.node->start();
  }

  asio_net::ThreadRunner thread_;
  std::unique_ptr<Parts> parts_;
};

RecordedCluster::RecordedCluster(unsigned nodes, unsigned listed)
    : ports_(support::free_ports(nodes)), listed_(listed) {
  for (unsigned node = 1; node <= nodes; ++node) {
    std::filesystem::create_directory(disk_of(node));
    logs_[node] = Recorder::instance().begin(NodeId{node}, disk_of(node));
  }
  Config mine;
  mine.peers = peers(nodes);
  Result<std::unique_ptr<ClientHost>> opened = ClientHost::open(mine, silent_);
  REQUIRE_MESSAGE(opened.ok(), opened.error().text());
  client_ = std::move(*opened);
}

RecordedCluster::~RecordedCluster() {
  end();
  (void)logs();
}

std::vector<PeerAddress> RecordedCluster::peers(unsigned listed) const {
  std::vector<PeerAddress> out;
  for (unsigned node = 1; node <= listed; ++node) {
    out.push_back({NodeId{node}, {"127.0.0.1", static_cast<std::uint16_t>(ports_.at(node - 1))}});
  }
  return out;
}

Config RecordedCluster::config(unsigned node) const {
  Config out;
  out.node_id = NodeId{node};
  out.peers = peers(listed_);
  out.listen = peers(node).back().address;
  out.shared_dir = disk_of(node) + "/images";
  out.timing.takeover_delay = std::chrono::milliseconds(500);
  return out;
}

void RecordedCluster::start(unsigned node) {
  nodes_[node] = std::make_unique<RecordedNode>(config(node), logs_.at(node), silent_);
}

void RecordedCluster::stop(unsigned node) {
  nodes_.erase(node);
}

void RecordedCluster::list(unsigned listed) {
  listed_ = listed;
  for (const auto& [node, running] : nodes_) running->reload(config(node));
}

Digest RecordedCluster::upload(std::size_t bytes, unsigned seed) {
  const std::string image = support::picture(bytes, seed);
  const auto source = memory_source("picture.jpg", Buffer::copy_of(std::as_bytes(std::span(image))));
  const Result<UploadOutcome> outcome = client_->upload(source);
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().text());
  return outcome->digest;
}

void RecordedCluster::upload_together(std::size_t count, std::size_t bytes, unsigned first_seed) {
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.emplace_back([this, bytes, seed = first_seed + static_cast<unsigned>(i)] { upload(bytes, seed); });
  }
  for (std::thread& client : clients) client.join();
}

void RecordedCluster::remove(const Digest& image) {
  const Result<ImageRecord> removed = client_->remove(image.hex());
  REQUIRE_MESSAGE(removed.ok(), removed.error().text());
  deleted_.insert(image);
}

void RecordedCluster::step_down() {
  const Result<StepDownOutcome> outcome = client_->step_down();
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().text());
}

void RecordedCluster::wait_until_whole(std::size_t members, std::size_t running) {
  std::string last;
  const bool whole = eventually([&] {
    const Result<ClusterView> view = client_->members();
    if (!view.ok()) return last = view.error().text(), false;
    last = "leader " + to_string(view->leader) + "; " + view->change;
    std::size_t counted = 0;
    std::size_t complete = 0;
    for (const MemberView& member : view->members) {
      if (member.member) ++counted;
      if (member.voter && member.reachable && member.report.missing == 0) ++complete;
    }
    return view->answered_by == view->leader && view->change.empty() && counted == members && complete == running;
  });
  REQUIRE_MESSAGE(whole, last);
}

void RecordedCluster::wait_for_leader(unsigned node) {
  const bool leads = eventually([&] {
    const Result<LeaderView> leader = client_->discover();
    return leader.ok() && leader->leader == NodeId{node};
  });
  REQUIRE_MESSAGE(leads, "node " << node << " does not lead");
}

void RecordedCluster::end() {
  nodes_.clear();
}

}  // namespace crash
