#include "serve.hpp"

#include "clock.hpp"

#include <cloudp2p/host.hpp>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bench {
namespace {

constexpr const char* kStatusFormat =
    "[status] transactions=%llu changes=%llu images=%llu missing=%llu repairs=%llu in=%llu out=%llu\n";

class PrintedLog final : public cloudp2p::LogSink {
 public:
  void log(cloudp2p::LogLevel level, std::string_view line) override {
    if (level == cloudp2p::LogLevel::debug) return;
    std::fprintf(stdout, "%.6f %.*s\n", Seconds(Clock::now().time_since_epoch()).count(), static_cast<int>(line.size()),
                 line.data());
    std::fflush(stdout);
  }
};

int fail(const cloudp2p::Error& error) {
  std::fprintf(stdout, "node: %s\n", error.text().c_str());
  return 1;
}

void print(const cloudp2p::NodeStatus& status, const cloudp2p::TransportCounters& traffic) {
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::fprintf(stdout, kStatusFormat, number(status.catalog.transactions), number(status.catalog.changes),
               number(status.catalog.images), number(status.catalog.missing), number(status.counters.repairs),
               number(traffic.bytes_in), number(traffic.bytes_out));
  std::fflush(stdout);
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
    print((*host)->status(), (*host)->transport_counters());
  }
  (*host)->drain(std::chrono::seconds(5));
  return 0;
}

std::optional<NodeLine> last_status(const std::string& output, std::size_t from) {
  const std::size_t at = output.rfind("[status] ");
  if (at == std::string::npos || at < from || output.find('\n', at) == std::string::npos) return std::nullopt;
  std::array<unsigned long long, 7> values{};
  auto& [transactions, changes, images, missing, repairs, in, out] = values;
  if (std::sscanf(output.c_str() + at, kStatusFormat, &transactions, &changes, &images, &missing, &repairs, &in,
                  &out) != static_cast<int>(values.size())) {
    return std::nullopt;
  }
  return NodeLine{transactions, changes, images, missing, repairs, in, out};
}

std::optional<double> time_of_line(const std::string& output, const std::string& words) {
  const std::size_t at = output.rfind(words);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t line = output.rfind('\n', at);
  return std::strtod(output.c_str() + (line == std::string::npos ? 0 : line + 1), nullptr);
}

}  // namespace bench
