// Keys as text and files, the derived keys of each role, and the digest.
#include "crypto/keys.hpp"
#include "crypto/digest.hpp"
#include "crypto/sodium_entropy.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

using namespace cloudp2p;
using namespace cloudp2p::crypto;

const std::string kHex = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "cloudp2p-keys-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }

  [[nodiscard]] std::string file(const std::string& name, const std::string& text, mode_t mode) const {
    const std::string full = (path / name).string();
    std::ofstream(full) << text;
    ::chmod(full.c_str(), mode);
    return full;
  }
};

bool says(const Error& error, std::string_view text) {
  return error.message.find(text) != std::string::npos;
}
bool same(const SecretKey& a, const SecretKey& b) {
  return std::ranges::equal(a.view(), b.view());
}

}  // namespace

TEST_CASE("a key is 64 hex digits in either case, with or without a line end") {
  const Result<SecretKey> plain = parse_key(kHex, "ENCRYPTION_KEY");
  REQUIRE(plain.ok());
  CHECK(to_hex(plain->view()).substr(0, 8) == "00112233");
  const Result<SecretKey> line = parse_key(kHex + "\r\n", "ENCRYPTION_KEY");
  REQUIRE(line.ok());
  CHECK(same(*plain, *line));
}

TEST_CASE("a malformed key is refused with its source, what is wrong and how to make a right one, never with the key") {
  const auto refusal = [](const std::string& text) { return parse_role_keys(text, "ENCRYPTION_KEY").error(); };
  const Error short_key = refusal(kHex.substr(1));
  CHECK(short_key.code == Errc::bad_config);
  CHECK(says(short_key, "ENCRYPTION_KEY: has 63 hex digits"));
  CHECK(says(short_key, "`cloud-p2p-client keygen FILE`"));
  CHECK_FALSE(says(short_key, "445566"));
  CHECK(says(refusal("xyz"), "not hex at character 1"));
  CHECK(says(refusal(""), "is empty"));
  CHECK(says(refusal(std::string(64, '0')), "all zeros"));
  CHECK(says(refusal("client:" + kHex + "00"), "has 66 hex digits"));
}

TEST_CASE("a key file that others may read is refused with the command that repairs it") {
  const Folder folder;
  const std::string path = folder.file("key", kHex + "\n", 0640);
  const Error error = load_role_keys(path).error();
  CHECK(error.code == Errc::bad_config);
  CHECK(says(error, path));
  CHECK(says(error, "mode 0640"));
  CHECK(says(error, "chmod 600 " + path));
  ::chmod(path.c_str(), 0600);
  CHECK(load_role_keys(path).ok());
}

TEST_CASE("a missing, oversized or irregular key file is refused by name") {
  const Folder folder;
  const std::string missing = (folder.path / "none").string();
  CHECK(load_role_keys(missing).code() == Errc::not_found);
  CHECK(says(load_role_keys(missing).error(), "copy it from a machine of the cluster, or make it, on the first one, with "));
  CHECK(says(load_role_keys(missing).error(), "`cloud-p2p-client keygen " + missing + "`"));
  const std::string large = folder.file("large", std::string(5000, 'a'), 0600);
  CHECK(says(load_role_keys(large).error(), "too long"));
  const std::string fifo = (folder.path / "fifo").string();
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(says(load_role_keys(fifo).error(), "not a regular file"));
  CHECK(load_role_keys(folder.path.string()).code() == Errc::bad_config);
}

TEST_CASE("a new key file is private, loads again, and is never overwritten") {
  const Folder folder;
  const std::string path = (folder.path / "cluster.key").string();
  const SecretKey key = SecretKey::random();
  REQUIRE(create_key_file(path, key).ok());
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);
  const Result<RoleKeys> loaded = load_role_keys(path);
  REQUIRE(loaded.ok());
  CHECK(same(*loaded->nodes, *RoleKeys::from_cluster_key(key).nodes));
  CHECK(create_key_file(path, SecretKey::random()).code() == Errc::exists);
  CHECK(same(load_role_keys(path)->clients, loaded->clients));
  CHECK(create_key_file((folder.path / "no" / "such").string(), key).code() == Errc::not_found);
}

TEST_CASE("a client key file holds the clients' key of the cluster and nothing of the nodes'") {
  const Folder folder;
  const std::string path = (folder.path / "client.key").string();
  const SecretKey cluster = SecretKey::random();
  REQUIRE(create_client_key_file(path, cluster).ok());
  const Result<RoleKeys> loaded = load_role_keys(path);
  REQUIRE(loaded.ok());
  CHECK_FALSE(loaded->nodes.has_value());
  const RoleKeys whole = RoleKeys::from_cluster_key(cluster);
  CHECK(same(loaded->clients, whole.clients));
  CHECK_FALSE(same(whole.clients, *whole.nodes));
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  CHECK(text == "client:" + to_hex(whole.clients.view()) + "\n");
}

TEST_CASE("an identity file yields the public key that OpenSSL computes, which parses again") {
  const Folder folder;
  const std::string path =
      folder.file("id", "77076d0a7318a57d3c16c17251b26645df4c2f92ebc0992ac177fba51db92c2a\n", 0600);
  const Result<KeyPair> identity = load_identity(path);
  REQUIRE(identity.ok());
  CHECK(identity->public_key.hex() == "f8a9535a2d2ff605e8e144d54f4ef5c62313a2055dbb21fddd3fd9c299eb015d");
  const Result<PublicKey> parsed = parse_public_key(identity->public_key.hex() + "\n", "/peers/0/public_key");
  REQUIRE(parsed.ok());
  CHECK(*parsed == identity->public_key);
  CHECK(says(parse_public_key("12", "/peers/0/public_key").error(), "/peers/0/public_key: has 2 hex digits"));
}

TEST_CASE("a moved-from secret is wiped") {
  SecretKey first = SecretKey::random();
  const SecretKey reference = first.copy();
  const SecretKey second = std::move(first);
  CHECK(same(second, reference));
  CHECK(same(first, SecretKey()));
}

TEST_CASE("the digest is BLAKE2b-256, streamed in any pieces") {
  CHECK(digest_of({}).hex() == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  const std::string text = "abc";
  const ByteView bytes = std::as_bytes(std::span(text));
  const std::string expected = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";
  CHECK(digest_of(bytes).hex() == expected);
  DigestHasher hasher;
  hasher.update(bytes.first(1));
  hasher.update({});
  hasher.update(bytes.subspan(1));
  CHECK(hasher.finish().hex() == expected);
  hasher.reset();
  hasher.update(bytes);
  CHECK(hasher.finish().hex() == expected);
}

TEST_CASE("every library that can hash agrees, whatever the pieces") {
  std::vector<std::byte> bytes(1000);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i * 7);
  for (const DigestLibrary& library : digest_libraries()) {
    CAPTURE(library.name);
    const std::unique_ptr<Blake2b> blake2b = library.make();
    CHECK(blake2b->finish().hex() == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    for (const std::size_t piece : {1UL, 127UL, 128UL, 129UL, 1000UL}) {
      blake2b->reset();
      for (std::size_t at = 0; at < bytes.size(); at += piece)
        blake2b->update(ByteView(bytes).subspan(at, std::min(piece, bytes.size() - at)));
      CHECK(blake2b->finish() == digest_of(bytes));
    }
  }
}

TEST_CASE("entropy differs from draw to draw") {
  REQUIRE(initialise().ok());
  SodiumEntropy entropy;
  CHECK(entropy.draw<UploadId>() != entropy.draw<UploadId>());
}
