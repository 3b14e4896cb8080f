#include "options.hpp"

#include "command_line/completion.hpp"
#include "command_line/manual.hpp"

#include <cloudp2p/host.hpp>

#include <CLI/CLI.hpp>

#include <iostream>

namespace server {
namespace {

constexpr const char* kFooter = R"(Environment (a flag beats it, it beats the config file):
  CONFIG_FILE     path of the config file
  NODE_ID         this node's number; the highest live one leads
  PEERS           1=host:port,2=host:port,3=host:port; replaces the file's list
  SHARED_DIR      where the images are kept, default ./images
  ENCRYPTION_KEY  the cluster's key, 64 hex digits; better: --encryption-key-file
  BIND            listen address, when it differs from the peer entry

Examples:
  cloud-p2p-client keygen cluster.key          make the one key of the cluster, then copy it to every machine
  cloud-p2p --config config.json --node-id 1 --encryption-key-file cluster.key
  CONFIG_FILE=config.json NODE_ID=1 ./cloud-p2p
  NODE_ID=1 SHARED_DIR=/tmp/n1 ./cloud-p2p     one of three nodes on this machine, ports 7001 to 7003

  config.json: {"peers": [{"id": 1, "address": "192.168.1.100:7001"}, ...], "shared_dir": "/srv/images"}

Signals:
  SIGTERM, SIGINT  finish uploads, hand leadership over, exit; a second one stops at once
  SIGHUP           read the config again: limits, keys, log level; reopen the log file

Exit status: 0 ok, 1 failure, 2 usage, 78 bad configuration)";

/// CLI11 gives exception texts over several lines; one is enough.
int usage_error(const std::string& text) {
  std::cerr << "cloud-p2p: " << cloudp2p::printable(text) << "\nTry: cloud-p2p --help\n";
  return kUsage;
}

void add_text(CLI::App& app, const char* name, std::optional<std::string>& out, const char* type, const char* help) {
  app.add_option_function<std::string>(
         name, [&out](const std::string& text) { out = text; }, help)
      ->type_name(type);
}

/// What is asked of the program about itself.
struct Questions {
  std::string manual;
  std::string completion;
};

/// Of no group: told to the build, not to people.
void add_hidden(CLI::App& app, Questions& questions) {
  app.add_option("--manual", questions.manual)->group("");
  app.add_option("--completion", questions.completion)->group("");
}

struct Unserved {
  std::string http = "off";
  std::string tls;
};

void add_options(CLI::App& app, Options& options, Unserved& unserved) {
  cloudp2p::ConfigFlags& flags = options.flags;
  add_text(app, "--config", flags.config_file, "FILE", "config file (JSON)");
  add_text(app, "--node-id", flags.node_id, "N", "this node's number among the peers");
  add_text(app, "--peers", flags.peers, "LIST", "1=host:port,2=host:port,...");
  add_text(app, "--shared-dir", flags.shared_dir, "DIR", "folder of the images, created when missing");
  add_text(app, "--listen", flags.listen, "HOST:PORT", "listen here instead of at the peer entry");
  add_text(app, "--encryption-key-file", flags.encryption_key_file, "FILE",
           "the cluster's key; without one: loopback only");
  app.add_option("--http", unserved.http, "only \"off\" in this version")->type_name("HOST:PORT|off");
  app.add_option("--tls-cert", unserved.tls, "not in this version")->type_name("FILE");
  app.add_option("--tls-key", unserved.tls, "not in this version")->type_name("FILE");
  add_text(app, "--log-level", flags.log_level, "debug|info|contract|warning|error",
           "what is less important is left out");
  add_text(app, "--log-format", flags.log_format, "text|json", "a line of text, or an object, for each event");
  add_text(app, "--log-file", flags.log_file, "FILE", "instead of stderr");
  CLI::Option* const check = app.add_flag("--check-config", options.check_config, "check the configuration and exit");
  app.add_flag("--print-config", options.print_config, "print the effective configuration as JSON and exit")
      ->excludes(check);
}

int answer(const Questions& questions, const CLI::App& app) {
  const std::string version = std::string("cloudp2p ") + cloudp2p::version();
  const command_line::ProgramWords words = command_line::words_of(app, "cloud-p2p");
  if (questions.manual == "cloud-p2p.json.5") {
    std::cout << command_line::config_page(cloudp2p::config_keys(), {"cloud-p2p.json", 5, version},
                                           {"cloud-p2p(8)", "cloud-p2p-client(1)"});
  } else if (!questions.manual.empty()) {
    std::cout << command_line::program_page(words, {"cloud-p2p", 8, version},
                                            {"cloud-p2p-client(1)", "cloud-p2p.json(5)"});
  } else {
    std::cout << command_line::completion_script(words, questions.completion);
  }
  return kOk;
}

}  // namespace

std::optional<int> parse(int argc, char** argv, Options& options) {
  CLI::App app("cloud-p2p: one node of a replicated image store.", "cloud-p2p");
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("cloud-p2p ") + cloudp2p::version());
  Questions questions;
  Unserved unserved;
  add_hidden(app, questions);
  add_options(app, options, unserved);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  if (!questions.manual.empty() || !questions.completion.empty()) return answer(questions, app);
  if (unserved.http != "off" || !unserved.tls.empty()) {
    return usage_error("this version serves no HTTP: leave out --http, --tls-cert and --tls-key, or say --http off");
  }
  return std::nullopt;
}

}  // namespace server
