#include "options.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace bench {
namespace {

constexpr const char* kHelp =
    R"(cloudp2p_bench: what three nodes on this machine do, beside what this machine can do.

  --only PARTS     comma-separated: machine, transfer, memory, catalog, startup, kill, stop, straggler,
                   repair, million; default all
                   ratio: of transfer, only what is compared with the probe
  --quick          shorter and rougher
  --runs N         measure every rate N times and take the median (default 3)
  --json FILE      also write every figure as JSON
  --server FILE    run this cloud-p2p executable as the nodes, instead of the same library in this program
  --dir FOLDER     keep everything below this folder, on a disk (default: $TMPDIR, /tmp or /var/tmp)
  --rest SECONDS   let the disk recover for so long before each probe and each load of uploads (default 10)
  --keep           leave the emptied files there: the next run need not wait until ext4 has forgotten them
  --hosts N        at most N client connections; more clients share them (default 16)
  --log            show the nodes' log lines

docs/benchmarks.md says what each figure means. Exit status: 0 all targets met, 3 some missed, 1 failure, 2 usage.
)";

const std::set<std::string> kParts{"machine", "transfer", "memory", "catalog", "startup", "kill", "stop",
                                  "straggler", "repair", "million", "ratio"};

struct UsageError {
  std::string text;
};

unsigned number(const std::string& text, const std::string& flag) {
  char* end = nullptr;
  const unsigned long parsed = std::strtoul(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || parsed == 0 || parsed > 1000) {
    throw UsageError{flag + ": expected a number from 1 to 1000, not " + text};
  }
  return static_cast<unsigned>(parsed);
}

std::set<std::string> parts(const std::string& text) {
  std::set<std::string> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) {
    if (!kParts.contains(part)) throw UsageError{"--only: there is no part called " + part};
    out.insert(part);
  }
  return out;
}

Options parse(int argc, char** argv) {
  Options out;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= argc) throw UsageError{flag + " needs a value"};
      return argv[++i];
    };
    if (flag == "--only") {
      out.only = parts(value());
    } else if (flag == "--runs") {
      out.runs = number(value(), flag);
    } else if (flag == "--hosts") {
      out.client_hosts = number(value(), flag);
    } else if (flag == "--rest") {
      out.rest_seconds = number(value(), flag);
    } else if (flag == "--json") {
      out.json_file = value();
    } else if (flag == "--server") {
      out.server = value();
    } else if (flag == "--dir") {
      out.folder = value();
    } else if (flag == "--keep") {
      out.keep = true;
    } else if (flag == "--quick") {
      out.quick = true;
      out.runs = out.rest_seconds = 1;
    } else if (flag == "--log") {
      out.nodes_talk = true;
    } else {
      throw UsageError{"unknown option " + flag};
    }
  }
  return out;
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& exit_status) {
  exit_status = 0;
  if (argc > 1 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
    std::fputs(kHelp, stdout);
    return std::nullopt;
  }
  try {
    return parse(argc, argv);
  } catch (const UsageError& error) {
    std::fprintf(stderr, "cloudp2p_bench: %s\nTry: cloudp2p_bench --help\n", error.text.c_str());
    exit_status = 2;
    return std::nullopt;
  }
}

}  // namespace bench
