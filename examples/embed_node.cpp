// A program that is a member of the cluster, on its own thread. Settings come from the environment, as the server's do:
//   ENCRYPTION_KEY=… NODE_ID=1 PEERS=1=host:7001,2=host:7002,3=host:7003 SHARED_DIR=./images ./embed_node
// SIGTERM or Ctrl-C hands leadership over and ends.
#include <cloudp2p/host.hpp>

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
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);  // Before any thread exists: all of them inherit it.

  const auto config = cloudp2p::load_config({}, environment);
  if (!config) return fail(config.error());
  ConsoleLog log;  // Outlives the host.
  const auto host = cloudp2p::Host::open(*config, log);
  if (!host) return fail(host.error());

  std::cout << "listening on port " << (*host)->port() << '\n';
  int signal = 0;
  sigwait(&stop, &signal);
  (*host)->drain(std::chrono::seconds(2));  // Without it the others need a failure timeout to notice.
  const cloudp2p::NodeStatus status = (*host)->status();
  std::cout << status.catalog.images << " images, " << status.under_replicated << " with too few copies\n";
}
