// nemesis: real nodes in network namespaces of their own, clients that work all the time, and faults drawn from a seed.
//   nemesis [--seed N] [--seconds S] [--nodes N] [--clients N] [--server PATH] [--keep FOLDER] [--only FAULT] [--break RULE]
// With --break the servers break a rule of docs/protocol.md on purpose: then it has to find something.
// Exit status: 0 nothing found, 1 something found (with --break the other way round), 2 usage, 77 this machine does not allow it, 130 interrupted.
#include "nemesis/injector.hpp"
#include "nemesis/sandbox.hpp"
#include "nemesis/verdict.hpp"
#include "support/rule_names.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

namespace {

using namespace nemesis;
using std::chrono::seconds;

constexpr int kUsage = 2;
constexpr int kInterrupted = 130;
constexpr seconds kCallMax{90};                   ///< Everything works by then.
constexpr std::uint64_t kDiskBytes = 3ULL << 30;  ///< Of each node; in memory, taken as it is used.
constexpr std::uint64_t kSecondsMax = 1'200;      ///< More does not fit there: deleted images stay in the trash.

struct Options {
  std::uint64_t seed = 0;
  std::uint64_t run_seconds = 300;
  std::uint64_t nodes = 5;
  std::uint64_t clients = 8;
  std::string server = CLOUD_P2P_EXE;
  std::string keep;  ///< Empty: a folder named by the seed, and only when something was found.
  std::string only;
  std::string broken_rule;
};

bool read_number(const std::string& text, std::uint64_t low, std::uint64_t high, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= low && out <= high;
}

bool breaks([[maybe_unused]] const std::string& rule, [[maybe_unused]] Options& out) {
#ifdef BROKEN_EXE
  out.server = BROKEN_EXE;
  out.broken_rule = rule;
  return support::rule_named(rule).has_value();
#else
  return false;
#endif
}

bool read_options(const std::vector<std::string>& words, Options& out) {
  std::random_device entropy;
  out.seed = entropy();
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    const std::string& value = words[i + 1];
    bool right = true;
    if (words[i] == "--seed")
      right = read_number(value, 0, UINT64_MAX, out.seed);
    else if (words[i] == "--seconds")
      right = read_number(value, 1, kSecondsMax, out.run_seconds);
    else if (words[i] == "--nodes")
      right = read_number(value, 3, kNodesMax, out.nodes);
    else if (words[i] == "--clients")
      right = read_number(value, 1, 64, out.clients);
    else if (words[i] == "--server")
      out.server = std::filesystem::absolute(value);
    else if (words[i] == "--keep")
      out.keep = std::filesystem::absolute(value);
    else if (words[i] == "--break")
      right = breaks(value, out);
    else if (words[i] == "--only")
      right = is_fault(out.only = value);
    else
      right = false;
    if (!right) return false;
  }
  return words.size() % 2 == 0;
}

cloudp2p::Config client_config(const Nodes& nodes) {
  const cloudp2p::ConfigFlags flags{nodes.config_path(), {}, {}, {}, {}, {}, {}, {}, {}};
  auto config = cloudp2p::load_config(flags, [](const char*) { return std::nullopt; });
  if (!config.ok()) throw std::runtime_error(config.error().text());
  config->timeout = seconds(10);
  return *config;
}

void print_counts(const Injector& injector, const Book& book, const Verdict& verdict) {
  fmt::print("faults injected:\n");
  for (const auto& [fault, count] : injector.counts())
    fmt::print("  {:16} {}\n", name_of(fault), count);
  fmt::print("  (bits flipped: {}{})\n", injector.bits_flipped(),
             kClocksMove ? "" : "; clock steps: none, this sanitizer does not allow the library that makes them");
  fmt::print("calls, by outcome:\n{}", book.table());
  fmt::print(
      "converged {:.1f} s after the last fault; {} images stored, {} deleted or never stored; {} files right; "
      "{} damaged copies found by verify and repaired\n",
      verdict.converged_s, verdict.present, verdict.deleted, verdict.files, verdict.damaged);
}

/// Out of the sandbox, which goes with this process.
std::string keep_everything(const Options& options, const Book& book, const Injector& injector) {
  namespace fs = std::filesystem;
  const fs::path folder =
      options.keep.empty() ? fs::path(fmt::format("/tmp/cloudp2p-nemesis-{}", options.seed)) : fs::path(options.keep);
  fs::create_directories(folder);
  std::ofstream(folder / "calls.tsv") << book.calls();
  std::ofstream(folder / "schedule.txt") << injector.diary();
  std::ofstream(folder / "violations.txt") << book.violations();
  std::error_code error;
  fs::copy(kScratch, folder,
           fs::copy_options::recursive | fs::copy_options::overwrite_existing | fs::copy_options::skip_symlinks, error);
  return folder.string() + (error ? " (not all of it: " + error.message() + ")" : "");
}

/// Whether a rule that is broken on purpose was noticed.
int report_broken(const Options& options, const Book& book) {
  if (book.clean()) {
    fmt::print(stderr, "nemesis: NOT NOTICED in {} s, seed {}: {}\n", options.run_seconds, options.seed,
               options.broken_rule);
    return 1;
  }
  const std::string violations = book.violations();
  fmt::print("nemesis: noticed after {:.0f} s, seed {}: {}\n{}\n", book.seconds(), options.seed, options.broken_rule,
             violations.substr(0, violations.find('\n')));
  return 0;
}

int report(const Options& options, const Book& book, const Injector& injector) {
  if (book.clean()) {
    fmt::print("nemesis: nothing found, seed {}\n", options.seed);
    if (!options.keep.empty()) fmt::print("kept: {}\n", keep_everything(options, book, injector));
    return 0;
  }
  fmt::print(stderr, "nemesis: FOUND, seed {}\n{}\nfaults:\n{}", options.seed, book.violations(), injector.diary());
  fmt::print(stderr, "kept: {}\nagain: nemesis --seed {} --seconds {} --nodes {} --clients {}{}\n",
             keep_everything(options, book, injector), options.seed, options.run_seconds, options.nodes,
             options.clients, options.only.empty() ? "" : fmt::format(" --only '{}'", options.only));
  return 1;
}

int run(const Options& options) {
  const seconds length(options.run_seconds);
  const auto count = static_cast<unsigned>(options.nodes);
  fmt::print("nemesis: seed {}, {} s, {} nodes, {} clients\n", options.seed, options.run_seconds, count,
             options.clients);
  std::fflush(stdout);
  Network network(count);
  Nodes nodes(network, {options.server, options.broken_rule}, kScratch, count, kDiskBytes);
  Book book(static_cast<unsigned>(options.seed * 100'003));
  Injector injector(network, nodes, book);
  for (unsigned node = 1; node <= count; ++node)
    nodes.start(node);
  const cloudp2p::Config config = client_config(nodes);
  Verdict verdict;
  double healed_s = 0;
  {
    Load load(config, book, {static_cast<unsigned>(options.clients), options.seed, kScratch});
    injector.run(draw_schedule(options.seed, count, length, options.only), load, length);
    injector.heal();
    healed_s = book.seconds();
    if (book.clean() && !asked_to_end() && !load.drain(kCallMax))
      book.violated(
          fmt::format("calls that were under way have not ended {} s after the last fault", kCallMax.count()));
  }
  if (book.clean() && !asked_to_end()) verdict = judge_end(*open_client(config), nodes, book, injector.fickle_node());
  if (verdict.converged_s > 0) verdict.converged_s -= healed_s;
  for (const std::string& surprise : nodes.end())
    book.violated(surprise);
  if (asked_to_end()) return kInterrupted;
  if (book.succeeded("upload") == 0) book.violated("no upload was ever acknowledged");
  print_counts(injector, book, verdict);
  std::fflush(stdout);
  return options.broken_rule.empty() ? report(options, book, injector) : report_broken(options, book);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options({argv + 1, argv + argc}, options)) {
    fmt::print(stderr,
               "nemesis [--seed N] [--seconds 1-{}] [--nodes 3-{}] [--clients 1-64] [--server PATH] [--keep FOLDER] "
               "[--only FAULT] [--break RULE]\n",
               kSecondsMax, kNodesMax);
    return kUsage;
  }
  return in_sandbox([&] { return run(options); });
}
