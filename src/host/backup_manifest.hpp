// The manifest of a backup as text: JSON lines, the last of which is the digest of those before it.
#pragma once

#include <cloudp2p/backup.hpp>

namespace cloudp2p::host {

struct BackupManifest {
  ClusterId cluster;
  std::map<Digest, BackupEntry> entries;
};

[[nodiscard]] std::string manifest_text(const BackupManifest& manifest, std::int64_t now_ms);
/// `name` is for the messages.
[[nodiscard]] Result<BackupManifest> parse_manifest(std::string_view text, const std::string& name);

}  // namespace cloudp2p::host
