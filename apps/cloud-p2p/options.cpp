#include "options.hpp"

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
  std::cerr << "cloud-p2p: " << text << "\nTry: cloud-p2p --help\n";
  return kUsage;
}

void add_text(CLI::App& app, const char* name, std::optional<std::string>& out, const char* type, const char* help) {
  app.add_option_function<std::string>(
         name, [&out](const std::string& text) { out = text; }, help)
      ->type_name(type);
}

}  // namespace

std::optional<int> parse(int argc, char** argv, Options& options) {
  CLI::App app("cloud-p2p: one node of a replicated image store.", "cloud-p2p");
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("cloud-p2p ") + cloudp2p::version());
  cloudp2p::ConfigFlags& flags = options.flags;
  std::string http = "off";
  std::string tls;
  add_text(app, "--config", flags.config_file, "FILE", "config file (JSON)");
  add_text(app, "--node-id", flags.node_id, "N", "this node's number among the peers");
  add_text(app, "--peers", flags.peers, "LIST", "1=host:port,2=host:port,...");
  add_text(app, "--shared-dir", flags.shared_dir, "DIR", "folder of the images, created when missing");
  add_text(app, "--listen", flags.listen, "HOST:PORT", "listen here instead of at the peer entry");
  add_text(app, "--encryption-key-file", flags.encryption_key_file, "FILE",
           "the cluster's key; without one: loopback only");
  app.add_option("--http", http, "only \"off\" in this version")->type_name("HOST:PORT|off");
  app.add_option("--tls-cert", tls, "not in this version")->type_name("FILE");
  app.add_option("--tls-key", tls, "not in this version")->type_name("FILE");
  add_text(app, "--log-level", flags.log_level, "LEVEL", "debug, info, contract, warning or error");
  add_text(app, "--log-format", flags.log_format, "FORMAT", "text or json");
  add_text(app, "--log-file", flags.log_file, "FILE", "instead of stderr");
  CLI::Option* const check = app.add_flag("--check-config", options.check_config, "check the configuration and exit");
  app.add_flag("--print-config", options.print_config, "print the effective configuration as JSON and exit")
      ->excludes(check);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  if (http != "off" || !tls.empty()) {
    return usage_error("this version serves no HTTP: leave out --http, --tls-cert and --tls-key, or say --http off");
  }
  return std::nullopt;
}

}  // namespace server
