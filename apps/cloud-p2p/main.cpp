// cloud-p2p: parses, builds a Host, runs it until a signal says otherwise.
#include "command_line/standard_descriptors.hpp"
#include "environment.hpp"
#include "logging.hpp"
#include "options.hpp"
#include "service_manager.hpp"
#include "signals.hpp"

#include <cloudp2p/host.hpp>

#include <cstdio>
#include <exception>

namespace {

using namespace server;
using cloudp2p::Config;
using cloudp2p::Errc;
using cloudp2p::Error;
using cloudp2p::LogLevel;
using cloudp2p::Result;
using cloudp2p::Status;

constexpr std::chrono::milliseconds kDrainPatience{5'000};

int fail(const Error& error, int exit_status) {
  say_on_stderr(LogLevel::error, "cloud-p2p: " + error.text());
  return exit_status;
}

/// Where no node runs, beside the answer.
void say_warnings(const Config& config) {
  for (const std::string& warning : config.warnings)
    say_on_stderr(LogLevel::warning, "cloud-p2p: warning: " + warning);
}

void log_warnings(const Config& config, Logging& logging) {
  for (const std::string& warning : config.warnings)
    logging.log_event(LogLevel::warning, "config_key_unknown", warning);
}

int exit_status(Errc code) {
  switch (code) {
    case Errc::bad_config:
    case Errc::bad_key:
    case Errc::format:  // A directory of another version: trying again does not help either.
    case Errc::invalid_argument: return kBadConfig;
    default: return kFailure;
  }
}

Result<Config> load(const Options& options, const Environment& environment) {
  return cloudp2p::load_config(options.flags, [&](const char* name) { return environment.get(name); });
}

/// As people write it: `config.json` is shown as `./config.json`.
std::string shown_path(const std::string& path) {
  return path.find('/') == std::string::npos ? "./" + path : path;
}

void announce_file(const Options& options, const Environment& environment, Logging& logging) {
  const std::optional<std::string> file =
      options.flags.config_file ? options.flags.config_file : environment.get("CONFIG_FILE");
  if (file) logging.log_event(LogLevel::contract, "config_file", "[Config] Loading from file: " + shown_path(*file));
}

int print_config(const Config& config) {
  say_warnings(config);
  std::fputs(cloudp2p::to_json(config).c_str(), stdout);
  const Status valid = cloudp2p::validate(config, config.node_id != cloudp2p::kNobody);
  return valid ? kOk : fail(valid.error(), kBadConfig);
}

/// Everything that can be known without listening or touching the images.
int check_config(const Config& config) {
  say_warnings(config);
  if (const Status valid = cloudp2p::Host::check(config); !valid) return fail(valid.error(), kBadConfig);
  std::printf("The configuration is valid: node %s of %zu, listening on %s, images in %s\n",
              to_string(config.node_id).c_str(), config.peers.size(),
              to_string(cloudp2p::listen_address(config)).c_str(), cloudp2p::printable(config.shared_dir).c_str());
  return kOk;
}

/// What a running node reads again. It keeps its id, also when the file does not list it any more.
Result<Config> load_again(const Options& options, const Environment& environment, const Config& current) {
  cloudp2p::ConfigFlags flags = options.flags;
  flags.node_id.reset();
  return cloudp2p::load_config(flags, [&](const char* name) {
    return std::string_view(name) == "NODE_ID" ? std::optional(to_string(current.node_id)) : environment.get(name);
  });
}

/// All of it or nothing.
void reload(const Result<Config>& wanted, Config& current, cloudp2p::Host& host, Logging& logging) {
  Status applied = wanted ? Status() : Status(wanted.error());
  if (applied) applied = logging.configure(*wanted);
  if (applied) {
    applied = host.reload(*wanted);
    if (!applied) (void)logging.configure(current);
  }
  if (!applied) {
    logging.log_event(LogLevel::error, "reload_refused",
                      "reload refused, the settings stay as they were: " + applied.error().text());
    return;
  }
  current = *wanted;
  log_warnings(current, logging);
  logging.log_event(LogLevel::info, "reloaded", "reloaded: peers, limits, keys and logging are as configured now");
}

int serve(const Options& options, const Environment& environment, Signals& signals, Logging& logging) {
  announce_file(options, environment, logging);
  Result<Config> config = load(options, environment);
  if (!config) return fail(config.error(), kBadConfig);
  if (const Status valid = cloudp2p::validate(*config, true); !valid) return fail(valid.error(), kBadConfig);
  if (const Status opened = logging.configure(*config); !opened) return fail(opened.error(), kBadConfig);

  const Result<std::unique_ptr<cloudp2p::Host>> host = cloudp2p::Host::open(*config, logging);
  if (!host) return fail(host.error(), exit_status(host.code()));
  log_warnings(*config, logging);
  ServiceManager manager(**host);
  while (signals.next() == Signals::Event::reload) {
    manager.reloading();
    reload(load_again(options, environment, *config), *config, **host, logging);
    manager.reloaded();
  }
  manager.stopping();
  logging.log_event(LogLevel::info, "stopping",
                    "stopping: uploads finish, leadership is handed over; a second signal stops at once");
  (*host)->drain(kDrainPatience);
  return kOk;
}

int run(int argc, char** argv) {
  Options options;
  if (const std::optional<int> done = parse(argc, argv, options)) return *done;
  forbid_core_dumps();
  const Environment environment;
  Logging logging;
  if (options.print_config || options.check_config) {
    const Result<Config> config = load(options, environment);
    if (!config) return fail(config.error(), kBadConfig);
    return options.print_config ? print_config(*config) : check_config(*config);
  }
  Signals signals;
  return serve(options, environment, signals, logging);
}

}  // namespace

int main(int argc, char** argv) {
  command_line::keep_standard_descriptors();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return fail(Error{Errc::io, error.what()}, kFailure);
  }
}
