// A member: the real adapters around a Node.
#include "asio/asio_executor.hpp"
#include "asio/asio_timers.hpp"
#include "asio/asio_transport.hpp"
#include "core/config_checks.hpp"
#include "crypto/digest.hpp"
#include "crypto/sodium_entropy.hpp"
#include "host/channel_session.hpp"
#include "host/run_on.hpp"
#include "store/directory_image_store.hpp"
#include "store/shared_directory.hpp"
#include "store/sqlite_catalog.hpp"
#include "store/state_file.hpp"

#include <cloudp2p/asio.hpp>

#include <fmt/format.h>

namespace cloudp2p {
namespace host {
namespace {

class StoreHasher final : public store::Hasher {
 public:
  void update(ByteView bytes) override { hasher_.update(bytes); }
  [[nodiscard]] Digest finish() override { return hasher_.finish(); }

 private:
  crypto::DigestHasher hasher_;
};

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.rfind("127.", 0) == 0;
}

/// Whether these keys will do for a node that listens there.
Status suits_a_node(const Config& config, const Credentials& credentials) {
  const crypto::KeyRing& keys = *credentials.keys;
  const Address listen = listen_address(config);
  if (keys.mode() == crypto::Mode::open && !is_loopback(listen.host)) {
    return Error{Errc::bad_config, fmt::format("no encryption key is set, and {} is not a loopback address: make a key with "
                                               "`cloud-p2p-client keygen FILE` and set encryption_key_file, or "
                                               "ENCRYPTION_KEY, on every machine",
                                               to_string(listen))};
  }
  if (keys.mode() != crypto::Mode::open && !keys.slots.front().nodes) {
    return Error{Errc::bad_key, "this key is for clients only: a node needs the cluster key"};
  }
  return {};
}

/// The real ports of one node, opened; everything on the node's thread.
class Member final : public AsioHost {
 public:
  Member(const asio::any_io_executor& executor, const Config& config, LogSink& log, HostOptions options)
      : config_(config), options_(std::move(options)), log_(log), executor_(executor), timers_(executor), asio_(executor) {}

  ~Member() override {
    node_.reset();
    transport_.reset();
    shared_.reset();
    images_.reset();
    catalog_.reset();
    state_.reset();
    timers_.stop();
    executor_.stop();
  }

  [[nodiscard]] Status open() {
    Status opened = open_channel();
    if (opened.ok()) opened = open_disk();
    if (!opened.ok()) return opened;
    Result<std::unique_ptr<Node>> node = Node::open(
        config_, NodePorts{&executor_, transport_.get(), &timers_, &entropy_, &log_, images_.get(), catalog_.get(),
                           state_.get(), shared_.get()},
        extras_);
    if (!node.ok()) return node.error();
    node_ = std::move(*node);
    return node_->start();
  }

  NodeStatus status() override { return node_->status(); }
  TransportCounters transport_counters() override { return transport_->counters(); }
  [[nodiscard]] std::uint16_t port() const override { return transport_->port(); }
  Node& node() override { return *node_; }
  void drain(std::chrono::milliseconds) override {}  // blocks the node's own thread: Host::open's wrapper does it
  void drain_async(std::chrono::milliseconds patience, Callback<void()> done) override {
    node_->drain(patience, std::move(done));
  }
  [[nodiscard]] Status reload(const Config& wanted) override {
    // A list of peers without this node is not refused: the node is to be removed, and stays until it is.
    if (Status valid = validate(wanted, false); !valid.ok()) return valid.error();
    if (Status named = core::validate_named(wanted); !named.ok()) return named;
    if (wanted.node_id != config_.node_id) return Error{Errc::bad_config, "NODE_ID: a running node keeps its id"};
    Config config = wanted;
    config.listen = listen_address(config_);
    Result<Credentials> credentials = load_credentials(config);
    if (!credentials.ok()) return credentials.error();
    if (Status suits = suits_a_node(config, *credentials); !suits.ok()) return suits;
    if (credentials->keys->mode() != mode_) {
      return Error{Errc::bad_config, "switching keys or identities on or off needs a restart"};
    }
    sessions_->replace(std::move(*credentials));
    node_->reload(config);
    return {};
  }

 private:
  [[nodiscard]] Status open_channel() {
    Result<Credentials> credentials = load_credentials(config_);
    if (!credentials.ok()) return credentials.error();
    if (Status suits = suits_a_node(config_, *credentials); !suits.ok()) return suits;
    mode_ = credentials->keys->mode();
    if (mode_ == crypto::Mode::open) {
      log_.log_event(LogLevel::warning, "no_key", "no encryption key is set: anybody on this machine may join; make one with "
                                  "`cloud-p2p-client keygen FILE`");
    }
    sessions_ = std::make_unique<ChannelSessionFactory>(ChannelSessionFactory::Self{Role::node, config_.node_id},
                                                        std::move(*credentials), limits::kChunkBytesDefault);
    asio_net::TransportOptions options;
    options.listen = listen_address(config_);
    transport_ = std::make_unique<asio_net::AsioTransport>(asio_net::TransportPorts{asio_, *sessions_, entropy_, log_},
                                                           options);
    return {};
  }

  [[nodiscard]] Status open_disk() {
    store::StoreDirectoryOptions options;
    if (config_.free_bytes_min) {
      options.space.floor_bytes = *config_.free_bytes_min;
      options.space.floor_percent = 100;
    }
    if (config_.shared && options_.image_store) {
      return Error{Errc::bad_config, "shared: the images can not be in a store of the program and in a shared directory"};
    }
    if (config_.shared) options.shared_as = config_.node_id;
    Result<std::unique_ptr<store::StoreDirectory>> directory =
        store::StoreDirectory::open(config_.shared_dir, options, entropy_);
    if (!directory.ok()) return directory.error();
    directory_ = std::move(*directory);
    const auto hasher = [] { return std::make_unique<StoreHasher>(); };
    state_ = std::make_unique<store::StateFile>(executor_, *directory_);
    if (config_.shared) {
      shared_ = std::make_unique<store::SharedDirectory>(executor_, *directory_, hasher, config_.node_id, log_);
      return {};
    }
    if (options_.image_store) {
      images_ = options_.image_store(executor_);
    } else {
      images_ = std::make_unique<store::DirectoryImageStore>(executor_, *directory_, hasher, log_);
    }
    if (directory_->is_copy()) {
      log_.log_event(LogLevel::warning, "store_is_copy", fmt::format("{} is a copy of a store: the state and the catalog that came with it are in "
                                              "the quarantine, the catalog is rebuilt from the image files",
                                              directory_->path()));
    }
    Status opened = open_catalog();
    if (opened.code() != Errc::format) return opened;
    log_.log_event(LogLevel::error, "catalog_set_aside", opened.error().text() + "; it is put into the quarantine and rebuilt from the image files");
    if (Status aside = directory_->set_aside({store::kCatalogFile, store::kCatalogLogFile}); !aside.ok()) return aside;
    return open_catalog();
  }

  [[nodiscard]] Status open_catalog() {
    store::SqliteCatalogOptions options;
    options.journal.path = directory_->meta_path() + "/journal";
    // Tombstones and votes must find room on the fullest disk, and not only when it is next looked at.
    options.make_room = [disk = directory_.get()] { return disk->tend_reserve(); };
    catalog_ = std::make_unique<store::SqliteCatalog>(directory_->meta_path() + "/" + store::kCatalogFile, executor_, log_,
                                                      std::move(options));
    if (Status opened = catalog_->open(); !opened.ok()) return opened;
    extras_.store_is_copy = directory_->is_copy();
    const bool settled = directory_->is_copy() && catalog_->owner() && !catalog_->owner()->is_zero();
    return settled ? directory_->settle_copy() : Status();
  }

  const Config config_;
  const HostOptions options_;
  LogSink& log_;
  crypto::SodiumEntropy entropy_;
  asio_net::AsioExecutor executor_;
  asio_net::AsioTimers timers_;
  const asio::any_io_executor asio_;
  crypto::Mode mode_ = crypto::Mode::open;
  NodeExtras extras_;
  std::unique_ptr<ChannelSessionFactory> sessions_;
  std::unique_ptr<store::StoreDirectory> directory_;
  std::unique_ptr<ImageStore> images_;
  std::unique_ptr<store::StateFile> state_;
  std::unique_ptr<store::SharedDirectory> shared_;  ///< Instead of images and catalog.
  std::unique_ptr<store::SqliteCatalog> catalog_;
  std::unique_ptr<asio_net::AsioTransport> transport_;
  std::unique_ptr<Node> node_;
};

/// A Member on a thread of its own; calls are carried there and waited for.
class ThreadedHost final : public Host {
 public:
  explicit ThreadedHost(LogSink& log) : thread_("cloudp2p-node", log) {}
  ~ThreadedHost() override {
    if (member_) {
      run_on(thread_, [this] {
        member_.reset();
        return 0;
      });
    }
    thread_.stop();
  }

  [[nodiscard]] Status open(const Config& config, LogSink& log, HostOptions options) {
    thread_.start();
    return run_on(thread_, [&]() -> Status {
      member_ = std::make_unique<Member>(thread_.context().get_executor(), config, log, std::move(options));
      Status opened = member_->open();
      if (!opened.ok()) member_.reset();
      return opened;
    });
  }

  NodeStatus status() override {
    return run_on(thread_, [this] { return member_->status(); });
  }
  TransportCounters transport_counters() override {
    return run_on(thread_, [this] { return member_->transport_counters(); });
  }
  [[nodiscard]] std::uint16_t port() const override { return member_->port(); }
  void drain(std::chrono::milliseconds patience) override {
    std::promise<void> drained;
    run_on(thread_, [&] {
      member_->drain_async(patience, [&drained] { drained.set_value(); });
      return 0;
    });
    drained.get_future().wait();
  }
  [[nodiscard]] Status reload(const Config& config) override {
    return run_on(thread_, [&] { return member_->reload(config); });
  }

 private:
  asio_net::ThreadRunner thread_;
  std::unique_ptr<Member> member_;
};

}  // namespace
}  // namespace host

Status Host::check(const Config& config) {
  if (Status valid = validate(config, true); !valid.ok()) return valid;
  const Result<host::Credentials> credentials = host::load_credentials(config);
  return credentials.ok() ? host::suits_a_node(config, *credentials) : Status(credentials.error());
}

Result<std::unique_ptr<Host>> Host::open(const Config& config, LogSink& log, HostOptions options) {
  auto made = std::make_unique<host::ThreadedHost>(log);
  const Status opened = made->open(config, log, std::move(options));
  if (!opened.ok()) return opened.error();
  return std::unique_ptr<Host>(std::move(made));
}

Result<std::unique_ptr<AsioHost>> open_host(const asio::any_io_executor& executor, const Config& config, LogSink& log,
                                            HostOptions options) {
  auto made = std::make_unique<host::Member>(executor, config, log, std::move(options));
  const Status opened = made->open();
  if (!opened.ok()) return opened.error();
  return std::unique_ptr<AsioHost>(std::move(made));
}

}  // namespace cloudp2p
