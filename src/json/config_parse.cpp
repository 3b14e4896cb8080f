#include "json/config_defaults.hpp"
#include "json/json_fault.hpp"
#include "json/json_reader.hpp"

#include <cloudp2p/config.hpp>

#include <limits>

namespace cloudp2p {
namespace json {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kIdMax = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kBytesMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
constexpr std::uint64_t kHourMs = 3'600'000;
constexpr std::uint64_t kScrubDaysMax = 3'650;
constexpr std::uint64_t kRetriesMax = 1'000;
constexpr std::uint64_t kSchema = 1;
constexpr char kAddress[] = "\"host:port\"";
constexpr char kPath[] = "a path";

struct Draft {
  Config config;
  std::string accept_path;  ///< Where "accept" was given: it has two homes.
};

struct PeerEntry {
  PeerAddress peer;
  std::string public_key;
};

Status read_id(const Place& at, NodeId& out) {
  std::uint64_t number = 0;
  if (Status status = read(at, number, {1, kIdMax}); !status) return status;
  out = NodeId{static_cast<std::uint32_t>(number)};
  return {};
}

Status read_ms(const Place& at, milliseconds& out, std::uint64_t max) {
  std::uint64_t number = 0;
  if (Status status = read(at, number, {0, max}); !status) return status;
  out = milliseconds(static_cast<milliseconds::rep>(number));
  return {};
}

Status read_flag(const Place& at, bool& out) {
  return at.value.get_bool().get(out) == simdjson::SUCCESS ? Status() : Status(at.expected("true or false"));
}

Status read_address(const Place& at, Address& out) {
  std::string text;
  if (Status status = read_text(at, text, kAddress); !status) return status;
  const std::optional<Address> address = parse_address(text);
  if (!address) return at.expected(kAddress);
  out = *address;
  return {};
}

/// Never shows what it read.
Status read_secret(const Place& at, std::string& out) {
  std::string_view text;
  if (at.value.get_string().get(text) != simdjson::SUCCESS || text.empty()) {
    return at.error("expected a string of 64 hex digits");
  }
  out = text;
  return {};
}

Status read_accept(const Place& at, Draft& draft) {
  if (!draft.accept_path.empty()) return at.error("already given as " + draft.accept_path + ": keep one of the two");
  draft.accept_path = at.path;
  return read_choice(at, draft.config.accept_any, kAcceptNames);
}

Status read_peer(const Place& at, Draft& draft) {
  static constexpr Field<PeerEntry> kFields[] = {
      {"id", [](const Place& p, PeerEntry& e) { return read_id(p, e.peer.id); }},
      {"address", [](const Place& p, PeerEntry& e) { return read_address(p, e.peer.address); }},
      {"public_key", [](const Place& p, PeerEntry& e) { return read_text(p, e.public_key, "64 hex digits"); }},
  };
  PeerEntry entry;
  std::set<std::string_view> seen;
  if (Status status = read_object<PeerEntry>(at, entry, kFields, &seen); !status) return status;
  for (const char* needed : {"id", "address"}) {
    if (!seen.contains(needed)) return at.error(std::string("\"") + needed + "\" is missing");
  }
  if (!entry.public_key.empty()) draft.config.peer_public_keys[entry.peer.id] = entry.public_key;
  draft.config.peers.push_back(std::move(entry.peer));
  return {};
}

Status read_peers(const Place& at, Draft& draft) {
  draft.config.peers.clear();
  Status status = read_array(at, [&](const Place& item) { return read_peer(item, draft); });
  if (status && draft.config.peers.empty()) return at.error("expected at least one peer");
  return status;
}

Status read_rights(const Place& at, Rights& out) {
  enum class Right { read, write, admin };
  static constexpr std::array<Named<Right>, 3> kNames{
      {{"read", Right::read}, {"write", Right::write}, {"admin", Right::admin}}};
  out = Rights{false, false, false};
  return read_array(at, [&](const Place& item) -> Status {
    Right right{};
    if (Status status = read_choice(item, right, kNames); !status) return status;
    out.read = out.read || right == Right::read;
    out.write = out.write || right == Right::write;
    out.admin = out.admin || right == Right::admin;
    return {};
  });
}

Status read_client_identity(const Place& at, Draft& draft) {
  static constexpr Field<ClientIdentity> kFields[] = {
      {"name", [](const Place& p, ClientIdentity& c) { return read_text(p, c.name, "a name"); }},
      {"public_key", [](const Place& p, ClientIdentity& c) { return read_text(p, c.public_key, "64 hex digits"); }},
      {"rights", [](const Place& p, ClientIdentity& c) { return read_rights(p, c.rights); }},
  };
  ClientIdentity client;
  std::set<std::string_view> seen;
  if (Status status = read_object<ClientIdentity>(at, client, kFields, &seen); !status) return status;
  for (const char* needed : {"name", "public_key"}) {
    if (!seen.contains(needed)) return at.error(std::string("\"") + needed + "\" is missing");
  }
  draft.config.clients.push_back(std::move(client));
  return {};
}

Status read_election(const Place& at, Draft& draft) {
  static constexpr Field<ElectionTiming> kFields[] = {
      {"heartbeat_ms", [](const Place& p, ElectionTiming& t) { return read_ms(p, t.heartbeat, kHourMs); }},
      {"failure_timeout_ms", [](const Place& p, ElectionTiming& t) { return read_ms(p, t.failure_timeout, kHourMs); }},
      {"stagger_ms", [](const Place& p, ElectionTiming& t) { return read_ms(p, t.stagger, kHourMs); }},
      {"answer_timeout_ms", [](const Place& p, ElectionTiming& t) { return read_ms(p, t.answer_timeout, kHourMs); }},
      {"takeover_delay_ms", [](const Place& p, ElectionTiming& t) { return read_ms(p, t.takeover_delay, kHourMs); }},
      {"founding_grace_ms", [](const Place& p, ElectionTiming& t) { return read_ms(p, t.founding_grace, kHourMs); }},
  };
  return read_object<ElectionTiming>(at, draft.config.timing, kFields);
}

Status read_free_bytes(const Place& at, Draft& draft) {
  std::uint64_t bytes = 0;
  if (Status status = read(at, bytes, {0, kBytesMax}); !status) return status;
  draft.config.free_bytes_min = bytes;
  return {};
}

Status read_scrub_days(const Place& at, Draft& draft) {
  std::uint64_t days = 0;
  if (Status status = read(at, days, {0, kScrubDaysMax}); !status) return status;
  draft.config.scrub_interval = std::chrono::hours(24 * days);
  return {};
}

Status read_store(const Place& at, Draft& draft) {
  static constexpr Field<Draft> kFields[] = {
      {"image_bytes_max",
       [](const Place& p, Draft& d) {
         return read(p, d.config.image_bytes_max, {1, kBytesMax});
       }},
      {"accept", read_accept},
      {"free_bytes_min", read_free_bytes},
      {"repair_bytes_per_second",
       [](const Place& p, Draft& d) {
         return read(p, d.config.repair_bytes_per_second, {0, kBytesMax});
       }},
      {"scrub_days", read_scrub_days},
      {"scrub_bytes_per_second",
       [](const Place& p, Draft& d) {
         return read(p, d.config.scrub_bytes_per_second, {0, kBytesMax});
       }},
  };
  return read_object<Draft>(at, draft, kFields);
}

Status read_log(const Place& at, Draft& draft) {
  static constexpr Field<Config> kFields[] = {
      {"level", [](const Place& p, Config& c) { return read_choice(p, c.log_level, kLogLevelNames); }},
      {"format", [](const Place& p, Config& c) { return read_choice(p, c.log_json, kLogFormatNames); }},
      {"file", [](const Place& p, Config& c) { return read_text(p, c.log_file, kPath); }},
  };
  return read_object<Config>(at, draft.config, kFields);
}

Status read_client_side(const Place& at, Draft& draft) {
  static constexpr Field<Config> kFields[] = {
      {"timeout_ms", [](const Place& p, Config& c) { return read_ms(p, c.timeout, 24 * kHourMs); }},
      {"retries",
       [](const Place& p, Config& c) {
         std::uint64_t retries = 0;
         Status status = read(p, retries, {0, kRetriesMax});
         if (status) c.retries = static_cast<unsigned>(retries);
         return status;
       }},
  };
  return read_object<Config>(at, draft.config, kFields);
}

Status read_listen(const Place& at, Draft& draft) {
  Address address;
  if (Status status = read_address(at, address); !status) return status;
  draft.config.listen = address;
  return {};
}

Status read_schema(const Place& at, Draft&) {
  std::uint64_t schema = 0;
  return read(at, schema, {kSchema, kSchema});
}

Status read_root(const Place& at, Draft& draft) {
  static constexpr Field<Draft> kFields[] = {
      {"peers", read_peers},
      {"shared_dir",
       [](const Place& p, Draft& d) { return read_text(p, d.config.shared_dir, "the path of a directory"); }},
      {"shared", [](const Place& p, Draft& d) { return read_flag(p, d.config.shared); }},
      {"node_id", [](const Place& p, Draft& d) { return read_id(p, d.config.node_id); }},
      {"listen", read_listen},
      {"encryption_key", [](const Place& p, Draft& d) { return read_secret(p, d.config.encryption_key); }},
      {"encryption_key_file",
       [](const Place& p, Draft& d) { return read_text(p, d.config.encryption_key_file, kPath); }},
      {"previous_key_file", [](const Place& p, Draft& d) { return read_text(p, d.config.previous_key_file, kPath); }},
      {"identity_file", [](const Place& p, Draft& d) { return read_text(p, d.config.identity_file, kPath); }},
      {"clients",
       [](const Place& p, Draft& d) {
         return read_array(p, [&](const Place& item) { return read_client_identity(item, d); });
       }},
      {"quorum", [](const Place& p, Draft& d) { return read_choice(p, d.config.quorum, kQuorumNames); }},
      {"takeover", [](const Place& p, Draft& d) { return read_choice(p, d.config.takeover, kTakeoverNames); }},
      {"accept", read_accept},
      {"election", read_election},
      {"store", read_store},
      {"log", read_log},
      {"client", read_client_side},
      {"schema", read_schema},
  };
  return read_object<Draft>(at, draft, kFields);
}

/// simdjson knows that the text is wrong; the scanner knows where.
Error not_json(std::string_view text, simdjson::error_code code) {
  const std::optional<JsonFault> fault = find_json_fault(text);
  if (!fault) return {Errc::bad_config, std::string("not JSON: ") + simdjson::error_message(code)};
  return {Errc::bad_config, "not JSON: line " + std::to_string(fault->line) + ", column " +
                                std::to_string(fault->column) + ": " + fault->what};
}

Result<Config> parse(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.size() > limits::kConfigFileBytesMax) {
    return Error{Errc::bad_config, "expected at most " + std::to_string(limits::kConfigFileBytesMax) + " bytes"};
  }
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());

  simdjson::dom::parser parser(limits::kConfigFileBytesMax);
  if (const auto code = parser.allocate(std::max<std::size_t>(text.size(), 64), kDepthMax); code != simdjson::SUCCESS) {
    return Error{Errc::bad_config, simdjson::error_message(code)};
  }
  Value root;
  const simdjson::error_code code = parser.parse(text.data(), text.size()).get(root);
  if (code != simdjson::SUCCESS) return not_json(text, code);

  Draft draft;
  draft.config.peers = loopback_peers();
  if (Status status = read_root({root, ""}, draft); !status) return std::move(status).error();
  if (Status status = validate(draft.config, false); !status) return std::move(status).error();
  return std::move(draft.config);
}

}  // namespace
}  // namespace json

Result<Config> parse_config(std::string_view json, const std::string& file) {
  Result<Config> parsed = json::parse(json);
  if (!parsed) return Error{parsed.code(), file + ": " + parsed.error().message};
  parsed->source_file = file;
  return parsed;
}

}  // namespace cloudp2p
