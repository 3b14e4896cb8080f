// Config: everything that an operator or an embedder may set, with defaults that work.
//
// Purpose:   one value for nodes and clients. Programs fill it directly; the executables load it with `load_config`
//            (flag, then environment, then file, then default).
// Units:     durations are chrono types, sizes in bytes.
// Errors:    Errc::bad_config; the message names the file and JSON path, the flag or the variable, and what was
//            expected. Nothing is half applied.
// Limits:    at most limits::kMembersMax peers; a file of at most limits::kConfigFileBytesMax.
// Secrets:   `encryption_key` is never printed by `to_json`.
#pragma once

#include <cloudp2p/callback.hpp>
#include <cloudp2p/error.hpp>
#include <cloudp2p/export.hpp>
#include <cloudp2p/limits.hpp>
#include <cloudp2p/log_sink.hpp>
#include <cloudp2p/transport.hpp>
#include <cloudp2p/types.hpp>

#include <map>

namespace cloudp2p {

/// How many nodes an acknowledgement and an election need. The same on every node, or they refuse each other.
enum class Quorum : std::uint8_t {
  majority,  ///< Safe in a partition. The default.
  none,      ///< Classic Bully: the highest reachable ID leads, acknowledgements say how many copies exist.
};
/// What a higher ID does that has returned and caught up, while a lower one leads: `immediate` asks for the lead at once,
/// `polite` after a delay. One that lost the lead again and again waits longer each time with both.
enum class Takeover : std::uint8_t { never, polite, immediate };

/// The pace of elections. Nodes and clients use the same; each at most an hour, see `validate_timing`.
struct ElectionTiming {
  std::chrono::milliseconds heartbeat{100};  ///< How often the leader shows itself; at least 1 ms.
  /// A leader that was silent for so long is lost, and one that no majority answers for so long steps down; at least 3
  /// heartbeats.
  std::chrono::milliseconds failure_timeout{600};
  std::chrono::milliseconds stagger{100};         ///< Added to the failure timeout for each higher ID believed alive.
  std::chrono::milliseconds answer_timeout{150};  ///< Longest wait for a higher ID's answer.
  /// How long a higher ID waits, once it has caught up, before it asks to lead (Takeover::polite).
  std::chrono::milliseconds takeover_delay{5'000};
  std::chrono::milliseconds founding_grace{1'000};  ///< How long a first start waits for all before a majority suffices.
};

/// A client that the nodes know by its key. Counts where `identity_file` is set.
struct ClientIdentity {
  std::string name;        ///< For log lines; 1 to limits::kNameBytesMax bytes, unique.
  std::string public_key;  ///< 64 hex digits, X25519.
  Rights rights;           ///< At least one of them.
};

/// Settings of a node, of a client, or of both; docs/configuration.md lists them as the file has them.
struct Config {
  // The contract's five.
  NodeId node_id = kNobody;             ///< Which of the peers this node is; clients need none.
  std::vector<PeerAddress> peers;       ///< All nodes, this one too. Left to it, `load_config` says: 1-3 on 127.0.0.1:7001-7003.
  std::string shared_dir = "./images";  ///< Where this node keeps its images; created when missing.
  std::string encryption_key;           ///< 64 hex digits, or empty.
  std::optional<Address> listen;        ///< Overrides this node's peer entry (BIND).

  // The channel.
  /// A file, mode 0600, of one line: 64 hex digits, or "client:" and 64 hex digits. Instead of `encryption_key`.
  std::string encryption_key_file;
  std::string previous_key_file;  ///< Still accepted from others while keys rotate.
  std::string identity_file;      ///< A private X25519 key: switches identities on.
  /// 64 hex digits, X25519: what each of these peers must prove. Counts with `identity_file`.
  std::map<NodeId, std::string> peer_public_keys;
  std::vector<ClientIdentity> clients;  ///< Once identities are on, no others may speak as clients.

  // The cluster.
  Quorum quorum = Quorum::majority;  ///< The same on every node.
  /// All nodes mount one directory as `shared_dir`: the leader alone writes to it, and nothing is replicated.
  bool shared = false;
  Takeover takeover = Takeover::polite;  ///< What this node does when it has returned and a lower ID leads.
  ElectionTiming timing;                 ///< The same for all nodes and clients.

  // The store.
  std::uint64_t image_bytes_max = limits::kImageBytesMaxDefault;  ///< At least 1. The leader's setting counts.
  bool accept_any = false;                                        ///< Also what is not an image.
  std::optional<std::uint64_t> free_bytes_min;  ///< Watermark; unset: the smaller of 1 GiB and 5 % of the file system.
  std::uint64_t repair_bytes_per_second = 0;    ///< 0: as fast as uploads leave room.
  std::chrono::seconds scrub_interval = std::chrono::hours(30 * 24);  ///< Every copy is re-hashed this often; 0: never.
  std::uint64_t scrub_bytes_per_second = 0;                           ///< Most that scrubbing reads; 0: what the interval needs.

  // Logging (executables).
  LogLevel log_level = LogLevel::info;  ///< For the executables; the library gives its LogSink everything.
  bool log_json = false;                ///< For the executables: each line a JSON object.
  std::string log_file;                 ///< For the executables; empty: none.
  /// For the executables: a log file that would grow beyond is put aside; 0: never.
  std::uint64_t log_file_bytes_max = std::uint64_t{64} << 20;
  unsigned log_files_kept = 4;  ///< For the executables: of those put aside, at most 1000.

  // Clients.
  std::chrono::milliseconds timeout{30'000};  ///< Of one operation without any progress.
  unsigned retries = 8;  ///< Different failures that one operation survives, at most 1000; the same one again counts once.

  std::string source_file;  ///< Where the file part came from; empty when none.
  std::vector<std::string> warnings;  ///< What the file says and nobody reads: keys that are not known.
};

/// Checks what can be checked without touching the network or the disk; first problem found.
[[nodiscard]] CLOUDP2P_API Status validate_timing(const ElectionTiming& timing);
/// `for_node`: also that node_id is set and among the peers.
[[nodiscard]] CLOUDP2P_API Status validate(const Config& config, bool for_node);

/// Flags override the environment, which overrides the file. Unset members are not given; empty texts are refused.
struct ConfigFlags {
  std::optional<std::string> config_file;          ///< --config, in place of CONFIG_FILE.
  std::optional<std::string> node_id;              ///< --node-id, in place of NODE_ID.
  std::optional<std::string> peers;                ///< --peers, in place of PEERS, as `parse_peers` reads it.
  std::optional<std::string> shared_dir;           ///< --shared-dir, in place of SHARED_DIR.
  std::optional<std::string> listen;               ///< --listen, in place of BIND, as `parse_address` reads it.
  std::optional<std::string> encryption_key_file;  ///< --encryption-key-file; also in place of ENCRYPTION_KEY.
  std::optional<std::string> log_level;            ///< --log-level: "debug", "info", "contract", "warning" or "error".
  std::optional<std::string> log_format;           ///< --log-format: "text" or "json".
  std::optional<std::string> log_file;             ///< --log-file.
};
/// What `std::getenv` says, or a test: no value for a variable that is not set.
using EnvironmentLookup = Callback<std::optional<std::string>(const char* name)>;

/// Reads CONFIG_FILE, NODE_ID, PEERS, SHARED_DIR, ENCRYPTION_KEY and BIND through `environment`, and the JSON file.
/// Does not validate for a role; call `validate` next.
[[nodiscard]] CLOUDP2P_API Result<Config> load_config(const ConfigFlags& flags, const EnvironmentLookup& environment);
/// The same from a JSON text; `file` is for messages.
[[nodiscard]] CLOUDP2P_API Result<Config> parse_config(std::string_view json, const std::string& file);
/// "1=host:port,2=host:port"
[[nodiscard]] CLOUDP2P_API Result<std::vector<PeerAddress>> parse_peers(std::string_view text);
/// The effective configuration as JSON, secrets replaced by "(set)".
[[nodiscard]] CLOUDP2P_API std::string to_json(const Config& config);

/// Address of this node's peer entry, or `listen`.
[[nodiscard]] CLOUDP2P_API Address listen_address(const Config& config);

}  // namespace cloudp2p
