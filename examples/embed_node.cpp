// A program with an event loop of its own becomes a member of the cluster: the node runs on that loop, only disk work and
// bulk transfers have threads. Settings come from the environment, as the server's do:
//   ENCRYPTION_KEY=… NODE_ID=1 PEERS=1=host:7001,2=host:7002,3=host:7003 SHARED_DIR=./images ./embed_node
// SIGTERM or Ctrl-C hands leadership over and ends.
#include <cloudp2p/asio.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace {

class ConsoleLog final : public cloudp2p::LogSink {
 public:
  // From any thread: one write a line, so that lines stay whole.
  void log(cloudp2p::LogLevel level, std::string_view line) override {
    if (level != cloudp2p::LogLevel::debug) std::clog << std::string(line) + '\n';
  }
};

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int fail(const cloudp2p::Error& error) {
  std::cerr << error.text() << '\n';
  return EXIT_FAILURE;
}

}  // namespace

int main() {
  const auto config = cloudp2p::load_config({}, environment);
  if (!config) return fail(config.error());
  ConsoleLog log;         // Outlives the host,
  asio::io_context loop;  // and so does the loop.
  const auto host = cloudp2p::open_host(loop.get_executor(), *config, log);
  if (!host) return fail(host.error());
  std::cout << "listening on port " << (*host)->port() << std::endl;

  asio::signal_set signals(loop, SIGINT, SIGTERM);
  signals.async_wait([&](const std::error_code&, int) {
    // Without it the others need a failure timeout to notice. `drain` would block the loop that it waits for.
    (*host)->drain_async(std::chrono::seconds(2), [&loop] { loop.stop(); });
  });
  loop.run();  // The node, and whatever else the program does on it.
  const cloudp2p::NodeStatus status = (*host)->status();
  std::cout << status.catalog.images << " images, " << status.under_replicated << " with too few copies\n";
}
