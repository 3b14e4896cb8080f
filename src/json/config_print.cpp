#include "json/config_names.hpp"

#include <cloudp2p/config.hpp>
#include <cloudp2p/json_writer.hpp>

namespace cloudp2p {
namespace {

namespace names = cloudp2p::json;

void optional_text(JsonWriter& json, const char* key, const std::string& text) {
  if (!text.empty()) json.field(key, text);
}

void write_peers(JsonWriter& json, const Config& config) {
  json.key("peers").begin_array();
  for (const PeerAddress& peer : config.peers) {
    json.begin_object().field("id", value(peer.id)).field("address", to_string(peer.address));
    const auto key = config.peer_public_keys.find(peer.id);
    if (key != config.peer_public_keys.end()) json.field("public_key", key->second);
    json.end_object();
  }
  json.end_array();
}

void write_clients(JsonWriter& json, const std::vector<ClientIdentity>& clients) {
  if (clients.empty()) return;
  json.key("clients").begin_array();
  for (const ClientIdentity& client : clients) {
    json.begin_object().field("name", client.name).field("public_key", client.public_key);
    json.key("rights").begin_array();
    if (client.rights.read) json.value("read");
    if (client.rights.write) json.value("write");
    if (client.rights.admin) json.value("admin");
    json.end_array().end_object();
  }
  json.end_array();
}

void write_channel(JsonWriter& json, const Config& config) {
  if (!config.encryption_key.empty()) json.field("encryption_key", "(set)");
  optional_text(json, "encryption_key_file", config.encryption_key_file);
  optional_text(json, "previous_key_file", config.previous_key_file);
  optional_text(json, "identity_file", config.identity_file);
  write_clients(json, config.clients);
}

void write_election(JsonWriter& json, const ElectionTiming& timing) {
  json.key("election").begin_object();
  json.field("heartbeat_ms", timing.heartbeat.count());
  json.field("failure_timeout_ms", timing.failure_timeout.count());
  json.field("stagger_ms", timing.stagger.count());
  json.field("answer_timeout_ms", timing.answer_timeout.count());
  json.field("takeover_delay_ms", timing.takeover_delay.count());
  json.field("founding_grace_ms", timing.founding_grace.count());
  json.end_object();
}

void write_store(JsonWriter& json, const Config& config) {
  json.key("store").begin_object();
  json.field("image_bytes_max", config.image_bytes_max);
  json.field("accept", names::name_of(names::kAcceptNames, config.accept_any));
  if (config.free_bytes_min) json.field("free_bytes_min", *config.free_bytes_min);
  json.field("repair_bytes_per_second", config.repair_bytes_per_second);
  json.field("scrub_days", config.scrub_interval / std::chrono::hours(24));
  json.field("scrub_bytes_per_second", config.scrub_bytes_per_second);
  json.end_object();
}

void write_log(JsonWriter& json, const Config& config) {
  json.key("log").begin_object();
  json.field("level", names::name_of(names::kLogLevelNames, config.log_level));
  json.field("format", names::name_of(names::kLogFormatNames, config.log_json));
  optional_text(json, "file", config.log_file);
  json.field("file_bytes_max", config.log_file_bytes_max).field("files_kept", config.log_files_kept);
  json.end_object();
}

}  // namespace

std::string to_json(const Config& config) {
  std::string out;
  JsonWriter json(out, JsonWriter::Style::indented);
  json.begin_object().field("schema", 1);
  write_peers(json, config);
  json.field("shared_dir", config.shared_dir);
  if (config.shared) json.field("shared", true);
  if (config.node_id != kNobody) json.field("node_id", value(config.node_id));
  if (config.listen) json.field("listen", to_string(*config.listen));
  write_channel(json, config);
  json.field("quorum", names::name_of(names::kQuorumNames, config.quorum));
  json.field("takeover", names::name_of(names::kTakeoverNames, config.takeover));
  write_election(json, config.timing);
  write_store(json, config);
  write_log(json, config);
  json.key("client").begin_object();
  json.field("timeout_ms", config.timeout.count()).field("retries", config.retries);
  json.end_object().end_object();
  out += '\n';
  return out;
}

}  // namespace cloudp2p
