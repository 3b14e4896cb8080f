#include "core/config_checks.hpp"

#include <cloudp2p/config.hpp>
#include <cloudp2p/json_writer.hpp>

#include <charconv>
#include <limits>
#include <set>
#include <utility>

namespace cloudp2p {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kKeyDigits = 64;
constexpr milliseconds kTimingMax = std::chrono::hours(1);
constexpr milliseconds kClientTimeoutMax = std::chrono::hours(24);
constexpr unsigned kRetriesMax = 1'000;

Error problem(const std::string& where, const std::string& what) {
  return {Errc::bad_config, where + ": " + what};
}

std::string peer_path(std::size_t index, const char* member) {
  return "/peers/" + std::to_string(index) + "/" + member;
}

std::string id_list(const std::vector<PeerAddress>& peers) {
  std::string out;
  for (const PeerAddress& peer : peers)
    out += (out.empty() ? "" : ", ") + to_string(peer.id);
  return out;
}

const PeerAddress* find_peer(const std::vector<PeerAddress>& peers, NodeId id) {
  const auto at = std::find_if(peers.begin(), peers.end(), [&](const PeerAddress& peer) { return peer.id == id; });
  return at == peers.end() ? nullptr : &*at;
}

/// Host names are compared as DNS does.
bool same_address(const Address& a, const Address& b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return a.port == b.port && std::equal(a.host.begin(), a.host.end(), b.host.begin(), b.host.end(),
                                        [&](char x, char y) { return lower(x) == lower(y); });
}

/// The first fault of peer `index` on its own and against those before it: which member, and what.
struct PeerFault {
  const char* member = nullptr;
  std::string what;
};
PeerFault peer_fault(const std::vector<PeerAddress>& peers, std::size_t index) {
  const PeerAddress& peer = peers[index];
  if (peer.address.host.empty()) return {"address", "expected \"host:port\", got no host"};
  // Port 0 asks the system for one: nobody else could know it, so it suits a cluster of one only.
  if (peer.address.port == 0 && peers.size() > 1) return {"address", "expected a port from 1 to 65535, got 0"};
  for (std::size_t other = 0; other < index; ++other) {
    if (peers[other].id == peer.id) return {"id", to_string(peer.id) + " is already the id of another peer"};
    if (same_address(peers[other].address, peer.address)) {
      return {"address",
              json_quoted(to_string(peer.address)) + " is already the address of node " + to_string(peers[other].id)};
    }
  }
  return {};
}

std::string count_fault(std::size_t peers) {
  if (peers == 0) return "expected at least one peer";
  if (peers <= limits::kMembersMax) return {};
  return "expected at most " + std::to_string(limits::kMembersMax) + " peers, got " + std::to_string(peers);
}

Status validate_peers(const Config& config) {
  if (const std::string fault = count_fault(config.peers.size()); !fault.empty()) return problem("/peers", fault);
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    const PeerFault fault = peer_fault(config.peers, i);
    if (fault.member != nullptr) return problem(peer_path(i, fault.member), fault.what);
    const auto key = config.peer_public_keys.find(config.peers[i].id);
    if (key == config.peer_public_keys.end()) continue;
    if (const std::string what = core::key_fault(key->second); !what.empty()) {
      return problem(peer_path(i, "public_key"), what);
    }
  }
  for (const auto& [id, key] : config.peer_public_keys) {
    if (find_peer(config.peers, id) == nullptr) {
      return problem("/peers", "a public key is given for node " + to_string(id) + ", which is not among the peers " +
                                   id_list(config.peers));
    }
  }
  return {};
}

Status validate_clients(const std::vector<ClientIdentity>& clients) {
  std::set<std::string_view> names;
  std::set<std::string_view> keys;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const ClientIdentity& client = clients[i];
    const std::string path = "/clients/" + std::to_string(i);
    if (client.name.empty() || client.name.size() > limits::kNameBytesMax) {
      return problem(path + "/name", "expected 1 to " + std::to_string(limits::kNameBytesMax) + " bytes, got " +
                                         std::to_string(client.name.size()));
    }
    const std::string key = core::key_fault(client.public_key);
    if (!key.empty()) return problem(path + "/public_key", key);
    if (!names.insert(client.name).second) {
      return problem(path + "/name", json_quoted(client.name) + " is already the name of another client");
    }
    if (!keys.insert(client.public_key).second) {
      return problem(path + "/public_key", "is already the key of another client");
    }
    if (!client.rights.read && !client.rights.write && !client.rights.admin) {
      return problem(path + "/rights", "expected at least one of \"read\", \"write\", \"admin\"");
    }
  }
  return {};
}

Status validate_channel(const Config& config) {
  if (!config.encryption_key.empty()) {
    const std::string fault = core::key_fault(config.encryption_key);
    if (!fault.empty()) return problem("/encryption_key", fault);
    if (!config.encryption_key_file.empty()) {
      return problem("/encryption_key_file", "\"encryption_key\" is given as well: keep one of the two");
    }
  }
  if (config.listen && config.listen->host.empty()) {
    return problem("/listen", "expected \"host:port\", got no host");
  }
  return validate_clients(config.clients);
}

Status validate_store(const Config& config) {
  constexpr auto kBytesMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (config.shared_dir.empty()) return problem("/shared_dir", "expected the path of a directory, got \"\"");
  if (config.shared_dir.find('\0') != std::string::npos) {
    return problem("/shared_dir", "expected a path without NUL characters");
  }
  if (config.shared && config.quorum == Quorum::none) {
    return problem("/shared", "a shared directory has one writer, which a majority elects: it can not go with \"quorum\": \"none\"");
  }
  if (config.image_bytes_max == 0 || config.image_bytes_max > kBytesMax) {
    return problem("/store/image_bytes_max", "expected a whole number from 1 to " + std::to_string(kBytesMax) +
                                                 ", got " + std::to_string(config.image_bytes_max));
  }
  if (config.scrub_interval < std::chrono::seconds(0)) return problem("/store/scrub_days", "expected 0 or more days");
  return {};
}

Status validate_client_side(const Config& config) {
  if (config.timeout < milliseconds(1) || config.timeout > kClientTimeoutMax) {
    return problem("/client/timeout_ms", "expected 1 to " + std::to_string(kClientTimeoutMax.count()) + ", got " +
                                             std::to_string(config.timeout.count()));
  }
  if (config.retries > kRetriesMax) {
    return problem("/client/retries",
                   "expected at most " + std::to_string(kRetriesMax) + ", got " + std::to_string(config.retries));
  }
  return {};
}

Status validate_node_id(const Config& config) {
  if (config.node_id == kNobody) {
    return problem("NODE_ID", "not set: expected one of the peers " + id_list(config.peers) +
                                  " (or --node-id, or \"node_id\" in the config file)");
  }
  const std::string fault = core::node_id_fault(config);
  return fault.empty() ? Status() : problem("NODE_ID", fault);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t at = text.find(separator);
    out.push_back(trimmed(text.substr(0, at)));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

std::optional<PeerAddress> parse_peer(std::string_view entry) {
  const std::size_t equals = entry.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view digits = trimmed(entry.substr(0, equals));
  std::uint32_t id = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  std::optional<Address> address = parse_address(trimmed(entry.substr(equals + 1)));
  if (!address) return std::nullopt;
  return PeerAddress{NodeId{id}, std::move(*address)};
}

}  // namespace

std::string core::key_fault(std::string_view hex) {
  const std::string expected = "expected " + std::to_string(kKeyDigits) + " hex digits";
  if (hex.size() != kKeyDigits) return expected + ", got " + std::to_string(hex.size()) + " characters";
  if (hex.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos) return {};
  return expected + ", got characters that are not hex digits";
}

std::string core::node_id_fault(const Config& config) {
  if (config.node_id == kNobody || find_peer(config.peers, config.node_id) != nullptr) return {};
  return to_string(config.node_id) + " is not among the peers " + id_list(config.peers);
}

Status core::validate_named(const Config& config) {
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    if (config.peers[i].id != kNobody) continue;
    const std::string file = config.source_file.empty() ? "" : config.source_file + ": ";
    return problem(file + peer_path(i, "id"), "expected a whole number from 1 to 4294967295, got 0 (\"whoever answers\" is for clients)");
  }
  return {};
}

Status validate_timing(const ElectionTiming& timing) {
  struct Bound {
    const char* name;
    milliseconds value;
    milliseconds min;
    const char* why = "";
  };
  const Bound bounds[] = {
      {"heartbeat_ms", timing.heartbeat, milliseconds(1)},
      {"failure_timeout_ms", timing.failure_timeout, 3 * std::min(timing.heartbeat, kTimingMax),
       " (three times heartbeat_ms)"},
      {"stagger_ms", timing.stagger, milliseconds(0)},
      {"answer_timeout_ms", timing.answer_timeout, milliseconds(1)},
      {"takeover_delay_ms", timing.takeover_delay, milliseconds(0)},
      {"founding_grace_ms", timing.founding_grace, milliseconds(0)},
  };
  for (const Bound& bound : bounds) {
    const std::string path = std::string("/election/") + bound.name;
    const std::string got = ", got " + std::to_string(bound.value.count());
    if (bound.value > kTimingMax) return problem(path, "expected at most " + std::to_string(kTimingMax.count()) + got);
    if (bound.value >= bound.min) continue;
    return problem(path, "expected at least " + std::to_string(bound.min.count()) + bound.why + got);
  }
  if (timing.answer_timeout >= timing.failure_timeout) {
    return problem("/election/answer_timeout_ms", "expected less than failure_timeout_ms (" +
                                                      std::to_string(timing.failure_timeout.count()) + "), got " +
                                                      std::to_string(timing.answer_timeout.count()));
  }
  return {};
}

Status validate(const Config& config, bool for_node) {
  if (Status peers = validate_peers(config); !peers) return peers;
  if (for_node) {
    if (Status named = core::validate_named(config); !named) return named;
  }
  if (Status channel = validate_channel(config); !channel) return channel;
  if (Status timing = validate_timing(config.timing); !timing) return timing;
  if (Status store = validate_store(config); !store) return store;
  if (Status client = validate_client_side(config); !client) return client;
  return for_node ? validate_node_id(config) : Status();
}

Result<std::vector<PeerAddress>> parse_peers(std::string_view text) {
  const auto refused = [](const std::string& what) { return Error{Errc::bad_config, what}; };
  if (trimmed(text).empty()) return refused("expected ID=HOST:PORT, comma-separated, got nothing");
  const std::vector<std::string_view> entries = split(text, ',');
  if (const std::string fault = count_fault(entries.size()); !fault.empty()) return refused(fault);

  const auto entry_name = [&](std::size_t i) {
    return "entry " + std::to_string(i + 1) + " " + json_quoted(entries[i]);
  };
  std::vector<PeerAddress> out;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::optional<PeerAddress> peer = parse_peer(entries[i]);
    if (!peer) return refused(entry_name(i) + ": expected ID=HOST:PORT");
    out.push_back(std::move(*peer));
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const PeerFault fault = peer_fault(out, i);
    if (fault.member != nullptr) return refused(entry_name(i) + ": " + fault.member + ": " + fault.what);
  }
  return out;
}

Address listen_address(const Config& config) {
  if (config.listen) return *config.listen;
  const PeerAddress* self = find_peer(config.peers, config.node_id);
  return self == nullptr ? Address{} : self->address;
}

}  // namespace cloudp2p
