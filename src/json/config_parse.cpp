#include "json/config_defaults.hpp"
#include "json/json_fault.hpp"
#include "json/json_reader.hpp"

#include <cloudp2p/config.hpp>
#include <cloudp2p/config_keys.hpp>

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
constexpr std::uint64_t kLogFilesMax = 1'000;
constexpr std::uint64_t kSchema = 1;
constexpr char kAddress[] = "\"host:port\"";
constexpr char kPath[] = "a path";
constexpr char kAccept[] = "\"images\" or \"any\"";
constexpr char kHexDigits[] = "64 hex digits";

struct Draft {
  Config config;
  std::string accept_path;  ///< Where "accept" was given: it has two homes.
};

struct PeerEntry {
  PeerAddress peer;
  std::string public_key;
};

Status read_id(const Place& at, NodeId& out, std::uint64_t min = 1) {
  std::uint64_t number = 0;
  if (Status status = read(at, number, {min, kIdMax}); !status) return status;
  out = NodeId{static_cast<std::uint32_t>(number)};
  return {};
}

Status read_ms(const Place& at, milliseconds& out, std::uint64_t max) {
  std::uint64_t number = 0;
  if (Status status = read(at, number, {0, max}); !status) return status;
  out = milliseconds(static_cast<milliseconds::rep>(number));
  return {};
}

Status read_count(const Place& at, unsigned& out, std::uint64_t max) {
  std::uint64_t number = 0;
  Status status = read(at, number, {0, max});
  if (status) out = static_cast<unsigned>(number);
  return status;
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

constexpr Field<PeerEntry> kPeerFields[] = {
    {"id",
     [](const Place& p, PeerEntry& e) { return read_id(p, e.peer.id, 0); },
     {"number", "required",
      "1 to 4294967295, unique; the highest live one leads. For clients also 0: whoever answers at this address, such as a "
      "balancer; it says where the leader is."}},
    {"address",
     [](const Place& p, PeerEntry& e) { return read_address(p, e.peer.address); },
     {kAddress, "required", "Unique. IPv4, [IPv6] or a name; port 0 only in a cluster of one."}},
    {"public_key",
     [](const Place& p, PeerEntry& e) { return read_text(p, e.public_key, kHexDigits); },
     {kHexDigits, "none", "The X25519 key that this peer must prove, with identity_file."}},
};

Status read_peer(const Place& at, Draft& draft) {
  PeerEntry entry;
  std::set<std::string_view> seen;
  if (Status status = read_object<PeerEntry>(at, entry, kPeerFields, &seen); !status) return status;
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

constexpr Field<ClientIdentity> kClientFields[] = {
    {"name",
     [](const Place& p, ClientIdentity& c) { return read_text(p, c.name, "a name"); },
     {"string", "required", "1 to 200 bytes, unique."}},
    {"public_key",
     [](const Place& p, ClientIdentity& c) { return read_text(p, c.public_key, kHexDigits); },
     {kHexDigits, "required", "Unique. The X25519 key that the client must prove."}},
    {"rights",
     [](const Place& p, ClientIdentity& c) { return read_rights(p, c.rights); },
     {"array", "all",
      "At least one of \"read\", \"write\" (store; delete, which needs \"read\" too), \"admin\" (scrub, step-down)."}},
};

Status read_client_identity(const Place& at, Draft& draft) {
  ClientIdentity client;
  std::set<std::string_view> seen;
  if (Status status = read_object<ClientIdentity>(at, client, kClientFields, &seen); !status) return status;
  for (const char* needed : {"name", "public_key"}) {
    if (!seen.contains(needed)) return at.error(std::string("\"") + needed + "\" is missing");
  }
  draft.config.clients.push_back(std::move(client));
  return {};
}

constexpr Field<ElectionTiming> kElectionFields[] = {
    {"heartbeat_ms",
     [](const Place& p, ElectionTiming& t) { return read_ms(p, t.heartbeat, kHourMs); },
     {"number", "100", "How often a leader is heard. At least 1; at least the round trip on slow links."}},
    {"failure_timeout_ms",
     [](const Place& p, ElectionTiming& t) { return read_ms(p, t.failure_timeout, kHourMs); },
     {"number", "600", "A leader that is not heard for this long is replaced. At least 3 times heartbeat_ms."}},
    {"stagger_ms",
     [](const Place& p, ElectionTiming& t) { return read_ms(p, t.stagger, kHourMs); },
     {"number", "100", "Added to the failure timeout for each higher id believed alive."}},
    {"answer_timeout_ms",
     [](const Place& p, ElectionTiming& t) { return read_ms(p, t.answer_timeout, kHourMs); },
     {"number", "150", "The longest wait for a higher id's answer. At least 1, less than failure_timeout_ms."}},
    {"takeover_delay_ms",
     [](const Place& p, ElectionTiming& t) { return read_ms(p, t.takeover_delay, kHourMs); },
     {"number", "5000",
      "How long a higher id waits before it leads again; doubled for each loss of the lead in the last 10 minutes."}},
    {"founding_grace_ms",
     [](const Place& p, ElectionTiming& t) { return read_ms(p, t.founding_grace, kHourMs); },
     {"number", "1000", "How long a first start waits for all before a majority suffices."}},
};

Status read_election(const Place& at, Draft& draft) {
  return read_object<ElectionTiming>(at, draft.config.timing, kElectionFields);
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

constexpr Field<Draft> kStoreFields[] = {
    {"image_bytes_max",
     [](const Place& p, Draft& d) {
       return read(p, d.config.image_bytes_max, {1, kBytesMax});
     },
     {"number", "1073741824", "The largest image that is taken, in bytes."}},
    {"accept", read_accept, {kAccept, "\"images\"", "See accept; not both."}},
    {"free_bytes_min",
     read_free_bytes,
     {"number", "the smaller of 1 GiB and 5 % of the disk", "Images stop when less than this is free."}},
    {"repair_bytes_per_second",
     [](const Place& p, Draft& d) {
       return read(p, d.config.repair_bytes_per_second, {0, kBytesMax});
     },
     {"number", "0", "The most that repair fetches. 0: as fast as uploads leave room."}},
    {"scrub_days",
     read_scrub_days,
     {"number", "30",
      "Every stored copy is read and checked against its digest this often. 0: never by itself; at most 3650."}},
    {"scrub_bytes_per_second",
     [](const Place& p, Draft& d) {
       return read(p, d.config.scrub_bytes_per_second, {0, kBytesMax});
     },
     {"number", "0",
      "The most that a scrub reads. 0: in the background what scrub_days needs, on demand 128 MiB a second."}},
};

Status read_store(const Place& at, Draft& draft) {
  return read_object<Draft>(at, draft, kStoreFields);
}

constexpr Field<Config> kLogFields[] = {
    {"level",
     [](const Place& p, Config& c) { return read_choice(p, c.log_level, kLogLevelNames); },
     {"\"debug\", \"info\", \"contract\", \"warning\" or \"error\"", "\"info\"",
      "What is less important is left out."}},
    {"format",
     [](const Place& p, Config& c) { return read_choice(p, c.log_json, kLogFormatNames); },
     {"\"text\" or \"json\"", "\"text\"", ""}},
    {"file",
     [](const Place& p, Config& c) { return read_text(p, c.log_file, kPath); },
     {"path", "none", "Instead of stderr."}},
    {"file_bytes_max",
     [](const Place& p, Config& c) {
       return read(p, c.log_file_bytes_max, {0, kBytesMax});
     },
     {"number", "67108864", "A file that would grow beyond is put aside. 0: never."}},
    {"files_kept",
     [](const Place& p, Config& c) { return read_count(p, c.log_files_kept, kLogFilesMax); },
     {"number", "4", "How many of those are kept. 0 to 1000."}},
};

Status read_log(const Place& at, Draft& draft) {
  return read_object<Config>(at, draft.config, kLogFields);
}

constexpr Field<Config> kClientSideFields[] = {
    {"timeout_ms",
     [](const Place& p, Config& c) { return read_ms(p, c.timeout, 24 * kHourMs); },
     {"number", "30000", "Of one operation without any progress. 1 to 86400000."}},
    {"retries",
     [](const Place& p, Config& c) { return read_count(p, c.retries, kRetriesMax); },
     {"number", "8", "How many different failures one operation survives. 0 to 1000."}},
};

Status read_client_side(const Place& at, Draft& draft) {
  return read_object<Config>(at, draft.config, kClientSideFields);
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

Status read_clients(const Place& at, Draft& draft) {
  return read_array(at, [&](const Place& item) { return read_client_identity(item, draft); });
}

constexpr Field<Draft> kRootFields[] = {
    {"peers",
     read_peers,
     {"array", "nodes 1–3 on 127.0.0.1:7001–7003", "The nodes, 1 to 15. PEERS and --peers replace the list."}},
    {"shared_dir",
     [](const Place& p, Draft& d) { return read_text(p, d.config.shared_dir, "the path of a directory"); },
     {"path", "\"./images\"", "Where a node keeps its images; created if missing."}},
    {"shared",
     [](const Place& p, Draft& d) { return read_flag(p, d.config.shared); },
     {"boolean", "false",
      "All nodes mount one shared_dir, and only the leader writes to it. The same on every node; not with \"quorum\": "
      "\"none\"."}},
    {"node_id",
     [](const Place& p, Draft& d) { return read_id(p, d.config.node_id); },
     {"number", "none", "This node, among the peers; NODE_ID and --node-id are stronger."}},
    {"listen",
     read_listen,
     {kAddress, "this node's peer address", "Listen here instead; BIND and --listen are stronger."}},
    {"encryption_key",
     [](const Place& p, Draft& d) { return read_secret(p, d.config.encryption_key); },
     {kHexDigits, "none", "The cluster's key; not together with encryption_key_file, never printed."}},
    {"encryption_key_file",
     [](const Place& p, Draft& d) { return read_text(p, d.config.encryption_key_file, kPath); },
     {"path", "none", "One line: 64 hex digits, or \"client:\" and 64 hex digits. Readable by its owner only."}},
    {"previous_key_file",
     [](const Place& p, Draft& d) { return read_text(p, d.config.previous_key_file, kPath); },
     {"path", "none", "A key that is still accepted from others while keys rotate."}},
    {"identity_file",
     [](const Place& p, Draft& d) { return read_text(p, d.config.identity_file, kPath); },
     {"path", "none", "One line, an X25519 secret in hex. Needs a key; switches identities on, for all nodes alike."}},
    {"clients", read_clients, {"array", "none", "Client identities."}},
    {"quorum",
     [](const Place& p, Draft& d) { return read_choice(p, d.config.quorum, kQuorumNames); },
     {"\"majority\" or \"none\"", "\"majority\"", "The same on every node, or they refuse each other."}},
    {"takeover",
     [](const Place& p, Draft& d) { return read_choice(p, d.config.takeover, kTakeoverNames); },
     {"\"polite\", \"never\" or \"immediate\"", "\"polite\"", "What a returning higher id does."}},
    {"accept", read_accept, {kAccept, "\"images\"", "What may be stored; also as store.accept, not both."}},
    {"election",
     read_election,
     {"object", "", "Times in milliseconds, at most 3600000. The same on all nodes and clients."}},
    {"store", read_store, {"object", "", ""}},
    {"log", read_log, {"object", "", ""}},
    {"client", read_client_side, {"object", "", ""}},
    {"schema", read_schema, {"1", "1", "The version of this format."}},
};

Status read_root(const Place& at, Draft& draft) {
  return read_object<Draft>(at, draft, kRootFields);
}

template <class T>
void add_keys(std::vector<ConfigKey>& out, const std::string& prefix, std::span<const Field<T>> fields) {
  for (const Field<T>& field : fields) {
    out.push_back({prefix + std::string(field.key), field.text.type, field.text.fallback, field.text.about});
    if (!prefix.empty()) continue;
    if (field.key == "peers") add_keys<PeerEntry>(out, "peers[].", kPeerFields);
    if (field.key == "clients") add_keys<ClientIdentity>(out, "clients[].", kClientFields);
    if (field.key == "election") add_keys<ElectionTiming>(out, "election.", kElectionFields);
    if (field.key == "store") add_keys<Draft>(out, "store.", kStoreFields);
    if (field.key == "log") add_keys<Config>(out, "log.", kLogFields);
    if (field.key == "client") add_keys<Config>(out, "client.", kClientSideFields);
  }
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
  if (Status status = read_root({root, "", &draft.config.warnings}, draft); !status) return std::move(status).error();
  if (Status status = validate(draft.config, false); !status) return std::move(status).error();
  return std::move(draft.config);
}

}  // namespace
}  // namespace json

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> all = [] {
    std::vector<ConfigKey> out;
    json::add_keys<json::Draft>(out, "", json::kRootFields);
    return out;
  }();
  return all;
}

Result<Config> parse_config(std::string_view json, const std::string& file) {
  Result<Config> parsed = json::parse(json);
  if (!parsed) return Error{parsed.code(), file + ": " + parsed.error().message};
  parsed->source_file = file;
  for (std::string& warning : parsed->warnings)
    warning.insert(0, file + ": ");
  return parsed;
}

}  // namespace cloudp2p
