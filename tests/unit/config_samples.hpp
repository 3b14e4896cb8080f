// Configurations that several tests start from.
#pragma once

#include <cloudp2p/config.hpp>

#include <doctest/doctest.h>

namespace cloudp2p::testing_config {

inline const std::string kKey = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
inline const std::string kOtherKey = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

/// What the deployment guide tells people to write.
inline const char* const kGuide = R"({
  "peers": [
    {"id": 1, "address": "192.168.1.100:7001"},
    {"id": 2, "address": "192.168.1.101:7002"},
    {"id": 3, "address": "192.168.1.102:7003"}
  ],
  "shared_dir": "/home/youruser/images"
})";

inline const char* const kEverything = R"({
  "schema": 1,
  "peers": [
    {"id": 7, "address": "[::1]:7001",
     "public_key": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
    {"id": 9, "address": "camera.local:7002"}
  ],
  "shared_dir": "images \"of\" today", "node_id": 9, "listen": "0.0.0.0:7002",
  "encryption_key_file": "cluster.key", "previous_key_file": "old.key", "identity_file": "me.key",
  "clients": [
    {"name": "kiosk", "rights": ["read"],
     "public_key": "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"}
  ],
  "quorum": "none", "takeover": "never",
  "election": {"heartbeat_ms": 50, "failure_timeout_ms": 300, "stagger_ms": 60, "answer_timeout_ms": 70,
               "takeover_delay_ms": 1000, "founding_grace_ms": 200},
  "store": {"image_bytes_max": 5000000000, "accept": "any", "free_bytes_min": 0, "repair_bytes_per_second": 1000,
            "scrub_days": 7, "scrub_bytes_per_second": 2000},
  "log": {"level": "debug", "format": "json", "file": "node.log", "file_bytes_max": 1000000, "files_kept": 9},
  "client": {"timeout_ms": 5000, "retries": 2}
})";

inline Config parsed(std::string_view json) {
  Result<Config> config = parse_config(json, "config.json");
  if (!config) FAIL(config.error().message);
  return *config;
}

inline std::string refusal(std::string_view json) {
  const Result<Config> config = parse_config(json, "config.json");
  if (config) return "accepted";
  CHECK(config.code() == Errc::bad_config);
  return config.error().message;
}

inline std::string refusal(const Status& status) {
  if (status) return "accepted";
  CHECK(status.code() == Errc::bad_config);
  return status.error().message;
}

}  // namespace cloudp2p::testing_config
