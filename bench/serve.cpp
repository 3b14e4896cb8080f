#include "serve.hpp"

#include <cloudp2p/host.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bench {
namespace {

constexpr const char* kStatusFormat = "[status] transactions=%llu changes=%llu\n";

class PrintedLog final : public cloudp2p::LogSink {
 public:
  void log(cloudp2p::LogLevel level, std::string_view line) override {
    if (level == cloudp2p::LogLevel::debug) return;
    std::fprintf(stdout, "%.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
  }
};

int fail(const cloudp2p::Error& error) {
  std::fprintf(stdout, "node: %s\n", error.text().c_str());
  return 1;
}

}  // namespace

int serve() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1})
    sigaddset(&signals, number);
  // Before any thread begins: all inherit it.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  PrintedLog log;
  const auto config = cloudp2p::load_config({}, [](const char* name) -> std::optional<std::string> {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
  if (!config) return fail(config.error());
  const auto host = cloudp2p::Host::open(*config, log);
  if (!host) return fail(host.error());
  int number = 0;
  while (sigwait(&signals, &number) == 0 && number == SIGUSR1) {
    const cloudp2p::NodeStatus status = (*host)->status();
    std::fprintf(stdout, kStatusFormat, static_cast<unsigned long long>(status.catalog.transactions),
                 static_cast<unsigned long long>(status.catalog.changes));
    std::fflush(stdout);
  }
  (*host)->drain(std::chrono::seconds(5));
  return 0;
}

std::optional<NodeLine> last_status(const std::string& output, std::size_t from) {
  const std::size_t at = output.rfind("[status] ");
  if (at == std::string::npos || at < from || output.find('\n', at) == std::string::npos) return std::nullopt;
  unsigned long long transactions = 0;
  unsigned long long changes = 0;
  if (std::sscanf(output.c_str() + at, kStatusFormat, &transactions, &changes) != 2) return std::nullopt;
  return NodeLine{transactions, changes};
}

}  // namespace bench
