// Keys as people handle them: hex text, files, and the sub-keys that the channel uses.
//
// Purpose:   one 32-byte cluster key is all that an operator must copy between machines. From it come a key for nodes
//            and a key for clients; a program that is given only the client key can not speak as a node.
// Formats:   a key file holds one line. Cluster key: 64 hex digits, as `openssl rand -hex 32` prints. Client key:
//            "client:" and 64 hex digits. Identity: 64 hex digits, the X25519 secret; its public half is printed.
// Thread:    any. Ownership: secrets are wiped when their holder goes; no message ever contains one.
// Errors:    bad_config for what is malformed or readable by others, not_found, exists, io; each names the file (or the
//            setting), what was expected, and how to make a right one.
#pragma once

#include "crypto/secret.hpp"

#include <cloudp2p/error.hpp>

namespace cloudp2p::crypto {

/// The pre-shared keys of one slot. Without `nodes` this process can speak, and listen, only as and to clients.
struct RoleKeys {
  std::optional<SecretKey> nodes;
  SecretKey clients;

  [[nodiscard]] static RoleKeys from_cluster_key(const SecretKey& cluster);
  [[nodiscard]] RoleKeys copy() const;
};

/// 64 hex digits in either case, surrounding white space ignored. `source` names the file or setting in the error.
[[nodiscard]] Result<SecretKey> parse_key(std::string_view text, std::string_view source);
/// A cluster key, or "client:" and a client key.
[[nodiscard]] Result<RoleKeys> parse_role_keys(std::string_view text, std::string_view source);
[[nodiscard]] Result<PublicKey> parse_public_key(std::string_view text, std::string_view source);

/// Refuse files that anybody but their owner may read or write.
[[nodiscard]] Result<RoleKeys> load_role_keys(const std::string& path);
[[nodiscard]] Result<KeyPair> load_identity(const std::string& path);

/// New files, mode 0600, durable when the call returns; an existing file is never overwritten.
Status create_key_file(const std::string& path, const SecretKey& key);
Status create_client_key_file(const std::string& path, const SecretKey& cluster);

}  // namespace cloudp2p::crypto
