// The layers of a configuration: flag, then environment, then file, then default.
#include "core/config_checks.hpp"
#include "json/config_defaults.hpp"
#include "json/config_names.hpp"

#include <cloudp2p/config.hpp>
#include <cloudp2p/json_writer.hpp>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>

namespace cloudp2p {
namespace {

/// A setting as somebody gave it, and the flag or variable that it came by.
struct Given {
  std::string name;
  std::string text;

  [[nodiscard]] Error error(const std::string& what) const { return {Errc::bad_config, name + ": " + what}; }
  [[nodiscard]] Error expected(const std::string& what) const {
    return error("expected " + what + ", got " + json_quoted(text));
  }
};

/// Refuses what is set but empty: `SHARED_DIR=$UNSET` would otherwise quietly mean the default.
Status take(std::optional<std::string> text, const char* name, std::optional<Given>& out) {
  if (!text) return {};
  if (text->empty()) return Error{Errc::bad_config, std::string(name) + ": is empty: give a value or leave it unset"};
  out = Given{name, std::move(*text)};
  return {};
}

struct Overrides {
  std::optional<Given> config_file, node_id, peers, shared_dir, listen, encryption_key, encryption_key_file, log_level,
      log_format, log_file;
};

struct Source {
  std::optional<Given> Overrides::*target;
  const char* flag;
  std::optional<std::string> ConfigFlags::*given;
  const char* variable;
};
constexpr Source kSources[] = {
    {&Overrides::config_file, "--config", &ConfigFlags::config_file, "CONFIG_FILE"},
    {&Overrides::node_id, "--node-id", &ConfigFlags::node_id, "NODE_ID"},
    {&Overrides::peers, "--peers", &ConfigFlags::peers, "PEERS"},
    {&Overrides::shared_dir, "--shared-dir", &ConfigFlags::shared_dir, "SHARED_DIR"},
    {&Overrides::listen, "--listen", &ConfigFlags::listen, "BIND"},
    {&Overrides::encryption_key_file, "--encryption-key-file", &ConfigFlags::encryption_key_file, nullptr},
    {&Overrides::encryption_key, nullptr, nullptr, "ENCRYPTION_KEY"},
    {&Overrides::log_level, "--log-level", &ConfigFlags::log_level, nullptr},
    {&Overrides::log_format, "--log-format", &ConfigFlags::log_format, nullptr},
    {&Overrides::log_file, "--log-file", &ConfigFlags::log_file, nullptr},
};

Result<Overrides> gather(const ConfigFlags& flags, const EnvironmentLookup& environment) {
  Overrides out;
  for (const Source& source : kSources) {
    std::optional<Given>& target = out.*source.target;
    if (source.given != nullptr) {
      if (Status status = take(flags.*source.given, source.flag, target); !status) return std::move(status).error();
    }
    if (target || source.variable == nullptr || !environment) continue;
    std::optional<std::string> text = environment(source.variable);
    // BIND is optional by contract, and unit files pass it on empty.
    if (source.target == &Overrides::listen && text && text->empty()) continue;
    if (Status status = take(std::move(text), source.variable, target); !status) return std::move(status).error();
  }
  return out;
}

Result<std::string> read_file(const Given& path) {
  const auto unreadable = [&](int error) {
    return Error{Errc::bad_config, path.text + ": cannot be read: " + std::generic_category().message(error) +
                                       " (given by " + path.name + ")"};
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.text.c_str(), "rbe"), &std::fclose);
  if (!file) return unreadable(errno);
  std::string text(limits::kConfigFileBytesMax + 1, '\0');
  const std::size_t bytes = std::fread(text.data(), 1, text.size(), file.get());
  if (std::ferror(file.get()) != 0) return unreadable(errno);
  text.resize(bytes);
  return text;
}

Result<Config> file_layer(const std::optional<Given>& path) {
  if (!path) {
    Config defaults;
    defaults.peers = json::loopback_peers();
    return defaults;
  }
  Result<std::string> text = read_file(*path);
  if (!text) return std::move(text).error();
  return parse_config(*text, path->text);
}

Status apply_peers(const Given& given, Config& config) {
  Result<std::vector<PeerAddress>> peers = parse_peers(given.text);
  if (!peers) return given.error(peers.error().message);
  config.peers = std::move(*peers);
  // The list has no room for public keys: the file's stay, for those who are still in it.
  std::erase_if(config.peer_public_keys, [&](const auto& entry) {
    return std::none_of(config.peers.begin(), config.peers.end(),
                        [&](const PeerAddress& peer) { return peer.id == entry.first; });
  });
  return {};
}

Status apply_node_id(const Given& given, Config& config) {
  const std::string& text = given.text;
  std::uint32_t id = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || id == 0) {
    return given.expected("a whole number from 1 to 4294967295");
  }
  config.node_id = NodeId{id};
  return {};
}

Status apply_listen(const Given& given, Config& config) {
  config.listen = parse_address(given.text);
  if (!config.listen) return given.expected("\"host:port\"");
  return {};
}

/// One key, from the strongest layer: a key file named by a flag beats a key in the environment beats the file's.
Status apply_key(const Overrides& overrides, Config& config) {
  if (overrides.encryption_key) {
    const std::string fault = core::key_fault(overrides.encryption_key->text);
    if (!fault.empty()) return overrides.encryption_key->error(fault);
    config.encryption_key = overrides.encryption_key->text;
    config.encryption_key_file.clear();
  }
  if (overrides.encryption_key_file) {
    config.encryption_key_file = overrides.encryption_key_file->text;
    config.encryption_key.clear();
  }
  return {};
}

template <class T, std::size_t N>
Status apply_choice(const std::optional<Given>& given, T& out, const std::array<json::Named<T>, N>& names) {
  if (!given) return {};
  const std::optional<T> chosen = json::value_of(names, given->text);
  if (!chosen) return given->expected(json::choices(names));
  out = *chosen;
  return {};
}

/// Refuses a node id that cannot be meant, naming where it came from. NODE_ID may be left over in the environment of a
/// client, so that one is judged by `validate`, for nodes.
Status check_node_id(const Overrides& overrides, const Config& config) {
  const std::string fault = core::node_id_fault(config);
  if (fault.empty()) return {};
  if (overrides.node_id) return overrides.node_id->name == "NODE_ID" ? Status() : overrides.node_id->error(fault);
  return overrides.peers ? Status() : Error{Errc::bad_config, config.source_file + ": /node_id: " + fault};
}

Status apply(const Overrides& overrides, Config& config) {
  if (overrides.peers) {
    if (Status status = apply_peers(*overrides.peers, config); !status) return status;
  }
  if (overrides.node_id) {
    if (Status status = apply_node_id(*overrides.node_id, config); !status) return status;
  }
  if (Status status = check_node_id(overrides, config); !status) return status;
  if (overrides.listen) {
    if (Status status = apply_listen(*overrides.listen, config); !status) return status;
  }
  if (overrides.shared_dir) config.shared_dir = overrides.shared_dir->text;
  if (overrides.log_file) config.log_file = overrides.log_file->text;
  if (Status status = apply_key(overrides, config); !status) return status;
  if (Status status = apply_choice(overrides.log_level, config.log_level, json::kLogLevelNames); !status) return status;
  return apply_choice(overrides.log_format, config.log_json, json::kLogFormatNames);
}

}  // namespace

Result<Config> load_config(const ConfigFlags& flags, const EnvironmentLookup& environment) {
  Result<Overrides> overrides = gather(flags, environment);
  if (!overrides) return std::move(overrides).error();
  Result<Config> config = file_layer(overrides->config_file);
  if (!config) return config;
  if (Status status = apply(*overrides, *config); !status) return std::move(status).error();
  return config;
}

}  // namespace cloudp2p
